package import Log
internal import Synchronization

/// Runs one connector's task, apart from all others: restarts it after a failure with growing delays, and says how it is.
package actor Connector {
    package nonisolated let topic: String
    private let log: any EventLog
    private let partitionCount: Int
    private let source: any ConnectorSource
    private let counters: Counters
    private let stopBell = Doorbell()
    private var current: ConnectorStatus
    private var backoff: Backoff

    /// Counted by the writer, read by the status.
    private final class Counters: Sendable {
        let records = Atomic<Int64>(0)
        let bytes = Atomic<Int64>(0)
    }

    package init(
        name: String, log: any EventLog, topic: String, partitionCount: Int, source: any ConnectorSource,
        backoff: Backoff = Backoff(first: .milliseconds(200), most: .seconds(30))
    ) {
        self.log = log
        self.topic = topic
        self.partitionCount = partitionCount
        self.source = source
        self.backoff = backoff
        counters = Counters()
        current = ConnectorStatus(connector: name, state: .starting)
    }

    package var status: ConnectorStatus {
        var status = current
        status.records = counters.records.load(ordering: .relaxed)
        status.bytes = counters.bytes.load(ordering: .relaxed)
        return status
    }

    /// Ends the task for good.
    package nonisolated func stop() { stopBell.ring() }

    /// Runs until the source is done, ``stop()`` is called or the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.runTries() }
            group.addTask { await self.stopBell.wait() }
            await group.next()
            group.cancelAll()
        }
        if current.state != .finished { current.state = .stopped }
    }

    private func runTries() async {
        while !Task.isCancelled {
            let before = counters.records.load(ordering: .relaxed)
            do throws(ConnectorError) {
                current.state = .running
                try await runOnce()
                current.state = .finished
                return
            } catch {
                if Task.isCancelled { return }
                current.lastError = error.message
                current.state = .waiting
                if error.isFinal {
                    // Only a stop ends this: the error stays visible until somebody acts.
                    current.state = .stopped
                    return
                }
            }
            if counters.records.load(ordering: .relaxed) > before { backoff.reset() }
            do {
                try await Task.sleep(for: backoff.next())
            } catch {
                return
            }
            current.restarts += 1
        }
    }

    private func runOnce() async throws(ConnectorError) {
        let counters = counters
        let writer = try await ConnectorWriter(log: log, topic: topic, partitionCount: partitionCount) {
            records, bytes in
            counters.records.add(Int64(records), ordering: .relaxed)
            counters.bytes.add(Int64(bytes), ordering: .relaxed)
        }
        try await source.run(writer)
    }
}
