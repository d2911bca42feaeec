internal import Dataflow
internal import Log

/// Reads a partition of a stored or a file topic: asks the ``ReadService`` for batches ahead of need and decodes them.
final class StoredFeed: SourceFeed {
    /// Payload bytes asked for at once. Small enough that the first rows come soon, large enough that a request's cost
    /// does not count.
    private static let fetchBytes = 2 << 20
    /// Payload bytes held at most before no more is asked for; twice the request, so that one is always under way.
    private static let heldBytesMax = 4 << 20

    private final class Input {
        let table: SourceTable
        /// Records below this offset are not for it.
        var start: Int64
        let decoder: SourceDecoder
        var counters = SourceCounters()

        init(_ table: SourceTable, partition: Int) {
            self.table = table
            start = table.start
            decoder = SourceDecoder(schema: table.schema, partition: partition)
        }

        func decode(_ records: RawRecords, push: (Delta, OperatorID) -> Void) {
            let batch = decoder.decode(records)
            counters.read += Int64(batch.read)
            counters.applied += Int64(batch.applied)
            counters.late += Int64(batch.late)
            counters.skewed += Int64(batch.skewed)
            counters.malformed += Int64(batch.malformed)
            counters.skipped += Int64(batch.skipped)
            if batch.rows.count > 0 { push(batch.rows, table.node) }
            if batch.dead.count > 0, let dead = table.dead { dead.assumeIsolated { $0.apply(batch.dead) } }
        }
    }

    private var lane: LaneID
    let partition: TopicPartition
    private let mailbox: Mailbox
    private let service: ReadService
    private let isFile: Bool
    private var inputs: [Input]

    private(set) var position: Int64
    private(set) var bytesRead = 0
    /// Batches not yet used up, oldest first; of the first, records below `position` are done.
    private var held: [RecordBatch] = []
    private var heldBytes = 0
    /// Bytes of the first held batch that are done.
    private var headBytes = 0
    /// The offset after the last record held or asked for.
    private var fetchOffset: Int64
    private var isFetching = false
    private(set) var failure: String?
    private var failsAlone = false

    init(
        lane: LaneID, partition: TopicPartition, start: Int64, tables: [SourceTable], mailbox: Mailbox,
        service: ReadService, isFile: Bool
    ) {
        self.lane = lane
        self.partition = partition
        self.mailbox = mailbox
        self.service = service
        self.isFile = isFile
        position = start
        fetchOffset = start
        inputs = tables.map { Input($0, partition: partition.partition) }
    }

    func advance(to bound: SourceBound, push: (Delta, OperatorID) -> Void) -> FeedProgress {
        guard position < bound.end else { return .done }
        fetch(below: bound.readAheadEnd)
        guard let batch = held.first else {
            if let failure { return .failed(failure, alone: failsAlone) }
            return .waiting
        }
        let first = Int(position - batch.firstOffset)
        var count = min(batch.records.count - first, Delta.rowsMax, Int(bound.end - position))
        for input in inputs where input.start > position { count = min(count, Int(input.start - position)) }
        let bytes = decode(batch, first: first, count: count, push: push)
        position += Int64(count)
        headBytes += bytes
        bytesRead += bytes
        if first + count == batch.records.count {
            heldBytes -= batch.records.bytes.count
            headBytes = 0
            held.removeFirst()
            fetch(below: bound.readAheadEnd)
        }
        return .advanced
    }

    /// Decodes records of a batch for every table, whose packed bytes begin at `headBytes`; the bytes that they take.
    private func decode(
        _ batch: RecordBatch, first: Int, count: Int, push: (Delta, OperatorID) -> Void
    ) -> Int {
        var length = 0
        batch.records.lengths.withUnsafeBytes { lengths in
            let lengths = UnsafeRawBufferPointer(rebasing: lengths[(first * 8)...])
            for index in 0..<2 * count {
                length += Int(max(0, lengths.load(fromByteOffset: index * 4, as: Int32.self)))
            }
            batch.records.bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress, let lengthBase = lengths.baseAddress else { return }
                let records = RawRecords(
                    bytes: base + headBytes, lengths: lengthBase, count: count,
                    firstOffset: batch.firstOffset + Int64(first), appendTime: batch.appendTime)
                for input in inputs where input.start <= position { input.decode(records, push: push) }
            }
        }
        return length
    }

    private func fetch(below end: Int64) {
        guard !isFetching, failure == nil, fetchOffset < end, heldBytes < Self.heldBytesMax else { return }
        isFetching = true
        service.request(
            ReadService.Request(
                lane: lane, partition: partition, offset: fetchOffset, bytesMax: Self.fetchBytes, mailbox: mailbox,
                isFile: isFile))
    }

    func receive(_ result: FetchResult) {
        isFetching = false
        switch result {
        case .failed(let message, let alone):
            failure = message
            failsAlone = alone
        case .batches(let batches):
            for batch in batches {
                let end = batch.firstOffset + Int64(batch.records.count)
                guard end > fetchOffset else { continue }
                if held.isEmpty { skip(to: position, in: batch) }
                held.append(batch)
                heldBytes += batch.records.bytes.count
                fetchOffset = end
            }
        }
    }

    /// Reading may begin inside of a batch: its records before `offset` count as done.
    private func skip(to offset: Int64, in batch: RecordBatch) {
        headBytes = 0
        guard offset > batch.firstOffset else { return }
        for index in 0..<Int(offset - batch.firstOffset) {
            let lengths = batch.records.lengths[index]
            headBytes += Int(max(lengths.key, 0)) + Int(max(lengths.value, 0))
        }
    }

    var reports: [SourceReport] {
        inputs.map { input in
            SourceReport(
                table: input.table.schema.name, partition: partition, position: position, counters: input.counters,
                highestEventTime: input.decoder.highestEventTime)
        }
    }

    func adopt(_ tables: Set<String>, from other: any SourceFeed) {
        guard let other = other as? StoredFeed else { preconditionFailure("feeds of \(partition) differ in kind") }
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

    func move(to lane: LaneID) {
        self.lane = lane
        isFetching = false
    }
}
