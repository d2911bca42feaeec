/// A value of SQL's `numeric`: `mantissa × 10^-scale`, with at most 38 digits.
///
/// The scale is the number of digits after the point that PostgreSQL would print, so 1.0 and 1.00
/// are two values here that SQL calls equal. Comparison, hashing for keys and arithmetic live with the
/// expressions; the synthesised `==` below is identity of representation, which is what tests need.
package struct Decimal: Hashable, Sendable, BitwiseCopyable, Codable {
    /// The digits as an integer, `-10^38 < mantissa < 10^38`.
    package var mantissa: Int128
    /// Digits after the point, 0 ... 38.
    package var scale: Int32

    package init(mantissa: Int128, scale: Int32) {
        self.mantissa = mantissa
        self.scale = scale
    }

    /// The most digits that a value may have; more is error 22003.
    package static let digitsMax = 38
}
