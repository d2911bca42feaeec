/// Sends every row to every worker: own and others' rows pass on alike.
final class BroadcastOperator: Operator {
    private let index: Int
    private let workerCount: Int
    private let send: (Int, Delta) -> Void

    /// `send` puts a batch out for another worker.
    init(index: Int, workerCount: Int, send: @escaping (Int, Delta) -> Void) {
        self.index = index
        self.workerCount = workerCount
        self.send = send
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        for target in 0..<workerCount where target != index { send(target, delta) }
        emit(delta)
    }
}
