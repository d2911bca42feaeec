/// The tables that random pipelines read, and random records for them.
///
/// `plain` and `timed` only grow; `timed` judges event time; `keyed` is an upsert table.
enum Workload {
    struct Table {
        var name: String
        var partitions: Int
        var columns: [Column]
        var isKeyed = false
        /// Microseconds; nil for a table without event time.
        var lateness: Int64?

        var declaration: String {
            let declared = columns.map { column in
                "\(column.name) \(column.type.declaration)" + (isKeyed && column.name == "id" ? " PRIMARY KEY" : "")
            }
            var options = ["connector = 'http'", "partitions = '\(partitions)'"]
            if let lateness {
                options += ["event_time = 'ts'", "lateness = '\(lateness / 1_000_000) seconds'", "skew = 'none'"]
            }
            return
                "CREATE TABLE \(name) (\(declared.joined(separator: ", "))) WITH (\(options.joined(separator: ", ")))"
        }

        var oracleDeclaration: String {
            "CREATE TABLE \(name) (\(columns.map { "\($0.name) \($0.type.oracleDeclaration)" }.joined(separator: ", ")))"
        }
    }

    struct Column: Hashable {
        var name: String
        var type: ValueType
        var isNullable = true
    }

    enum ValueType: Hashable {
        case integer, bigint, numeric, double, boolean, text, timestamp

        var declaration: String {
            switch self {
            case .integer: "integer"
            case .bigint: "bigint"
            case .numeric: "numeric(12,2)"
            case .double: "double precision"
            case .boolean: "boolean"
            case .text: "text"
            case .timestamp: "timestamp"
            }
        }

        /// Numerics lie in SQLite as REAL, whose sums of few cents are right to more digits than are compared.
        var oracleDeclaration: String {
            switch self {
            case .integer, .bigint, .boolean, .timestamp: "INTEGER"
            case .numeric, .double: "REAL"
            case .text: "TEXT"
            }
        }

        var isNumber: Bool { self == .integer || self == .bigint || self == .numeric || self == .double }
    }

    static let tables = [
        Table(
            name: "plain", partitions: 2,
            columns: [
                Column(name: "id", type: .bigint, isNullable: false), Column(name: "k", type: .integer),
                Column(name: "g", type: .text), Column(name: "v", type: .bigint), Column(name: "d", type: .double),
                Column(name: "b", type: .boolean),
            ]),
        Table(
            name: "timed", partitions: 3,
            columns: [
                Column(name: "id", type: .bigint, isNullable: false), Column(name: "k", type: .integer),
                Column(name: "g", type: .text), Column(name: "v", type: .bigint), Column(name: "n", type: .numeric),
                Column(name: "ts", type: .timestamp, isNullable: false),
            ], lateness: 5_000_000),
        Table(
            name: "keyed", partitions: 2,
            columns: [
                Column(name: "id", type: .integer, isNullable: false), Column(name: "k", type: .integer),
                Column(name: "g", type: .text), Column(name: "v", type: .bigint), Column(name: "n", type: .numeric),
            ], isKeyed: true),
    ]

    static let partitions = Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0.partitions) })

    /// One record of a table: its cells as SQL literals that JSON, SQLite and PostgreSQL read alike, nil for NULL.
    struct Record {
        var partition: Int
        var cells: [Cell]
        /// Deletes the key in the first cell.
        var isTombstone = false
        /// The record's JSON text when it is one that must be refused.
        var malformed: String?

        func topicRecord(of table: Table) -> PipelineHarness.TopicRecord {
            let fields = zip(table.columns, cells).map { "\"\($0.name)\": \($1.json)" }
            return .init(
                table: table.name, partition: partition, text: malformed ?? "{\(fields.joined(separator: ", "))}",
                isTombstone: isTombstone)
        }
    }

    enum Cell {
        case null
        /// Printed as it is in JSON and in SQL.
        case number(String)
        case boolean(Bool)
        case text(String)
        /// Microseconds since 1970.
        case timestamp(Int64)

        var json: String {
            switch self {
            case .null: "null"
            case .number(let text): text
            case .boolean(let value): value ? "true" : "false"
            case .text(let text): "\"\(text)\""
            case .timestamp(let value): "\"\(Workload.timestampText(value))\""
            }
        }

        var sql: String {
            switch self {
            case .null: "NULL"
            case .number(let text): text
            case .boolean(let value): value ? "1" : "0"
            case .text(let text): "'\(text)'"
            case .timestamp(let value): String(value)
            }
        }
    }

    /// 2024-01-01 00:00:00 UTC in microseconds: where event time begins.
    static let baseTime: Int64 = 1_704_067_200_000_000

    static func timestampText(_ value: Int64) -> String {
        let micros = value - baseTime
        let seconds = micros / 1_000_000
        precondition(micros >= 0 && seconds < 86_400, "the workload stays within one day")
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = String(1_000_000 + micros % 1_000_000).dropFirst()
        return "2024-01-01 \(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(fraction)"
    }

    /// `position` grows from record to record and moves event time on.
    static func record(of table: Table, position: Int, using rng: inout SeededGenerator) -> Record {
        var cells = table.columns.map { column -> Cell in
            if column.isNullable && rng.chance(12) { return .null }
            switch column.type {
            case .integer: return .number(String(rng.below(7) - 1))
            case .bigint: return .number(String(rng.below(60) - 20))
            case .numeric:
                let cents = rng.below(4000) - 1000
                return .number(
                    (cents < 0 ? "-" : "") + "\(abs(cents) / 100)." + (abs(cents) % 100 < 10 ? "0" : "")
                        + "\(abs(cents) % 100)")
            case .double: return .number(String(Double(rng.below(400) - 100) / 4))
            case .boolean: return .boolean(rng.chance(50))
            case .text: return .text(rng.pick(["", "a", "b", "ab", "Zoë", "x_y", "A", "b%"]))
            case .timestamp:
                // In steps of which the lateness is a multiple: some events lie on the limit itself.
                let steps = rng.chance(8) ? rng.below(600) : rng.below(60)
                return .timestamp(baseTime + 40_000_000 + Int64(position) * 150_000 - Int64(steps) * 50_000)
            }
        }
        var partition = rng.below(table.partitions)
        if table.isKeyed {
            let key = rng.below(25)
            cells[0] = .number(String(key))
            partition = key % table.partitions
        } else {
            cells[0] = .number(String(position))
        }
        var record = Record(partition: partition, cells: cells)
        if table.isKeyed {
            record.isTombstone = rng.chance(20)
        } else if rng.chance(3) {
            record.malformed = rng.pick([
                "{\"id\": \(position)", "[]", "not json", "{\"id\": \"x\"}", "{\"id\": 9223372036854775808}",
                "{\"k\": 1.5, \"id\": 1}", "",
            ])
        }
        return record
    }
}
