package import Dataflow

/// The options of the Nexmark generator.
///
/// `seed`, `rate` (events a second; 0 for as fast as they are taken), `count` (events in all), `partitions`,
/// `event_rate` (events a second of event time), `base_time` (event 0's time: microseconds since 1970 or a timestamp) and `entity`
/// (`person`, `auction` or `bid`; by default the table's name). Tables of one topic have the same ones but the last.
package struct GeneratorOptions: Hashable, Sendable, Codable {
    package var configuration: NexmarkConfiguration
    package var rate: Double
    package var count: Int64?

    package var partitions: Int { configuration.partitions }

    package init(_ schema: TableSchema) throws(OptionError) {
        let options = OptionReader(schema)
        let seed = try options.integer("seed") ?? 1
        let partitions = try options.integer("partitions") ?? Self.partitionsDefault
        let eventRate = try options.integer("event_rate") ?? 10_000
        rate = try options.number("rate") ?? 0
        count = try options.integer("count")
        guard (1...Int64(TopicPlan.partitionsMax)).contains(partitions) else {
            throw OptionError(
                table: schema.name, option: "partitions", "must lie between 1 and \(TopicPlan.partitionsMax)")
        }
        guard (1...1_000_000_000).contains(eventRate) else {
            throw OptionError(table: schema.name, option: "event_rate", "must lie between 1 and 1000000000")
        }
        guard rate >= 0, rate <= 1e9 else {
            throw OptionError(table: schema.name, option: "rate", "must lie between 0 and 1000000000")
        }
        if let count, count < 0 { throw OptionError(table: schema.name, option: "count", "must not be negative") }
        if rate == 0 && count == nil {
            throw OptionError(table: schema.name, option: "count", "is required, as there is no rate")
        }
        guard Entity(of: schema) != nil else {
            throw OptionError(table: schema.name, option: "entity", "must be person, auction or bid")
        }
        configuration = NexmarkConfiguration(
            seed: UInt64(bitPattern: seed), eventsPerSecond: Int(eventRate),
            baseTime: try options.time("base_time") ?? Self.baseTimeDefault, partitions: Int(partitions))
    }

    private static let partitionsDefault: Int64 = 4
    /// 2026-01-01 00:00:00. Fixed, so that the events are a function of the options alone.
    private static let baseTimeDefault: Int64 = 1_767_225_600_000_000

    /// How many events there are at `now`, for a table created at `created` (both in microseconds since 1970).
    package func events(created: Int64, now: Int64) -> Int64 {
        guard rate > 0 else { return count ?? 0 }
        let seconds = Double(max(0, now - created)) / 1_000_000
        let events = (rate * seconds).rounded(.down)
        let bounded = events < 9e18 ? Int64(events) : Int64.max
        return min(bounded, count ?? Int64.max)
    }

    /// When the record at `offset` of `partition` came to be, for a table created at `created` (both in microseconds since 1970); nil
    /// without a rate, since its events are always there.
    package func emitted(partition: Int, offset: Int64, created: Int64) -> Int64? {
        guard rate > 0 else { return nil }
        let event = Double(offset) * Double(partitions) + Double(partition)
        return created + Int64(((event + 1) / rate * 1_000_000).rounded(.up))
    }

    /// The offset after the last record of `partition`, whose offset k is event `k × partitions + partition`.
    package func end(partition: Int, events: Int64) -> Int64 {
        guard events > Int64(partition) else { return 0 }
        return (events - Int64(partition) - 1) / Int64(partitions) + 1
    }

    /// The kinds of events.
    package enum Entity: String, Hashable, Sendable, Codable, CaseIterable {
        case person, auction, bid

        /// The kind that a table takes: its option `entity`, or else its name; nil if that is none.
        package init?(of schema: TableSchema) {
            self.init(rawValue: schema.options["entity"] ?? schema.name)
        }
    }
}
