/// One entry of the function registry: a signature and its kernel.
///
/// Operators (`+`), casts (`cast`) and named functions are all entries. A new function is one new entry in
/// a file of its family and its tests.
package struct ScalarFunction: Sendable {
    /// The SQL name in lower case, or the operator's symbol; `cast` for a cast.
    package let name: String
    package let arguments: [DataType]
    package let result: DataType
    /// A strict function is NULL where an argument is NULL, and its kernel is not asked about those rows' errors.
    package let isStrict: Bool
    /// What the value may depend on beside the arguments: nothing, for every function that a view may call.
    package let volatility: Volatility
    /// One sentence for the reference.
    package let documentation: String
    package let kernel: Kernel

    /// PostgreSQL's classes. A volatile function breaks the law that a view is a function of the log, so such ones are refused by
    /// name (``RefusedFunction``).
    package enum Volatility: String, Sendable {
        case immutable, stable, volatile
    }

    /// Computes a batch: `arguments` all have `count` rows, and so has the result, whose type is ``result``.
    ///
    /// Of a strict function, `validity` is where all arguments are values: the evaluator applies it to the
    /// result, so the kernel only adds NULLs of its own, and must report no error for a row that is invalid
    /// in it. Kernels never trap, whatever bits an invalid row holds.
    package typealias Kernel =
        @Sendable (_ arguments: [Column], _ count: Int, _ validity: Validity?, _ errors: inout [RowError]) -> Column

    package init(
        _ name: String, _ arguments: [DataType], _ result: DataType, isStrict: Bool = true,
        volatility: Volatility = .immutable, _ documentation: String,
        kernel: @escaping Kernel
    ) {
        self.name = name
        self.arguments = arguments
        self.result = result
        self.isStrict = isStrict
        self.volatility = volatility
        self.documentation = documentation
        self.kernel = kernel
    }

    /// How deployed graphs name the function: `name(type,type)`. Never changed once released.
    package var key: String { "\(name)(\(arguments.map(\.name).joined(separator: ",")))" }
}
