import Cluster
import Distributed
import Synchronization
import Testing

private struct GreetingError: Error, Codable, Equatable {
    var reason: String
    var code: Int
}

private struct UnlistedError: Error {
    var text: String
}

private distributed actor Greeter {
    typealias ActorSystem = ClusterActorSystem

    private let events: Waiting<String>

    init(events: Waiting<String>, actorSystem: ClusterActorSystem) {
        self.actorSystem = actorSystem
        self.events = events
    }

    distributed func greet(_ name: String, times: Int, tags: [String: [Int]]) -> [String] {
        (0..<max(0, times)).map { "hello \(name) \($0) \(tags.keys.sorted())" }
    }

    distributed func note(_ text: String) { events.add(text) }

    distributed func fail(_ reason: String) throws { throw GreetingError(reason: reason, code: 300) }

    distributed func failUnlisted() throws { throw UnlistedError(text: "odd") }

    distributed func large(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }

    distributed func never() async {
        events.add("started")
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        for await _ in stream {}
        withExtendedLifetime(continuation) {}
        events.add("cancelled")
    }

    distributed func caller() -> NodeID? { ClusterActorSystem.caller }

    distributed func unlistedMethod() {}
}

private distributed actor Other {
    typealias ActorSystem = ClusterActorSystem

    distributed func act() {}
}

/// Distributed actors between two nodes on real sockets.
@Suite(.timeLimit(.minutes(2)))
struct ClusterActorSystemTests {
    private static func table() async -> ActorMethodTable {
        var table = ActorMethodTable()
        await table.method("greeter.greet", of: Greeter.self) { _ = try await $0.greet("", times: 0, tags: [:]) }
        await table.method("greeter.note", of: Greeter.self) { try await $0.note("") }
        await table.method("greeter.fail", of: Greeter.self) { try await $0.fail("") }
        await table.method("greeter.failUnlisted", of: Greeter.self) { try await $0.failUnlisted() }
        await table.method("greeter.large", of: Greeter.self) { _ = try await $0.large(0) }
        await table.method("greeter.never", of: Greeter.self) { try await $0.never() }
        await table.method("greeter.caller", of: Greeter.self) { _ = try await $0.caller() }
        await table.method("other.act", of: Other.self) { try await $0.act() }
        table.error("greeting", GreetingError.self)
        return table
    }

