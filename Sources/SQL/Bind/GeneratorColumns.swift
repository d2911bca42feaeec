internal import Dataflow

/// The columns of the generator's tables.
enum GeneratorColumns {
    static var kinds: [String] { NexmarkGenerator.schemas.keys.sorted() }

    static func columns(of kind: String) -> [ColumnSchema] { NexmarkGenerator.schemas[kind] ?? [] }
}
