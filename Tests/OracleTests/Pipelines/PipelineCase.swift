/// Tables, what streams into them, and views over them: all that a comparison with PostgreSQL needs.
struct PipelineCase: Codable {
    struct Table: Codable {
        var name: String
        var columns: [[String]]
        var key: [Int]
        var partitions: Int
        var eventTime: [Int]?

        var stream: StreamTable {
            StreamTable(
                name: name, columns: columns.map { .init(name: $0[0], type: $0[1]) }, key: key, partitions: partitions,
                eventTime: eventTime.map { ($0[0], $0[1]) })
        }
    }

    struct View: Codable {
        var name: String
        var sql: String
        /// The same for PostgreSQL, where it must be written otherwise.
        var postgres: String
        /// A query over the views, not a view.
        var isQuery = false
        /// What it exercises.
        var features: Set<String> = []
    }

    /// What went wrong with it, for people.
    var reason = ""
    var tables: [Table]
    var epochs: [[StreamChange]]
    var views: [View]
    var seed: UInt64
}
