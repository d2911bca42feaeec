/// A declared column of a table, or a column of a view.
package struct ColumnSchema: Hashable, Sendable, Codable {
    package var name: String
    package var type: DataType
    /// Applied to values when they are assigned; of an array to its elements.
    package var modifier: TypeModifier?
    package var isNullable: Bool

    package init(name: String, type: DataType, modifier: TypeModifier? = nil, isNullable: Bool = true) {
        self.name = name
        self.type = type
        self.modifier = modifier
        self.isNullable = isNullable
    }

    /// `numeric(precision, scale)`.
    package var numeric: NumericModifier? {
        if case .numeric(let modifier) = modifier { modifier } else { nil }
    }

    /// The type as SQL writes it: `numeric(10,2)`, `character varying(5)[]`.
    package var typeName: String { TypeModifier.describe(type, modifier) }

    private enum CodingKeys: String, CodingKey {
        case name, type, modifier, isNullable
        /// What columns of the first releases had instead of a modifier.
        case numeric
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        type = try container.decode(DataType.self, forKey: .type)
        isNullable = try container.decode(Bool.self, forKey: .isNullable)
        modifier = try container.decodeIfPresent(TypeModifier.self, forKey: .modifier)
        if let numeric = try container.decodeIfPresent(NumericModifier.self, forKey: .numeric) {
            modifier = .numeric(numeric)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(type, forKey: .type)
        try container.encode(isNullable, forKey: .isNullable)
        try container.encodeIfPresent(modifier, forKey: .modifier)
    }
}

/// A table: how the records of its topic become rows.
package struct TableSchema: Hashable, Sendable, Codable {
    package var name: String
    /// The topic whose records these are; several tables may read one.
    package var topic: String
    package var columns: [ColumnSchema]
    /// Columns of the primary key; if not empty the table is an upsert table.
    package var primaryKey: [Int]
    package var eventTime: EventTime?
    package var format: Format
    /// The connector's name and options, as in `WITH (…)`, without those that have a field here.
    package var connector: String
    package var options: [String: String]

    package enum Format: String, Hashable, Sendable, Codable {
        /// One JSON object a record.
        case json
        /// One line of comma-separated values a record, columns in declared order.
        case csv
        /// Columns come straight from the connector (virtual generator topics).
        case native
    }

    /// What judges a record's event time; both bounds are functions of the partition's prefix.
    package struct EventTime: Hashable, Sendable, Codable {
        /// The timestamp column.
        package var column: Int
        /// Microseconds: a record is late if its time is below the highest accepted before it, less this.
        package var lateness: Int64
        /// Microseconds: a record is refused if its time is above its append time plus this; nil for no bound.
        package var skew: Int64?

        package init(column: Int, lateness: Int64, skew: Int64?) {
            self.column = column
            self.lateness = lateness
            self.skew = skew
        }
    }

    package init(
        name: String, topic: String, columns: [ColumnSchema], primaryKey: [Int] = [], eventTime: EventTime? = nil,
        format: Format, connector: String, options: [String: String] = [:]
    ) {
        self.name = name
        self.topic = topic
        self.columns = columns
        self.primaryKey = primaryKey
        self.eventTime = eventTime
        self.format = format
        self.connector = connector
        self.options = options
    }

    /// The columns behind the declared ones that every source offers.
    package static let metadataColumns = [
        ColumnSchema(name: "_partition", type: .integer, isNullable: false),
        ColumnSchema(name: "_offset", type: .bigint, isNullable: false),
        ColumnSchema(name: "_append_time", type: .timestamp, isNullable: false),
    ]

    /// The columns of every table's dead letters, `<topic>.dead`: what was refused and why.
    package static let deadLetterColumns = [
        ColumnSchema(name: "_partition", type: .integer, isNullable: false),
        ColumnSchema(name: "_offset", type: .bigint, isNullable: false),
        ColumnSchema(name: "_append_time", type: .timestamp, isNullable: false),
        /// The table whose reading refused it.
        ColumnSchema(name: "source", type: .text, isNullable: false),
        /// `malformed`, `skew` or `late`.
        ColumnSchema(name: "reason", type: .text, isNullable: false),
        ColumnSchema(name: "message", type: .text, isNullable: false),
        /// The record's bytes as text, invalid UTF-8 replaced, cut after 4 KiB.
        ColumnSchema(name: "record", type: .text),
    ]

    /// The columns of a view's dead letters, `<view>.dead`: rows whose evaluation failed.
    package static let rowErrorColumns = [
        /// PostgreSQL's SQLSTATE.
        ColumnSchema(name: "code", type: .text, isNullable: false),
        ColumnSchema(name: "message", type: .text, isNullable: false),
        /// The operator's input row, as PostgreSQL prints a row value.
        ColumnSchema(name: "input", type: .text, isNullable: false),
    ]
}
