import Cluster
import Synchronization
import Testing

/// Streams of frames on real sockets: order, back-pressure, ends.
@Suite(.timeLimit(.minutes(2)))
struct ByteStreamTests {
    /// What one accepted stream got.
    private final class Sink: Sendable {
        struct State {
            var stream: ByteStream?
            var frames = 0
            var bytes = 0
            var sum: UInt64 = 0
            var held: [Int] = []
            var isHolding = false
        }
        let state = Mutex(State())
        let frames = Waiting<Int>()
        let ends = Waiting<String>()

        /// Takes a stream; frames whose first byte is 1 are held: their credit is not given back until ``release()``.
        func accept(_ stream: ByteStream) -> StreamReceiver {
            state.withLock { $0.stream = stream }
            return StreamReceiver(
                onFrame: { frame in
                    let credit = self.state.withLock { state -> Int in
                        state.frames += 1
                        state.bytes += frame.bytes.count
                        for byte in frame.bytes.prefix(8) { state.sum = state.sum &* 31 &+ UInt64(byte) }
                        if state.isHolding {
                            state.held.append(frame.credit)
                            return 0
                        }
                        return frame.credit
                    }
                    stream.consumed(credit)
                    self.frames.add(frame.bytes.count)
                },
                onFinish: {
                    self.ends.add("finished")
                    stream.finish()
                },
                onClose: { self.ends.add($0.map { "\($0.status)" } ?? "closed") })
        }

        func hold() { state.withLock { $0.isHolding = true } }

        func release() {
            let (stream, credit) = state.withLock { state in
                state.isHolding = false
                defer { state.held = [] }
                return (state.stream, state.held.reduce(0, +))
            }
            stream?.consumed(credit)
        }
    }

    private static func receiver(_ ends: Waiting<String>, writable: Waiting<Int> = Waiting()) -> StreamReceiver {
        StreamReceiver(
            onFrame: { _ in }, onWritable: { writable.add(1) },
            onClose: { ends.add($0.map { "\($0.status)" } ?? "closed") })
    }

    /// Sends until the stream says that it is full; how many frames that were.
    private static func fill(_ stream: ByteStream, _ frame: [UInt8]) -> Int {
        var count = 0
        while stream.send(frame) == .accepted { count += 1 }
        return count
    }

