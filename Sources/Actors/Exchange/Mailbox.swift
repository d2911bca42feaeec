package import Dataflow
package import Log
internal import Synchronization

/// What reaches a processor from outside its thread.
package enum WorkerMessage: Sendable {
    /// A step of a lane begins.
    case begin(StepPlan)
    /// Rows or a barrier of an exchange edge; `bytes` were added to the edge's account by the sender.
    case exchange(from: Int, lane: LaneID, step: Int64, message: ExchangeMessage, bytes: Int)
    /// A read that a source reader asked for has ended.
    case fetched(lane: LaneID, TopicPartition, FetchResult)
}

/// The queue of messages for one worker. Posting never waits; how much exchange edges may hold is limited by
/// ``ExchangeFabric``, commands by the coordinator, and fetches by one outstanding request per reader.
package final class Mailbox: Sendable {
    private let executor: WorkerExecutor
    private let messages = Mutex<[WorkerMessage]>([])

    init(executor: WorkerExecutor) {
        self.executor = executor
    }

    package func post(_ message: WorkerMessage) {
        messages.withLock { $0.append(message) }
        executor.wake()
    }

    func post(_ batch: [WorkerMessage]) {
        guard !batch.isEmpty else { return }
        messages.withLock { $0.append(contentsOf: batch) }
        executor.wake()
    }

    func drain() -> [WorkerMessage] {
        messages.withLock { messages in
            let drained = messages
            messages.removeAll(keepingCapacity: false)
            return drained
        }
    }

    func wake() { executor.wake() }
}
