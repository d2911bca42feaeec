import Actors
import Cluster
import Coordination
import Dataflow
import Simulation
import Synchronization
import Testing

/// What a node takes from other nodes' workers, over a real connection.
@Suite(.timeLimit(.minutes(1))) struct ExchangeEdgeTests {
    private static let generation: Int64 = 6

    private static func node(_ name: String, _ life: Int64) throws -> NodeID {
        NodeID(try #require(NodeName(name)), Incarnation(life))
    }

    private static func edge(_ sender: Int, _ receiver: Int, _ generation: Int64 = generation) -> RemoteExchange.Edge {
        RemoteExchange.Edge(generation: generation, sender: sender, receiver: receiver)
    }

    /// Opens an edge; why it ends, in the end.
    private static func open(
        _ edge: RemoteExchange.Edge, on connection: PeerConnection
    ) -> (stream: ByteStream, ends: AsyncStream<CallError?>) {
        let (ends, continuation) = AsyncStream.makeStream(of: CallError?.self)
        let stream = connection.openStream(
            RemoteExchange.path, metadata: edge.bytes,
            receiver: StreamReceiver(onFrame: { _ in }, onClose: { continuation.yield($0) }))
        return (stream, ends)
    }

    @Test func anEdgeIsTakenFromItsNodeOnceAndOnlyInItsGeneration() async throws {
        let (a, b, c) = (try Self.node("a", 1), try Self.node("b", 2), try Self.node("c", 3))
        // Worker 0 is of a, 1 and 2 are of b, 3 is of c.
        let placement = Placement(
            generation: Self.generation,
            members: [.init(name: "a", workers: 1), .init(name: "b", workers: 2), .init(name: "c", workers: 1)])
        let pool = WorkerPool(placement, member: 0, log: MemoryLog(), files: FileThread(), edgeBytesMax: 1 << 20)
        let counters = ExchangeCounters()
        let exchange = RemoteExchange(fabric: pool.fabric, nodes: [a, b, c], counters: counters) { _ in }
        pool.fabric.attach(exchange)
        var routes = TransportRoutes()
        routes.stream(RemoteExchange.path) { (stream, metadata) throws(CallError) in
            guard let edge = RemoteExchange.Edge(metadata) else { throw CallError(.invalidArgument, "no edge") }
            return try exchange.accept(edge, stream)
        }
        try await ClusterNode.connected(from: b, to: a, routes, purpose: .data) { connection in
            let taken = Self.open(Self.edge(1, 0), on: connection)
            for (edge, reason) in [
                (Self.edge(1, 0), "open already"), (Self.edge(2, 0, 5), "of generation 5"),
                (Self.edge(2, 0, 7), "of generation 7"), (Self.edge(2, 3), "does not end here"),
                (Self.edge(0, 0), "does not end here"), (Self.edge(4, 0), "does not end here"),
                (Self.edge(3, 0), "is one of c#3"),
            ] {
                var ends = Self.open(edge, on: connection).ends.makeAsyncIterator()
                let error = try #require(await ends.next())
                #expect(error?.status == .stale && error?.message.contains(reason) == true, "\(edge): \(error as Any)")
            }
            let frame = ExchangeFrame.encode([
                ExchangeFrame.Entry(lane: LaneID(2), step: 7, message: .barrier(edge: OperatorID(4)))
            ])
            #expect(taken.stream.send(frame) == .accepted)
            while counters.current.framesReceived == 0, !Task.isCancelled { await Task.yield() }
            // The next generation is read back; its predecessor's workers are still there.
            exchange.fence()
            #expect(taken.stream.send(frame) == .accepted)
            while counters.current.framesFenced == 0, !Task.isCancelled { await Task.yield() }
            #expect(counters.current.framesReceived == 1 && counters.current.framesFenced == 1)
            var ends = Self.open(Self.edge(2, 0), on: connection).ends.makeAsyncIterator()
            #expect(try #require(await ends.next())?.status == .stale)
            exchange.close()
        }
        await pool.close("the test is over")
    }
}
