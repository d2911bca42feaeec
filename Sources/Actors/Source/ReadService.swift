package import Log
internal import Synchronization

/// How a read that a source reader asked for has ended.
package enum FetchResult: Sendable {
    case batches([RecordBatch])
    /// It will not succeed by trying again. `alone`: only what reads this source is concerned.
    case failed(String, alone: Bool)
}

/// Reads topics for the workers, so that no worker's thread waits for the disk.
///
/// A reader has one request outstanding at most, so the queue is as long as the number of readers. A read that fails
/// for a reason that may pass is repeated with growing delays until it succeeds; the last error is kept for the status.
package final class ReadService: Sendable {
    struct Request: Sendable {
        var lane: LaneID
        var partition: TopicPartition
        var offset: Int64
        var bytesMax: Int
        var mailbox: Mailbox
        /// The partition is of a file topic, not in the log.
        var isFile: Bool
    }

    private struct State {
        var requests: [Request] = []
        var isClosed = false
        var lastErrors: [TopicPartition: String] = [:]
    }

    private let log: any EventLog
    private let files: FileThread
    private let state = Mutex(State())
    private let doorbell = Doorbell()

    package init(log: any EventLog, files: FileThread) {
        self.log = log
        self.files = files
    }

    /// Errors of reads that are being repeated.
    package var lastErrors: [TopicPartition: String] { state.withLock { $0.lastErrors } }

    func request(_ request: Request) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.requests.append(request) }
            return state.isClosed
        }
        if isClosed {
            answer(request, .failed("reading has stopped", alone: false))
        } else {
            doorbell.ring()
        }
    }

    /// Serves requests until the task is cancelled; then fails those that wait.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let requests = take(closing: false)
                for request in requests {
                    group.addTask { await self.serve(request) }
                }
                if requests.isEmpty { await doorbell.wait() }
            }
            for request in take(closing: true) { answer(request, .failed("reading has stopped", alone: false)) }
        }
    }

    private func take(closing: Bool) -> [Request] {
        state.withLock { state in
            if closing { state.isClosed = true }
            let requests = state.requests
            state.requests = []
            return requests
        }
    }

    private func serve(_ request: Request) async {
        if request.isFile {
            do throws(ConnectorError) {
                let batches = try await files.read(
                    request.partition, lane: request.lane, from: request.offset, bytesMax: request.bytesMax)
                answer(request, .batches(batches))
            } catch {
                answer(request, .failed(error.message, alone: true))
            }
            return
        }
        var backoff = Backoff(first: .milliseconds(10), most: .seconds(5))
        while true {
            do throws(LogError) {
                let batches = try await log.read(request.partition, from: request.offset, bytesMax: request.bytesMax)
                state.withLock { $0.lastErrors[request.partition] = nil }
                answer(request, .batches(batches))
                return
            } catch {
                switch error.code {
                case .busy, .storage, .diskFull, .indefinite, .recordTooLarge, .fenced:
                    state.withLock { $0.lastErrors[request.partition] = error.description }
                case .corrupt, .formatUnknown, .offsetOutOfRange, .topicUnknown, .partitionUnknown, .closed,
                    .nameInvalid,
                    .topicExists, .idempotencyConflict:
                    answer(request, .failed(error.description, alone: false))
                    return
                }
            }
            do {
                try await Task.sleep(for: backoff.next())
            } catch {
                answer(request, .failed("reading has stopped", alone: false))
                return
            }
        }
    }

    private func answer(_ request: Request, _ result: FetchResult) {
        request.mailbox.post(.fetched(lane: request.lane, request.partition, result))
    }
}
