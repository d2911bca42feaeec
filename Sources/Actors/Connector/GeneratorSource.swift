package import Dataflow
internal import Log

/// Appends a generator's events of one kind to a stored topic as JSON records, at the rate or as fast as the log takes them.
///
/// A partition of the topic holds the events of the same partition of the generator. The position is the number of
/// events of each partition that have been looked at, whatever their kind.
package struct GeneratorSource: ConnectorSource {
    private let options: GeneratorOptions
    private let entity: GeneratorOptions.Entity
    /// Microseconds since 1970 of the CREATE record, from which the rate counts.
    private let created: Int64

    /// Events of each partition in one append, as a rule: about a megabyte.
    private static let eventsPerAppend: Int64 = 4096
    /// How often a rate is kept up.
    private static let tick: Duration = .milliseconds(20)

    package init(_ schema: TableSchema, created: Int64) throws(OptionError) {
        options = try GeneratorOptions(schema)
        guard let entity = GeneratorOptions.Entity(of: schema) else {
            throw OptionError(table: schema.name, option: "entity", "must be person, auction or bid")
        }
        self.entity = entity
        self.created = created
    }

    package func run(_ writer: ConnectorWriter) async throws(ConnectorError) {
        let generator = NexmarkGenerator(options.configuration)
        var position = try Self.decode(await writer.position, partitions: options.partitions)
        let names = (NexmarkGenerator.schemas[entity.rawValue] ?? []).map(\.name)
        while !Task.isCancelled {
            let events = options.events(created: created, now: WallClock.microseconds)
            var records: [Int: RecordSet] = [:]
            var isIdle = true
            for partition in 0..<options.partitions {
                let from = position[partition]
                let count = min(options.end(partition: partition, events: events) - from, Self.eventsPerAppend)
                guard count > 0 else { continue }
                isIdle = false
                let batch = generator.generate(partition: partition, from: from, count: Int(count))
                // The topic may have been made with fewer partitions than the generator has.
                Self.append(
                    rows(of: batch), names: names, to: &records[partition % writer.partitionCount, default: RecordSet()]
                )
                position[partition] = from + count
            }
            if !isIdle {
                try await writer.append(records, position: Self.encode(position))
                continue
            }
            if let count = options.count, events >= count { return }
            do {
                try await Task.sleep(for: Self.tick)
            } catch {
                return
            }
        }
    }

    private func rows(of batch: NexmarkBatch) -> Delta? {
        switch entity {
        case .person: batch.person
        case .auction: batch.auction
        case .bid: batch.bid
        }
    }

    /// Appends the declared columns of the rows as JSON records.
    private static func append(_ rows: Delta?, names: [String], to records: inout RecordSet) {
        guard let rows else { return }
        let columns = Array(rows.columns.prefix(names.count))
        var text: [UInt8] = []
        for row in 0..<rows.count {
            text.removeAll(keepingCapacity: true)
            JSONFormat.appendRow(names, columns, row: row, to: &text)
            records.append(value: text)
        }
    }

    /// `1` and the offsets of all partitions, separated by spaces.
    private static func encode(_ position: [Int64]) -> [UInt8] {
        Array(("1 " + position.map(String.init).joined(separator: " ")).utf8)
    }

    private static func decode(_ bytes: [UInt8]?, partitions: Int) throws(ConnectorError) -> [Int64] {
        guard let bytes else { return Array(repeating: 0, count: partitions) }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ").map { Int64($0) }
        guard fields.first == 1, fields.count == partitions + 1 else {
            throw ConnectorError(
                "the recorded position of the generator is not one of \(partitions) partitions", isFinal: true)
        }
        return fields.dropFirst().compactMap { $0 }
    }
}