    @Test("frames of all sizes arrive whole and in order, both sides end in order")
    func order() async throws {
        let sink = Sink()
        var routes = TransportRoutes()
        let metadata = Waiting<[UInt8]>()
        routes.stream("/rows") { stream, bytes in
            metadata.add(bytes)
            return sink.accept(stream)
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes, purpose: .data) { _, connection, _ in
                let ends = Waiting<String>()
                let writable = Waiting<Int>()
                let stream = connection.openStream(
                    "/rows", metadata: [0, 255, 16], receiver: Self.receiver(ends, writable: writable))
                // The last two are larger than a window.
                let sizes = [0, 1, 11, 12, 13, 1000, 16_383, 16_384, 65_536, 3_000_000, 0, 5_000_000]
                var waits = 0
                for size in sizes {
                    while stream.send([UInt8](repeating: UInt8(size & 255), count: size)) == .full {
                        waits += 1
                        _ = await writable.wait(for: waits)
                    }
                }
                stream.finish()
                #expect(stream.send([1]) == .closed)
                #expect(await sink.frames.wait(for: sizes.count) == sizes)
                #expect(await ends.wait(for: 1) == ["closed"])
                #expect(await sink.ends.wait(for: 2) == ["finished", "closed"])
                #expect(metadata.values == [[0, 255, 16]])
            }
        }
    }

    @Test("a stalled receiver stops its sender; other streams and calls of the connection go on")
    func backPressure() async throws {
        let slow = Sink()
        let quick = Sink()
        var routes = TransportRoutes()
        routes.stream("/slow") { stream, _ in slow.accept(stream) }
        routes.stream("/quick") { stream, _ in quick.accept(stream) }
        routes.call("/echo") { _, body in body }
        slow.hold()
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes, purpose: .data) { _, connection, _ in
                let limits = TransportLimits()
                let writable = Waiting<Int>()
                let stalled = connection.openStream("/slow", receiver: Self.receiver(Waiting(), writable: writable))
                let frame = [UInt8](repeating: 3, count: 10_000)
                // What is accepted in all while the receiver consumes nothing: its window and our queue, no more.
                var accepted = Self.fill(stalled, frame)
                let windowFrames = limits.dataWindowBytes / (frame.count + 12)
                _ = await slow.frames.wait(for: windowFrames)
                accepted += Self.fill(stalled, frame)
                let ceiling = limits.dataWindowBytes + limits.sendBytesMax + 2 * frame.count
                #expect(accepted * frame.count <= ceiling, "\(accepted) frames accepted")
                #expect(stalled.send(frame) == .full)

                // Thirty times as much passes on another stream of the same connection meanwhile.
                let turns = Waiting<Int>()
                let flowing = connection.openStream("/quick", receiver: Self.receiver(Waiting(), writable: turns))
                var sent = 0
                var waits = 0
                while sent < 6_000 {
                    if flowing.send(frame) == .accepted {
                        sent += 1
                    } else {
                        waits += 1
                        _ = await turns.wait(for: waits)
                    }
                }
                _ = await quick.frames.wait(for: sent)
                let echoed = try await connection.call("/echo", [9], within: .seconds(30))
                #expect(echoed == [9])
                #expect(slow.state.withLock { $0.frames } <= windowFrames + 1)
                #expect(stalled.send(frame) == .full)

                slow.release()
                _ = await writable.wait(for: 1)
                _ = await slow.frames.wait(for: accepted)
                #expect(stalled.send(frame) == .accepted)
                connection.close(CallError(.unavailable, "test"))
            }
        }
    }

    @Test("a reset tells the other side its reason", arguments: [CallStatus.stale, .overloaded, .corrupt, .cancelled])
    func reset(status: CallStatus) async throws {
        let sink = Sink()
        var routes = TransportRoutes()
        routes.stream("/rows") { stream, _ in sink.accept(stream) }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                let ends = Waiting<String>()
                let stream = connection.openStream("/rows", receiver: Self.receiver(ends))
                #expect(stream.send([1]) == .accepted)
                _ = await sink.frames.wait(for: 1)
                sink.state.withLock { $0.stream }?.reset(status)
                #expect(await ends.wait(for: 1) == ["\(status)"])
                #expect(await sink.ends.wait(for: 1) == ["\(status)"])
                #expect(stream.send([1]) == .closed)
            }
        }
    }

    @Test("an acceptor's refusal and an unknown path reach the opener")
    func refused() async throws {
        var routes = TransportRoutes()
        routes.stream("/rows") { _, _ throws(CallError) in throw CallError(.stale, "generation 3 has passed") }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                let ends = Waiting<String>()
                _ = connection.openStream("/rows", receiver: Self.receiver(ends))
                #expect(await ends.wait(for: 1) == ["stale"])
                _ = connection.openStream("/other", receiver: Self.receiver(ends))
                #expect(await ends.wait(for: 2) == ["stale", "unknownMethod"])
            }
        }
    }

    @Test("the end of the connection ends its streams on both sides")
    func lost() async throws {
        let sink = Sink()
        var routes = TransportRoutes()
        routes.stream("/rows") { stream, _ in sink.accept(stream) }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                let ends = Waiting<String>()
                let stream = connection.openStream("/rows", receiver: Self.receiver(ends))
                #expect(stream.send([1]) == .accepted)
                _ = await sink.frames.wait(for: 1)
                connection.close(CallError(.unavailable, "test"))
                #expect(await ends.wait(for: 1) == ["unavailable"])
                #expect(await sink.ends.wait(for: 1) == ["unavailable"])
            }
        }
    }

    @Test("a frame over the limit resets its stream only")
    func frameLimit() async throws {
        let sink = Sink()
        var routes = TransportRoutes()
        routes.stream("/rows") { stream, _ in sink.accept(stream) }
        routes.call("/echo") { _, body in body }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes, server: { $0.limits.frameBytesMax = 1000 }) { _, connection, _ in
                let ends = Waiting<String>()
                let stream = connection.openStream("/rows", receiver: Self.receiver(ends))
                #expect(stream.send([UInt8](repeating: 0, count: 1001)) == .accepted)
                #expect(await ends.wait(for: 1) == ["tooLarge"])
                #expect(sink.frames.values.isEmpty)
                let echoed = try await connection.call("/echo", [1], within: .seconds(5))
                #expect(echoed == [1])
            }
        }
    }
}
