internal import Synchronization

/// Brings the reports of all workers about a lane's step together for the one task that waits for them.
final class StepCollector: Sendable {
    private struct Pending {
        var reports: [StepReport] = []
        var failure: StepFailure?
        var missing: Int
        var waiter: CheckedContinuation<Result<[StepReport], StepFailure>, Never>
    }

    private let workerCount: Int
    private struct State {
        var pending: [LaneID: Pending] = [:]
        /// Why no step will end any more.
        var closed: String?
    }

    private let state = Mutex(State())

    init(workerCount: Int) {
        self.workerCount = workerCount
    }

    /// Calls `begin` and waits until every worker has reported. One step of a lane at a time.
    func collect(_ lane: LaneID, begin: () -> Void) async throws(StepFailure) -> [StepReport] {
        let result = await withCheckedContinuation { continuation in
            let closed = state.withLock { state -> String? in
                precondition(state.pending[lane] == nil, "lane \(lane.rawValue) runs two steps at once")
                if state.closed == nil { state.pending[lane] = Pending(missing: workerCount, waiter: continuation) }
                return state.closed
            }
            if let closed {
                continuation.resume(returning: .failure(StepFailure(partition: nil, message: closed)))
            } else {
                begin()
            }
        }
        return try result.get().sorted { $0.worker < $1.worker }
    }

    func report(_ lane: LaneID, _ result: Result<StepReport, StepFailure>) {
        let done = state.withLock { state -> Pending? in
            // The step has failed by another worker's report.
            guard var entry = state.pending[lane] else { return nil }
            entry.missing -= 1
            switch result {
            case .success(let report): entry.reports.append(report)
            case .failure(let failure): entry.failure = entry.failure ?? failure
            }
            // A failed worker never sends its barriers, so the others would not end: the first failure ends the step.
            let isDone = entry.missing == 0 || entry.failure != nil
            state.pending[lane] = isDone ? nil : entry
            return isDone ? entry : nil
        }
        guard let done else { return }
        if let failure = done.failure {
            done.waiter.resume(returning: .failure(failure))
        } else {
            done.waiter.resume(returning: .success(done.reports))
        }
    }
    /// Fails the steps that run, and all later ones.
    func close(_ reason: String) {
        let waiters = state.withLock { state in
            state.closed = reason
            defer { state.pending = [:] }
            return state.pending.values.map(\.waiter)
        }
        for waiter in waiters {
            waiter.resume(returning: .failure(StepFailure(partition: nil, message: reason)))
        }
    }
}
