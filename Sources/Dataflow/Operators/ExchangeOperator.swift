/// Sends each row to the worker that owns the vnode of its key: own rows pass on at once, others are put out for their owners.
final class ExchangeOperator: Operator {
    private let key: [Int]
    private let index: Int
    private let workerCount: Int
    private let encoder: KeyEncoder
    private let encoded = EncodedKeys()
    private let send: (Int, Delta) -> Void
    private var rowsOf: [[Int32]]

    /// `send` puts a batch out for another worker.
    init(key: [Int], types: [DataType], index: Int, workerCount: Int, send: @escaping (Int, Delta) -> Void) {
        self.key = key
        self.index = index
        self.workerCount = workerCount
        self.send = send
        encoder = KeyEncoder(types: key.map { types[$0] }, equality: .sql)
        rowsOf = [[Int32]](repeating: [], count: workerCount)
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        guard workerCount > 1 else { return emit(delta) }
        encoder.encode(key.map { delta.columns[$0] }, count: delta.count, into: encoded)
        for target in 0..<workerCount { rowsOf[target].removeAll(keepingCapacity: true) }
        for row in 0..<delta.count {
            rowsOf[Worker.owner(ofVNode: VNode.of(hash: encoded.hashes[row]), workerCount: workerCount)].append(
                Int32(row))
        }
        for target in 0..<workerCount where !rowsOf[target].isEmpty {
            let part =
                rowsOf[target].count == delta.count
                ? delta : rowsOf[target].withUnsafeBufferPointer { delta.gather($0) }
            if target == index { emit(part) } else { send(target, part) }
        }
    }
}
