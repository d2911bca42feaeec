internal import Synchronization

/// The way to the workers of other nodes.
///
/// What is sent from one worker to another arrives in order, once, or not at all: then the link is broken, and so is the generation.
package protocol ExchangeLink: AnyObject, Sendable {
    /// Puts messages out; never waits. As bytes leave for good, the link says so (``ExchangeFabric/drained(_:from:to:)``).
    func send(_ messages: [WorkerMessage], from sender: Int, to receiver: Int)
    /// A worker of this node has processed `bytes` of what a worker of another sent it, so as much more may come.
    func processed(_ bytes: Int, from sender: Int, to receiver: Int)
}

/// The edges of one node's workers: a mailbox each, a link to those of other nodes, and an account per (sender here, receiver
/// anywhere) of the bytes that were sent and not yet processed, or, to another node, not yet taken by the link.
///
/// A sender never waits inside a send. Once an account holds more than the limit, the sender stops reading sources
/// (``isCongested(from:)``) and goes on receiving; the receiver wakes it when the account falls below half the limit. The
/// limit is soft: what operators emit at a barrier is sent whole.
package final class ExchangeFabric: Sendable {
    private final class Account: Sendable {
        let bytes = Atomic<Int>(0)
    }

    package let placement: Placement
    /// The workers of this node.
    package let local: Range<Int>
    let workerCount: Int
    private let mailboxes: [Mailbox]
    /// By local sender, then receiver.
    private let accounts: [Account]
    private let edgeBytesMax: Int
    private let link = Mutex<(any ExchangeLink)?>(nil)

    package init(placement: Placement, local: Range<Int>, executors: [WorkerExecutor], edgeBytesMax: Int) {
        precondition(executors.count == local.count)
        self.placement = placement
        self.local = local
        workerCount = placement.workerCount
        mailboxes = executors.map { Mailbox(executor: $0) }
        accounts = (0..<local.count * workerCount).map { _ in Account() }
        self.edgeBytesMax = edgeBytesMax
    }

    /// Sets the way to other nodes' workers, before the first step.
    package func attach(_ link: any ExchangeLink) { self.link.withLock { $0 = link } }

    /// The queue of a worker of this node.
    package func mailbox(of worker: Int) -> Mailbox { mailboxes[worker - local.lowerBound] }

    private func account(from sender: Int, to receiver: Int) -> Account {
        accounts[(sender - local.lowerBound) * workerCount + receiver]
    }

    func send(_ messages: [WorkerMessage], bytes: Int, from sender: Int, to receiver: Int) {
        account(from: sender, to: receiver).bytes.add(bytes, ordering: .relaxed)
        if local.contains(receiver) {
            mailbox(of: receiver).post(messages)
        } else {
            guard let link = link.withLock({ $0 }) else {
                preconditionFailure("worker \(sender) has no way to worker \(receiver)")
            }
            link.send(messages, from: sender, to: receiver)
        }
    }

    /// Whether any outgoing edge holds more than the limit.
    func isCongested(from sender: Int) -> Bool {
        for receiver in 0..<workerCount
        where account(from: sender, to: receiver).bytes.load(ordering: .relaxed) > edgeBytesMax {
            return true
        }
        return false
    }

    /// The receiver, of this node, has processed `bytes` of what `sender` sent it.
    func processed(_ bytes: Int, from sender: Int, to receiver: Int) {
        if local.contains(sender) {
            drained(bytes, from: sender, to: receiver)
        } else {
            link.withLock { $0 }?.processed(bytes, from: sender, to: receiver)
        }
    }

    /// `bytes` of an edge that begins here count no longer.
    package func drained(_ bytes: Int, from sender: Int, to receiver: Int) {
        let (old, new) = account(from: sender, to: receiver).bytes.subtract(bytes, ordering: .relaxed)
        if old > edgeBytesMax / 2 && new <= edgeBytesMax / 2 { mailbox(of: sender).wake() }
    }

    /// Bytes that wait on all edges from workers of this node into `receiver`.
    package func pendingBytes(to receiver: Int) -> Int {
        local.reduce(0) { $0 + account(from: $1, to: receiver).bytes.load(ordering: .relaxed) }
    }
}
