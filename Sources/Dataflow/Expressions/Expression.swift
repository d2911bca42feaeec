/// A typed scalar expression over the columns of one input, as bound by the SQL compiler.
///
/// Pure: its value is a function of the row. It is part of the deployed graph, so its coding is a format:
/// cases and the keys of functions are never renamed. SQL's three-valued logic holds throughout.
package indirect enum Expression: Hashable, Sendable, Codable {
    /// Column `index` of the input.
    case column(Int, type: DataType)
    case literal(Datum, type: DataType)
    /// A function of the registry by its key, e.g. `+(bigint,bigint)` or `cast(integer,text)`.
    case call(String, [Expression], type: DataType)
    /// Errors of later operands count only in rows that the earlier ones leave undecided.
    case and([Expression])
    case or([Expression])
    case not(Expression)
    case isNull(Expression)
    /// `CASE`: the first branch whose condition is true; errors of the branches not taken do not count.
    case branches([Branch], otherwise: Expression, type: DataType)
    /// The first operand that is not NULL; errors of those behind it do not count.
    case coalesce([Expression], type: DataType)

    package struct Branch: Hashable, Sendable, Codable {
        package var condition: Expression
        package var value: Expression

        package init(condition: Expression, value: Expression) {
            self.condition = condition
            self.value = value
        }
    }

    package var type: DataType {
        switch self {
        case .column(_, let type), .literal(_, let type), .call(_, _, let type), .branches(_, _, let type),
            .coalesce(_, let type):
            type
        case .and, .or, .not, .isNull: .boolean
        }
    }
}

/// An error that one row's evaluation met, such as a division by zero.
package struct RowError: Error, Hashable, Sendable {
    /// The row in its batch.
    package var row: Int
    /// PostgreSQL's SQLSTATE.
    package var code: String
    package var message: String

    package init(row: Int, code: String, message: String) {
        self.row = row
        self.code = code
        self.message = message
    }
}