    /// A server with a greeter of the name "greeter", and a client's system that reaches it.
    private static func with(
        limits: CBORValue.Limits = CBORValue.Limits(),
        _ body: (
            _ client: ClusterActorSystem, _ server: ClusterActorSystem, _ remote: Greeter, Waiting<String>,
            PeerConnection
        ) async throws -> Void
    ) async throws {
        let table = await table()
        let node = TransportFixture.node("server", 5)
        let server = ClusterActorSystem(node: node, table: table, limits: limits) { (_) throws(CallError) in
            throw CallError(.unavailable, "the server calls nobody")
        }
        let events = Waiting<String>()
        let greeter = server.named("greeter") { Greeter(events: events, actorSystem: $0) }
        var routes = TransportRoutes()
        server.install(in: &routes)
        let served = routes
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: served, server: { $0.local.node = node }) { _, connection, _ in
                let client = ClusterActorSystem(
                    node: TransportFixture.node("client"), table: table, limits: limits
                ) { (_) throws(CallError) in connection }
                let remote = try Greeter.resolve(id: ClusterActorID(node: node, name: "greeter"), using: client)
                try await body(client, server, remote, events, connection)
            }
        }
        withExtendedLifetime(greeter) {}
    }

    @Test("a method runs at its actor and its result comes back")
    func call() async throws {
        try await Self.with { _, _, remote, events, _ in
            let lines = try await remote.greet("you", times: 2, tags: ["b": [], "a": [1]])
            #expect(lines == ["hello you 0 [\"a\", \"b\"]", "hello you 1 [\"a\", \"b\"]"])
            try await remote.note("noted")
            #expect(events.values == ["noted"])
        }
    }

    @Test("a method knows the caller from the hand-shake of its connection, whatever the caller says of itself")
    func caller() async throws {
        try await Self.with { client, server, remote, events, _ in
            client.setNode(TransportFixture.node("pretender", 9))
            let seen = try await remote.caller()
            #expect(seen == TransportFixture.node("client"))
            let own = server.named("own") { Greeter(events: events, actorSystem: $0) }
            let nobody = try await own.caller()
            #expect(nobody == nil)
        }
    }

    @Test("2 000 calls, 40 at a time")
    func manyCalls() async throws {
        try await Self.with { _, _, remote, events, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<40 {
                    group.addTask {
                        for number in 0..<50 {
                            let text = "\(worker)-\(number)"
                            let lines = try await remote.greet(text, times: 1, tags: [:])
                            #expect(lines == ["hello \(text) 0 []"])
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("an error of the table is thrown as it was, another as its description")
    func errors() async throws {
        try await Self.with { _, _, remote, _, _ in
            await #expect(throws: GreetingError(reason: "because", code: 300)) { try await remote.fail("because") }
            let error = await #expect(throws: CallError.self) { try await remote.failUnlisted() }
            #expect(error?.status == .failed && error?.message.contains("odd") == true)
        }
    }

    @Test("a deadline and a cancellation end the method at its actor")
    func deadlines() async throws {
        try await Self.with { _, _, remote, events, _ in
            // On a busy machine a deadline may pass before the call has arrived: then with a longer one.
            var limit = Duration.milliseconds(200)
            repeat {
                let error = await #expect(throws: CallError.self) {
                    try await ClusterActorSystem.withTimeout(limit) { try await remote.never() }
                }
                #expect(error?.status == .deadlineExceeded)
                limit *= 2
            } while events.values.isEmpty
            #expect(await events.wait(for: 2) == ["started", "cancelled"])
            let status = await withTaskGroup(of: CallStatus?.self) { group in
                group.addTask {
                    do {
                        try await remote.never()
                        return nil
                    } catch {
                        return (error as? CallError)?.status
                    }
                }
                _ = await events.wait(for: 3)
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(status == .cancelled)
            _ = await events.wait(for: 4)
        }
    }

    @Test("only what is in the table can be called, and only on an actor of its type")
    func fixedTable() async throws {
        try await Self.with { client, server, remote, _, connection in
            let error = await #expect(throws: CallError.self) { try await remote.unlistedMethod() }
            #expect(error?.status == .unknownMethod)
            // By hand: a mangled name, a name of the table on an actor of another type, no such actor, no such life.
            let node = TransportFixture.node("server", 5)
            let cases: [(ClusterActorID, String, CallStatus)] = [
                (
                    ClusterActorID(node: node, name: "greeter"), "$s12ClusterTests7GreeterC14unlistedMethodyyYaKFTE",
                    .unknownMethod
                ),
                (ClusterActorID(node: node, name: "greeter"), "other.act", .unknownMethod),
                (ClusterActorID(node: node, name: "nobody"), "greeter.note", .unknownMethod),
                (ClusterActorID(node: TransportFixture.node("server", 4), name: "greeter"), "greeter.note", .stale),
                (ClusterActorID(node: TransportFixture.node("server", 6), name: "greeter"), "greeter.note", .stale),
                (ClusterActorID(node: node, name: "greeter"), "greeter.note", .invalidArgument),
            ]
            for (target, method, status) in cases {
                let body = try ActorCall(target: target, method: method, arguments: []).encoded(
                    limits: CBORValue.Limits())
                let error = await #expect(throws: CallError.self) {
                    try await connection.call(ActorCall.path, body, within: .seconds(5))
                }
                #expect(error?.status == status, "\(method): \(String(describing: error))")
            }
            for body in [[], [0x00], [0xa0], [UInt8](repeating: 0x81, count: 200)] as [[UInt8]] {
                let error = await #expect(throws: CallError.self) {
                    try await connection.call(ActorCall.path, body, within: .seconds(5))
                }
                #expect(error?.status == .invalidArgument)
            }
            let arguments = [CBORValue](repeating: .null, count: ActorCall.argumentsMax + 1)
            let body = try ActorCall(
                target: ClusterActorID(node: node, name: "greeter"), method: "greeter.note", arguments: arguments
            ).encoded(limits: CBORValue.Limits())
            await #expect(throws: CallError.self) {
                try await connection.call(ActorCall.path, body, within: .seconds(5))
            }
            let lines = try await remote.greet("still", times: 1, tags: [:])
            #expect(lines.count == 1)
            #expect(server.node == node && client.node != node)
        }
    }

    @Test("arguments and results have a limit of size")
    func sizes() async throws {
        var limits = CBORValue.Limits()
        limits.bytesMax = 10_000
        try await Self.with(limits: limits) { _, _, remote, _, _ in
            let lines = try await remote.greet(String(repeating: "x", count: 9_000), times: 0, tags: [:])
            #expect(lines.isEmpty)
            for count in [10_000, 1_000_000] {
                let error = await #expect(throws: CallError.self) {
                    try await remote.greet(String(repeating: "x", count: count), times: 0, tags: [:])
                }
                #expect(error?.status == .tooLarge)
                let answer = await #expect(throws: CallError.self) { try await remote.large(count) }
                #expect(answer?.status == .tooLarge)
            }
        }
    }

    @Test("watchers hear when a life is removed or replaced, once; calls to it fail at once")
    func deathWatch() async throws {
        try await Self.with { client, _, remote, _, _ in
            let replaced = client.terminations(of: remote.id)
            let other = client.terminations(of: ClusterActorID(node: TransportFixture.node("other", 2), name: "x"))
            client.observed(TransportFixture.node("server", 4))
            client.observed(TransportFixture.node("server", 5))
            let lines = try await remote.greet("alive", times: 1, tags: [:])
            #expect(lines.count == 1)
            client.observed(TransportFixture.node("server", 6))
            var reasons: [ActorTermination] = []
            for await reason in replaced { reasons.append(reason) }
            #expect(reasons == [.replaced(by: Incarnation(6))])
            let error = await #expect(throws: CallError.self) { try await remote.greet("dead", times: 1, tags: [:]) }
            #expect(error?.status == .stale)
            // A watch that comes late hears it too; a later life is another actor.
            for await reason in client.terminations(of: remote.id) { reasons.append(reason) }
            #expect(reasons.count == 2)
            client.removed(TransportFixture.node("other", 1))
            client.removed(TransportFixture.node("other", 2))
            for await reason in other { reasons.append(reason) }
            #expect(reasons.last == .removed)
        }
    }

    @Test("an actor of this node is itself, not a proxy; a name is free again when its actor is gone")
    func local() async throws {
        let system = ClusterActorSystem(node: TransportFixture.node("a"), table: await Self.table()) {
            (_) throws(CallError) in throw CallError(.unavailable, "alone")
        }
        let events = Waiting<String>()
        do {
            let greeter = system.named("g") { Greeter(events: events, actorSystem: $0) }
            let same = try Greeter.resolve(id: greeter.id, using: system)
            #expect(ObjectIdentifier(same) == ObjectIdentifier(greeter))
            #expect(throws: CallError.self) { try Other.resolve(id: greeter.id, using: system) }
        }
        #expect(throws: CallError.self) {
            try Greeter.resolve(id: ClusterActorID(node: system.node, name: "g"), using: system)
        }
        let again = system.named("g") { Greeter(events: events, actorSystem: $0) }
        #expect(again.id.name == "g")
    }
}
