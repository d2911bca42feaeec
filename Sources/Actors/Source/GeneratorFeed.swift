internal import Dataflow
internal import Log

/// Makes the records of one partition of a virtual generator topic on the worker's thread.
///
/// One generation of a range of events feeds the person, auction and bid tables that read the topic. Every record is
/// read once by each table: those of another kind count as skipped.
final class GeneratorFeed: SourceFeed {
    private final class Input {
        let table: SourceTable
        /// Records below this offset are not for it.
        var start: Int64
        let entity: GeneratorOptions.Entity
        var counters = SourceCounters()
        var highestEventTime: Int64?

        init(_ table: SourceTable) {
            self.table = table
            start = table.start
            guard let entity = GeneratorOptions.Entity(of: table.schema) else {
                preconditionFailure("the fold accepts no table \(table.schema.name) of a generator without an entity")
            }
            self.entity = entity
        }
    }

    let partition: TopicPartition
    private let generator: NexmarkGenerator
    private var inputs: [Input]
    private(set) var position: Int64
    private(set) var bytesRead = 0

    init(
        partition: TopicPartition, start: Int64, options: GeneratorOptions,
        tables: [SourceTable]
    ) {
        self.partition = partition
        generator = NexmarkGenerator(options.configuration)
        position = start
        inputs = tables.map { Input($0) }
    }

    func advance(to bound: SourceBound, push: (Delta, OperatorID) -> Void) -> FeedProgress {
        guard position < bound.end else { return .done }
        var count = Int(min(Int64(Delta.rowsMax), bound.end - position))
        for input in inputs where input.start > position { count = min(count, Int(input.start - position)) }
        let batch = generator.generate(partition: partition.partition, from: position, count: count)
        for input in inputs where input.start <= position {
            let rows =
                switch input.entity {
                case .person: batch.person
                case .auction: batch.auction
                case .bid: batch.bid
                }
            let applied = rows?.count ?? 0
            input.counters.read += Int64(count)
            input.counters.applied += Int64(applied)
            input.counters.skipped += Int64(count - applied)
            guard let rows, applied > 0 else { continue }
            if let eventTime = input.table.schema.eventTime {
                input.highestEventTime = max(
                    input.highestEventTime ?? .min, Self.highest(rows.columns[eventTime.column]))
            }
            push(rows, input.table.node)
        }
        position += Int64(count)
        return .advanced
    }

    private static func highest(_ column: Column) -> Int64 {
        column.withValues(as: Int64.self) { values in
            var highest = Int64.min
            for value in values { highest = max(highest, value) }
            return highest
        }
    }

    var failure: String? { nil }

    func receive(_ result: FetchResult) {
        preconditionFailure("a generator reads nothing, but \(partition) got \(result)")
    }

    var reports: [SourceReport] {
        inputs.map { input in
            SourceReport(
                table: input.table.schema.name, partition: partition, position: position, counters: input.counters,
                highestEventTime: input.highestEventTime)
        }
    }

    func adopt(_ tables: Set<String>, from other: any SourceFeed) {
        guard let other = other as? GeneratorFeed else { preconditionFailure("feeds of \(partition) differ in kind") }
        precondition(other.position >= position, "adopting tables at \(other.position), behind \(position)")
        for input in other.inputs where tables.contains(input.table.schema.name) {
            input.start = max(input.start, other.position)
            inputs.append(input)
        }
    }

    func remove(_ tables: Set<String>) -> Bool {
        inputs.removeAll { tables.contains($0.table.schema.name) }
        return !inputs.isEmpty
    }

    /// Nothing is ever under way.
    func move(to lane: LaneID) {}
}
