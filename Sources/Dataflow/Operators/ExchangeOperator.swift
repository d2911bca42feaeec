/// Sends each row to the worker that owns the vnode of its key: own rows pass on at once, others are put out for their owners.
final class ExchangeOperator: Operator {
    private let key: [Int]
    private let index: Int
    private let workerCount: Int
    private let encoder: KeyEncoder
    private let encoded = EncodedKeys()
    private let send: (Int, Delta) -> Void
    /// The owner of each vnode.
    private let owners: [Int32]
    private let combiner: Combiner?

    /// `send` puts a batch out for another worker.
    init(
        key: [Int], combine: OperatorKind.Combine? = nil, types: [DataType], index: Int, workerCount: Int,
        owners: [Int32], send: @escaping (Int, Delta) -> Void
    ) {
        self.key = key
        self.index = index
        self.workerCount = workerCount
        self.send = send
        encoder = KeyEncoder(types: key.map { types[$0] }, equality: .sql)
        self.owners = owners
        combiner = combine.map { Combiner($0, types: types) }
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        guard workerCount > 1 else { return emit(delta) }
        encoder.encode(key.map { delta.columns[$0] }, count: delta.count, into: encoded)
        if let made = combiner?.combined(delta, hashes: encoded.hashes) {
            for part in made where part.count > 0 {
                encoder.encode(key.map { part.columns[$0] }, count: part.count, into: encoded)
                place(part, emit)
            }
        } else {
            place(delta, emit)
        }
    }

    /// Sends the rows whose keys were encoded last.
    private func place(_ delta: Delta, _ emit: (Delta) -> Void) {
        // Rows by owner: counted, then placed.
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count) { rows in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: workerCount + 1) { ends in
                ends.initialize(repeating: 0)
                let hashes = encoded.hashes
                owners.withUnsafeBufferPointer { owners in
                    for row in 0..<delta.count { ends[Int(owners[VNode.of(hash: hashes[row])]) &+ 1] &+= 1 }
                    for target in 0..<workerCount { ends[target + 1] += ends[target] }
                    // Each owner's end moves from its start to its end.
                    for row in 0..<delta.count {
                        let target = Int(owners[VNode.of(hash: hashes[row])])
                        rows[ends[target]] = Int32(truncatingIfNeeded: row)
                        ends[target] &+= 1
                    }
                }
                var start = 0
                for target in 0..<workerCount {
                    let part = UnsafeBufferPointer(rebasing: rows[start..<ends[target]])
                    start = ends[target]
                    guard !part.isEmpty else { continue }
                    let batch = part.count == delta.count ? delta : delta.gather(part)
                    if target == index { emit(batch) } else { send(target, batch) }
                }
            }
        }
    }
}
