internal import Log
internal import Synchronization

/// The newest committed epoch, and the tasks that wait for one that covers a frontier.
final class CommitGate: Sendable {
    struct Committed: Sendable {
        var epoch: Int64
        var frontier: Frontier
    }

    private struct Waiter {
        var frontier: Frontier
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var frontier = Frontier()
        var isOpen = false
        var isClosed = false
        var waiters: [Int: Waiter] = [:]
        var cancelled: Set<Int> = []
        var nextID = 0
    }

    private let state = Mutex(State())

    /// A newer epoch is committed; with `isOpen` queries may see it.
    func commit(_ frontier: Frontier, isOpen: Bool) {
        let woken = state.withLock { state in
            state.frontier = frontier
            state.isOpen = isOpen
            guard isOpen else { return [Waiter]() }
            let ids = state.waiters.filter { frontier.covers($0.value.frontier) }.map(\.key)
            return ids.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in woken { waiter.continuation.resume(returning: true) }
    }

    /// Nothing more will be committed.
    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            let waiters = Array(state.waiters.values)
            state.waiters = [:]
            return waiters
        }
        for waiter in woken { waiter.continuation.resume(returning: false) }
    }

    /// Waits until an epoch that covers `frontier` is committed and open; false if that does not happen in time.
    func wait(for frontier: Frontier, atMost timeout: Duration) async -> Bool {
        if state.withLock({ $0.isOpen && $0.frontier.covers(frontier) }) { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait(for: frontier) }
            group.addTask {
                do { try await Task.sleep(for: timeout) } catch { return false }
                return false
            }
            let isCovered = await group.next() ?? false
            group.cancelAll()
            return isCovered
        }
    }

    private func wait(for frontier: Frontier) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    if state.isOpen && state.frontier.covers(frontier) { return true }
                    if state.isClosed || state.cancelled.remove(id) != nil { return false }
                    state.waiters[id] = Waiter(frontier: frontier, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            waiter?.continuation.resume(returning: false)
        }
    }
}
