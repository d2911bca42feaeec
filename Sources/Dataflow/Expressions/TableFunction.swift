/// One entry of the registry of functions that return sets: a signature and its kernel.
package struct TableFunction: Sendable {
    /// A column of its result.
    package struct Output: Hashable, Sendable {
        package var name: String
        package var type: DataType

        package init(_ name: String, _ type: DataType) {
            self.name = name
            self.type = type
        }
    }

    /// The SQL name in lower case.
    package let name: String
    package let arguments: [DataType]
    /// A single one that has the function's name takes an alias of the table for its own.
    package let columns: [Output]
    /// As the reference shows it.
    package let signature: String
    /// One sentence for the reference.
    package let documentation: String
    package let kernel: Kernel

    /// The rows that a batch of input rows gives.
    package struct Rows {
        /// For each output row the input row that it is made of, ascending.
        package var inputs: [Int32]
        /// The function's columns, of `inputs.count` rows.
        package var columns: [Column]

        package init(inputs: [Int32], columns: [Column]) {
            self.inputs = inputs
            self.columns = columns
        }
    }

    /// Makes the rows of a batch: `arguments` all have `count` rows. Rows where `validity` says that an argument is NULL give none,
    /// and no error; the kernel must ask it. A row that would give more than ``rowsMax`` is an error (``tooMany(_:row:)``) and gives
    /// none.
    package typealias Kernel =
        @Sendable (_ arguments: [Column], _ count: Int, _ validity: Validity?, _ errors: inout [RowError]) -> Rows

    package init(
        _ name: String, _ arguments: [DataType], _ columns: [Output], signature: String? = nil, _ documentation: String,
        kernel: @escaping Kernel
    ) {
        self.name = name
        self.arguments = arguments
        self.columns = columns
        let types = arguments.map(\.name).joined(separator: ", ")
        let result =
            columns.count == 1
            ? columns[0].type.name : "(\(columns.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")))"
        self.signature = signature ?? "\(name)(\(types)) → setof \(result)"
        self.documentation = documentation
        self.kernel = kernel
    }

    /// How deployed graphs name the function. Never changed once released.
    package var key: String { FunctionKey.of(name, arguments) }

    /// The most rows that one input row may give: doubling it doubles what a single row can make an epoch hold.
    package static let rowsMax = 1_000_000

    package static func tooMany(_ name: String, row: Int) -> RowError {
        RowError(row: row, code: "54000", message: "\(name) makes more than \(rowsMax) rows of one row")
    }
}

/// All functions that return sets, by key and by name. A new one is an entry in a table of its family.
package enum TableFunctionRegistry {
    package static let all: [TableFunction] = SeriesFunctions.all + SetFunctions.all + WindowFunctions.all

    private static let byKey: [String: TableFunction] = Dictionary(all.map { ($0.key, $0) }) { first, _ in
        preconditionFailure("two table functions have the key \(first.key)")
    }

    private static let byName: [String: [TableFunction]] = Dictionary(grouping: all, by: \.name)

    package static func function(key: String) -> TableFunction? { byKey[key] }

    package static func candidates(named name: String) -> [TableFunction] { byName[name] ?? [] }

    /// Sorted.
    package static var names: [String] { byName.keys.sorted() }
}
