import Cluster
import Testing

/// Nodes on real sockets of loopback: calls, deadlines, cancellation, refusals.
@Suite(.timeLimit(.minutes(2)))
struct TransportTests {
    private static var echoRoutes: TransportRoutes {
        var routes = TransportRoutes()
        routes.call("/echo") { _, body in body }
        routes.call("/who") { context, _ in Array("\(context.peer) \(context.purpose) \(context.path)".utf8) }
        routes.call("/fail") { _, body throws(CallError) in
            throw CallError(.failed, "as asked: \u{7}é", payload: body)
        }
        return routes
    }

    @Test("a call is answered, with the caller's identity known")
    func call() async throws {
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: Self.echoRoutes) { _, connection, _ in
                let echoed = try await connection.call("/echo", [1, 2, 3], within: .seconds(5))
                #expect(echoed == [1, 2, 3])
                let empty = try await connection.call("/echo", within: .seconds(5))
                #expect(empty == [])
                let who = String(decoding: try await connection.call("/who", within: .seconds(5)), as: UTF8.self)
                #expect(who == "client#1 control /who")
                #expect(connection.peer == PeerIdentity(node: TransportFixture.node("server"), wireVersion: 1))
            }
        }
    }

    @Test("errors come back typed, with their payload; unknown methods are told")
    func errors() async throws {
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: Self.echoRoutes) { _, connection, _ in
                await #expect(throws: CallError(.failed, "as asked: ???", payload: [7])) {
                    try await connection.call("/fail", [7], within: .seconds(5))
                }
                await #expect(throws: CallError(.unknownMethod, "this node does not serve /nothing")) {
                    try await connection.call("/nothing", within: .seconds(5))
                }
            }
        }
    }

    @Test("5 000 calls, 100 at a time, each with its own answer")
    func manyCalls() async throws {
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: Self.echoRoutes) { server, connection, _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<100 {
                        group.addTask {
                            for number in 0..<50 {
                                let body = [UInt8](repeating: UInt8(worker), count: number * 40) + [UInt8(number)]
                                let answer = try await connection.call("/echo", body, within: .seconds(60))
                                #expect(answer == body)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(server.counts.callsServed == 5_000)
            }
        }
    }

    @Test("a deadline ends the call at both ends")
    func deadline() async throws {
        let started = Waiting<String>()
        let cancelled = Waiting<String>()
        var routes = TransportRoutes()
        routes.call("/never") { _, _ in
            started.add("started")
            await forever()
            cancelled.add("cancelled")
            return []
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                // On a busy machine a deadline may pass before the call has arrived: then with a longer one.
                var limit = Duration.milliseconds(100)
                repeat {
                    let error = await #expect(throws: CallError.self) {
                        try await connection.call("/never", within: limit)
                    }
                    #expect(error?.status == .deadlineExceeded)
                    limit *= 2
                } while started.values.isEmpty
                let count = started.values.count
                #expect(await cancelled.wait(for: count).count == count)
            }
        }
    }

    @Test("cancelling the caller's task cancels the handler's")
    func cancellation() async throws {
        let events = Waiting<String>()
        var routes = TransportRoutes()
        routes.call("/never") { _, _ in
            events.add("started")
            await forever()
            events.add("cancelled")
            return []
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                let status = await withTaskGroup(of: CallStatus?.self) { group in
                    group.addTask {
                        do throws(CallError) {
                            _ = try await connection.call("/never", within: .seconds(60))
                            return nil
                        } catch {
                            return error.status
                        }
                    }
                    _ = await events.wait(for: 1)
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(status == .cancelled)
                #expect(await events.wait(for: 2) == ["started", "cancelled"])
            }
        }
    }

    @Test("a lost connection fails its calls as unavailable and cancels their handlers")
    func lostConnection() async throws {
        let events = Waiting<String>()
        var routes = TransportRoutes()
        routes.call("/never") { _, _ in
            events.add("started")
            await forever()
            events.add("cancelled")
            return []
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { _, connection, _ in
                let status = await withTaskGroup(of: CallStatus?.self) { group in
                    group.addTask {
                        do throws(CallError) {
                            _ = try await connection.call("/never", within: .seconds(60))
                            return nil
                        } catch {
                            return error.status
                        }
                    }
                    _ = await events.wait(for: 1)
                    connection.close(CallError(.unavailable, "test"))
                    return await group.next() ?? nil
                }
                #expect(status == .unavailable)
                _ = await events.wait(for: 2)
                await connection.closed()
                await #expect(throws: CallError.self) { try await connection.call("/never", within: .seconds(1)) }
            }
        }
    }

    @Test("a request and an answer over the limit are refused, and the connection goes on")
    func bodyLimit() async throws {
        var routes = Self.echoRoutes
        routes.call("/large") { _, _ in [UInt8](repeating: 0, count: 200_000) }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(
                routes: routes, server: { $0.limits.bodyBytesMax = 100_000 }
            ) { _, connection, _ in
                for path in ["/echo", "/large"] {
                    let error = await #expect(throws: CallError.self) {
                        try await connection.call(path, [UInt8](repeating: 0, count: 150_000), within: .seconds(5))
                    }
                    #expect(error?.status == .tooLarge)
                }
                let echoed = try await connection.call("/echo", [1], within: .seconds(5))
                #expect(echoed == [1])
            }
        }
    }

    @Test("peers that do not belong here are refused with a reason on both sides")
    func refusals() async throws {
        let secret = try ClusterSecret(Array("correct horse battery".utf8))
        let other = try ClusterSecret(Array("incorrect horse battery".utf8))
        let cases: [(String, (inout TransportConfiguration) -> Void)] = [
            (
                "belongs to another cluster",
                {
                    $0.local.clusterID = "other"; $0.local.secret = secret
                }
            ),
            (
                "speaks wire versions",
                {
                    $0.local.wireVersions = WireVersions(lowest: 7, highest: 9); $0.local.secret = secret
                }
            ),
            ("another cluster secret", { $0.local.secret = other }),
            ("has no cluster secret", { $0.local.secret = nil }),
            (
                "own name",
                {
                    $0.local.node = TransportFixture.node("server"); $0.local.secret = secret
                }
            ),
        ]
        try await TransportFixture.with { fixture in
            try await fixture.withPair(
                routes: Self.echoRoutes, server: { $0.local.secret = secret }, client: { $0.local.secret = secret }
            ) { server, connection, endpoint in
                for (reason, change) in cases {
                    let stranger = try fixture.transport("stranger", listens: false, change)
                    let error = await #expect(throws: CallError.self) {
                        try await stranger.connect(to: endpoint, purpose: .control)
                    }
                    #expect(
                        error?.status == .refused && error?.message.contains(reason) == true,
                        "\(String(describing: error))")
                }
                // The proof of the client never arrives when the server's is wrong, so that one is the client's refusal.
                #expect(server.counts.connectionsRefused >= cases.count - 1)
                #expect(fixture.log.contains("connection refused"))
                let echoed = try await connection.call("/echo", [5], within: .seconds(5))
                #expect(echoed == [5])
            }
        }
    }

    @Test("without credentials only loopback is bound or connected to")
    func credentials() async throws {
        try await TransportFixture.with { fixture in
            #expect(throws: CallError.self) {
                try fixture.transport("a") { $0.listen = Endpoint(host: "0.0.0.0", port: 0) }
            }
            let client = try fixture.transport("a", listens: false)
            let error = await #expect(throws: CallError.self) {
                try await client.connect(to: Endpoint(host: "192.0.2.1", port: 1), purpose: .data)
            }
            #expect(error?.status == .invalidArgument)
            let secret = try ClusterSecret(Array("correct horse battery".utf8))
            let open = try fixture.transport("a") {
                $0.listen = Endpoint(host: "0.0.0.0", port: 0)
                $0.local.secret = secret
            }
            _ = try await open.start()
            await open.shutDown()
            #expect(throws: CallError.self) { try ClusterSecret(Array("short".utf8)) }
        }
    }

    @Test("shutting down lets running calls end")
    func gracefulEnd() async throws {
        let started = Waiting<Int>()
        let released = Waiting<Int>()
        var routes = TransportRoutes()
        routes.call("/slow") { _, _ in
            started.add(1)
            _ = await released.wait(for: 1)
            return [42]
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes) { server, connection, endpoint in
                let answer = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    group.addTask { try await connection.call("/slow", within: .seconds(30)) }
                    _ = await started.wait(for: 1)
                    group.addTask {
                        await server.shutDown()
                        return []
                    }
                    // The client has heard of the drain when it no longer takes calls.
                    while connection.isUsable, !Task.isCancelled { await Task.yield() }
                    released.add(1)
                    var answers: [[UInt8]] = []
                    while let next = try await group.next() { answers.append(next) }
                    return answers.first { !$0.isEmpty }
                }
                #expect(answer == [42])
                await #expect(throws: CallError.self) { try await connection.call("/slow", within: .seconds(1)) }
            }
        }
    }

    @Test("strangers beyond the limit are closed at once, and get their turn later")
    func strangers() async throws {
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: Self.echoRoutes, server: { $0.limits.connectionsMax = 1 }) {
                server, connection, endpoint in
                let second = try fixture.transport("second", listens: false)
                await #expect(throws: CallError.self) { try await second.connect(to: endpoint, purpose: .control) }
                #expect(server.counts.connectionsOverLimit == 1)
                connection.close(CallError(.unavailable, "test"))
                await connection.closed()
                while server.counts.connections > 0, !Task.isCancelled { await Task.yield() }
                let late = try await second.connect(to: endpoint, purpose: .control)
                let echoed = try await late.call("/echo", [1], within: .seconds(5))
                #expect(echoed == [1])
                await second.shutDown()
            }
        }
    }
}

/// Returns when the task is cancelled.
private func forever() async {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    for await _ in stream {}
    withExtendedLifetime(continuation) {}
}
