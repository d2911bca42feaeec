package import Cluster
internal import Dataflow
internal import Synchronization

/// The exchange edges between this node's workers and those of the other nodes of a generation: a stream per ordered pair of
/// workers, on connections for data.
///
/// Rows go out as whole frames. A receiver gives back a frame's credit only when its worker has processed the frame, so a slow worker
/// closes the window of its streams, frames wait at the sender, and the sender stops reading sources. Memory per pair of workers: at
/// most what a sender may queue (``ExchangeFabric``'s limit, soft by one step's barrier output), a window under way and the frames
/// that the receiver holds, another window.
package final class RemoteExchange: ExchangeLink {
    /// A stream's name: the generation and the workers, so that nothing of another generation can be taken for this one's.
    package struct Edge: Hashable, Sendable {
        package var generation: Int64
        package var sender: Int
        package var receiver: Int

        package init(generation: Int64, sender: Int, receiver: Int) {
            self.generation = generation
            self.sender = sender
            self.receiver = receiver
        }

        /// As the metadata of a stream.
        package var bytes: [UInt8] { Array("\(generation) \(sender) \(receiver)".utf8) }

        package init?(_ bytes: [UInt8]) {
            let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            guard parts.count == 3, let generation = Int64(parts[0]), let sender = Int(parts[1]),
                let receiver = Int(parts[2])
            else { return nil }
            self.init(generation: generation, sender: sender, receiver: receiver)
        }
    }

    /// The path of exchange streams.
    package static let path = "/dataprism/exchange"

    private struct Outgoing {
        var stream: ByteStream
        /// Bytes of memory of what was sent and not yet said to be gone, oldest first, each with where the stream's count then was.
        var sent: [(bytes: Int, wire: Int)] = []
        var wire = 0
    }

    private struct State {
        var outgoing: [Edge: Outgoing] = [:]
        var incoming: [Edge: Incoming] = [:]
        var isFenced = false
        var isClosed = false
        var isBroken = false
    }

    /// Frames that a worker has not processed, with what is left of each one's bytes and its credit.
    private struct Incoming {
        var stream: ByteStream
        var held: [(bytes: Int, credit: Int)] = []
    }

    private let fabric: ExchangeFabric
    /// The generation's nodes, in the order of its members.
    private let nodes: [NodeID]
    private let counters: ExchangeCounters
    private let onBroken: @Sendable (String) -> Void
    private let state = Mutex(State())

    package init(
        fabric: ExchangeFabric, nodes: [NodeID], counters: ExchangeCounters = ExchangeCounters(),
        onBroken: @escaping @Sendable (String) -> Void
    ) {
        precondition(nodes.count == fabric.placement.members.count)
        self.fabric = fabric
        self.nodes = nodes
        self.counters = counters
        self.onBroken = onBroken
    }

    /// The edges that begin at this node's workers and end at those of the member at `index`.
    package func edges(toMember index: Int) -> [Edge] {
        fabric.local.flatMap { sender in
            fabric.placement.workers(ofMember: index).map {
                Edge(generation: fabric.placement.generation, sender: sender, receiver: $0)
            }
        }
    }

    /// Opens the stream of an edge on a connection to its receiver's node.
    package func open(_ edge: Edge, on connection: PeerConnection) {
        let stream = connection.openStream(
            Self.path, metadata: edge.bytes,
            receiver: StreamReceiver(
                onFrame: { _ in }, onWritable: { [weak self] in self?.drain(edge) },
                onClose: { [weak self] error in self?.broke(edge, error) }))
        let isLate = state.withLock { state in
            state.outgoing[edge] = Outgoing(stream: stream)
            return state.isClosed
        }
        if isLate { stream.reset(.stale) }
    }

    /// Takes the stream of an edge that ends at this node, from the node that has the sending worker.
    package func accept(_ edge: Edge, _ stream: ByteStream) throws(CallError) -> StreamReceiver {
        guard edge.generation == fabric.placement.generation, fabric.local.contains(edge.receiver),
            (0..<fabric.workerCount).contains(edge.sender), !fabric.local.contains(edge.sender)
        else {
            counters.update { $0.refused += 1 }
            throw CallError(
                .stale, "edge \(edge.sender) to \(edge.receiver) of generation \(edge.generation) does not end here")
        }
        let owner = nodes[fabric.placement.member(ofWorker: edge.sender)]
        guard stream.peer?.node == owner else {
            counters.update { $0.refused += 1 }
            throw CallError(.stale, "worker \(edge.sender) of generation \(edge.generation) is one of \(owner)")
        }
        let isTaken = state.withLock { state in
            guard !state.isFenced, !state.isClosed, state.incoming[edge] == nil else { return false }
            state.incoming[edge] = Incoming(stream: stream)
            return true
        }
        guard isTaken else { throw CallError(.stale, "the edge is closed, or open already") }
        return StreamReceiver(
            onFrame: { [weak self] frame in self?.receive(frame, on: edge) },
            onClose: { [weak self] error in self?.broke(edge, error) })
    }

    // MARK: Sending

    package func send(_ messages: [WorkerMessage], from sender: Int, to receiver: Int) {
        var entries: [ExchangeFrame.Entry] = []
        var bytes = 0
        for message in messages {
            guard case .exchange(_, let lane, let step, let content, let size) = message else {
                preconditionFailure("only exchange messages go to other nodes")
            }
            for part in Self.parts(content) {
                entries.append(ExchangeFrame.Entry(lane: lane, step: step, message: part))
            }
            bytes += size
            if bytes >= Self.frameBytes {
                put(entries, bytes, from: sender, to: receiver)
                entries = []
                bytes = 0
            }
        }
        if !entries.isEmpty { put(entries, bytes, from: sender, to: receiver) }
    }

    /// Bytes of rows after which a frame is closed: large enough that its cost per row is small, far below the transport's limit.
    private static let frameBytes = 1 << 20

    /// A batch of very wide rows is halved until a frame can hold it.
    private static func parts(_ message: ExchangeMessage) -> [ExchangeMessage] {
        guard case .rows(let edge, let delta) = message, delta.byteCount > 4 * frameBytes, delta.count > 1 else {
            return [message]
        }
        let middle = delta.count / 2
        return [0..<middle, middle..<delta.count].flatMap { rows in
            let indices = rows.map { Int32($0) }
            return parts(.rows(edge: edge, indices.withUnsafeBufferPointer { delta.gather($0) }))
        }
    }

    private func put(_ entries: [ExchangeFrame.Entry], _ bytes: Int, from sender: Int, to receiver: Int) {
        let edge = Edge(generation: fabric.placement.generation, sender: sender, receiver: receiver)
        let began = MonotonicClock.nanoseconds
        let frame = ExchangeFrame.encode(entries)
        let rows = Self.rows(entries)
        counters.update {
            $0.framesSent += 1
            $0.rowsSent += rows
            $0.bytesSent += FrameFormat.headBytes + frame.count
            $0.codingNanoseconds += MonotonicClock.nanoseconds - began
        }
        let result = state.withLock { state -> ByteStream.SendResult in
            guard !state.isClosed, var outgoing = state.outgoing[edge] else { return .closed }
            // Frames are queued in the order in which they are counted. The sender's limit is the fabric's.
            let result = outgoing.stream.send(frame, beyondLimit: true)
            guard result == .accepted else { return result }
            outgoing.wire += FrameFormat.headBytes + frame.count
            outgoing.sent.append((bytes, outgoing.wire))
            state.outgoing[edge] = outgoing
            return .accepted
        }
        if result == .accepted { drain(edge) } else { fabric.drained(bytes, from: sender, to: receiver) }
    }

    private static func rows(_ entries: [ExchangeFrame.Entry]) -> Int {
        entries.reduce(0) { sum, entry in
            if case .rows(_, let delta) = entry.message { sum + delta.count } else { sum }
        }
    }

    /// Says what has left for good: all that is not in the stream's queue any more.
    private func drain(_ edge: Edge) {
        let gone = state.withLock { state -> Int in
            guard var outgoing = state.outgoing[edge], !outgoing.sent.isEmpty else { return 0 }
            let left = outgoing.wire - outgoing.stream.pendingBytes
            var count = 0
            var bytes = 0
            while count < outgoing.sent.count, outgoing.sent[count].wire <= left {
                bytes += outgoing.sent[count].bytes
                count += 1
            }
            outgoing.sent.removeFirst(count)
            // While something waits, the stream says when there is room.
            if !outgoing.sent.isEmpty { outgoing.stream.notifyWhenWritable() }
            state.outgoing[edge] = outgoing
            return bytes
        }
        if gone > 0 { fabric.drained(gone, from: edge.sender, to: edge.receiver) }
    }

    // MARK: Receiving

    private func receive(_ frame: ReceivedFrame, on edge: Edge) {
        let entries: [ExchangeFrame.Entry]
        let began = MonotonicClock.nanoseconds
        do throws(DeltaCodecError) {
            entries = try ExchangeFrame.decode(frame.bytes)
        } catch {
            return broke(edge, CallError(.corrupt, "\(error)"))
        }
        guard !entries.isEmpty else { return }
        let nanoseconds = MonotonicClock.nanoseconds - began
        // The last message carries the frame's size: when it has been processed, all have been.
        let size = max(1, frame.bytes.count)
        let isOpen = state.withLock { state in
            guard !state.isFenced, !state.isClosed, state.incoming[edge] != nil else { return false }
            state.incoming[edge]?.held.append((size, frame.credit))
            return true
        }
        guard isOpen else { return counters.update { $0.framesFenced += 1 } }
        let rows = Self.rows(entries)
        counters.update {
            $0.framesReceived += 1
            $0.rowsReceived += rows
            $0.bytesReceived += FrameFormat.headBytes + frame.bytes.count
            $0.codingNanoseconds += nanoseconds
        }
        let messages = entries.enumerated().map { index, entry in
            WorkerMessage.exchange(
                from: edge.sender, lane: entry.lane, step: entry.step, message: entry.message,
                bytes: index == entries.count - 1 ? size : 0)
        }
        fabric.mailbox(of: edge.receiver).post(messages)
    }

    package func processed(_ bytes: Int, from sender: Int, to receiver: Int) {
        guard bytes > 0 else { return }
        let edge = Edge(generation: fabric.placement.generation, sender: sender, receiver: receiver)
        state.withLock { state in
            // Frames of one lane are processed in order; those of another may overtake what is held back for a later step.
            guard let index = state.incoming[edge]?.held.firstIndex(where: { $0.bytes == bytes }),
                let frame = state.incoming[edge]?.held.remove(at: index)
            else { return }
            state.incoming[edge]?.stream.consumed(frame.credit)
        }
    }

    // MARK: End

    private func broke(_ edge: Edge, _ error: CallError?) {
        let isNews = state.withLock { state in
            guard !state.isClosed, !state.isBroken else { return false }
            state.isBroken = true
            return true
        }
        guard isNews else { return }
        counters.update { $0.broken += 1 }
        onBroken(
            "the edge from worker \(edge.sender) to \(edge.receiver) ended: \(error?.description ?? "the other side closed it")"
        )
    }

    /// Takes nothing more: this node has read back that the generation is over. Streams end with ``close()``, when its workers have
    /// stopped.
    package func fence() { state.withLock { $0.isFenced = true } }

    /// Ends all streams; what is under way is dropped.
    package func close() {
        let streams = state.withLock { state in
            state.isClosed = true
            defer {
                state.outgoing = [:]
                state.incoming = [:]
            }
            return state.outgoing.values.map(\.stream) + state.incoming.values.map(\.stream)
        }
        for stream in streams { stream.reset(.stale) }
    }
}
