internal import Synchronization

/// The edges between the workers of a node: a mailbox each, and an account per (sender, receiver) of the bytes that
/// were sent and not yet processed.
///
/// A sender never waits inside a send. Once an account holds more than the limit, the sender stops reading sources
/// (``isCongested(from:)``) and goes on receiving; the receiver wakes it when the account falls below half the limit. The
/// limit is soft: what operators emit at a barrier is sent whole.
package final class ExchangeFabric: Sendable {
    private final class Account: Sendable {
        let bytes = Atomic<Int>(0)
    }

    package let mailboxes: [Mailbox]
    private let accounts: [Account]
    private let edgeBytesMax: Int

    package init(executors: [WorkerExecutor], edgeBytesMax: Int) {
        mailboxes = executors.map { Mailbox(executor: $0) }
        accounts = (0..<executors.count * executors.count).map { _ in Account() }
        self.edgeBytesMax = edgeBytesMax
    }

    private func account(from sender: Int, to receiver: Int) -> Account {
        accounts[sender * mailboxes.count + receiver]
    }

    func send(_ messages: [WorkerMessage], bytes: Int, from sender: Int, to receiver: Int) {
        account(from: sender, to: receiver).bytes.add(bytes, ordering: .relaxed)
        mailboxes[receiver].post(messages)
    }

    /// Whether any outgoing edge holds more than the limit.
    func isCongested(from sender: Int) -> Bool {
        for receiver in mailboxes.indices
        where account(from: sender, to: receiver).bytes.load(ordering: .relaxed) > edgeBytesMax {
            return true
        }
        return false
    }

    /// The receiver has processed `bytes` of what `sender` sent it.
    func processed(_ bytes: Int, from sender: Int, to receiver: Int) {
        let (old, new) = account(from: sender, to: receiver).bytes.subtract(bytes, ordering: .relaxed)
        if old > edgeBytesMax / 2 && new <= edgeBytesMax / 2 { mailboxes[sender].wake() }
    }

    /// Bytes that wait on all edges into `receiver`.
    package func pendingBytes(to receiver: Int) -> Int {
        mailboxes.indices.reduce(0) { $0 + account(from: $1, to: receiver).bytes.load(ordering: .relaxed) }
    }
}
