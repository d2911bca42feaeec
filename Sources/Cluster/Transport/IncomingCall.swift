internal import Synchronization

/// A call that a peer made, whole, waiting for a task or running.
final class IncomingCall: Sendable {
    let context: CallContext
    let body: [UInt8]
    private let handler: TransportRoutes.CallHandler
    private let answer: @Sendable (OutgoingCall.Outcome) -> Void
    private let cancellation = CancellationSignal()

    init(
        context: CallContext, body: [UInt8], handler: @escaping TransportRoutes.CallHandler,
        answer: @escaping @Sendable (OutgoingCall.Outcome) -> Void
    ) {
        self.context = context
        self.body = body
        self.handler = handler
        self.answer = answer
    }

    /// The caller has gone: the handler's task is cancelled.
    func cancel() { cancellation.give() }

    /// Runs the handler and answers. When the caller goes meanwhile, the handler's task is cancelled and waited for.
    func run() async {
        guard !cancellation.isGiven else { return }
        let handler = handler
        let outcome = await withTaskGroup(of: OutgoingCall.Outcome?.self) { group -> OutgoingCall.Outcome? in
            group.addTask { [context, body] in
                do throws(CallError) {
                    return .success(try await handler(context, body))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask { [cancellation] in
                await cancellation.wait()
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        if let outcome { answer(outcome) }
    }
}

/// Something that happens at most once and that one task waits for.
final class CancellationSignal: Sendable {
    private struct State {
        var isGiven = false
        var isAbandoned = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var isGiven: Bool { state.withLock { $0.isGiven } }

    func give() {
        let waiter = state.withLock { state in
            state.isGiven = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns when it is given or the waiting task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isGiven || state.isAbandoned { return true }
                    precondition(state.waiter == nil, "two tasks wait for one signal")
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.isAbandoned = true
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }
}
