internal import Synchronization

/// A signal that one task waits for and anyone may give, at any time and from any thread.
///
/// Rings before a wait are not lost, and several of them count as one.
package final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.isRung = waiter == nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when the bell has been rung since the last return, or the task is cancelled. One task at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    precondition(state.waiter == nil, "two tasks wait for one doorbell")
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// As ``wait()``, but at most `timeout`.
    package func wait(atMost timeout: Duration) async {
        if state.withLock({ state in
            let isRung = state.isRung
            state.isRung = false
            return isRung
        }) {
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: timeout)
                    self.ring()
                } catch {
                    // Cancelled because the bell was rung first.
                }
            }
            await self.wait()
            group.cancelAll()
        }
    }
}
