package import Distributed

/// Why an actor of another node is gone.
package enum ActorTermination: Sendable, Equatable {
    /// Membership has removed that life of its node.
    case removed
    /// Its node runs as a later life.
    case replaced(by: Incarnation)
}

/// Swift's distributed actors over the cluster's control connections. Control calls only: rows never go through it.
///
/// - An actor's name (``ClusterActorID``) holds its node's life: calls to a life that has ended fail as `stale`, at the caller
///   when it knows, else at the node.
/// - Only what stands in the ``ActorMethodTable`` can be called or thrown across nodes.
/// - A call takes at most the time of ``withTimeout(_:_:)``, 10 seconds by default. Cancelling the caller's task cancels the
///   method's.
/// - Errors: those of the table as they were thrown; everything else as ``CallError``.
/// - The system holds its actors weakly: who makes them keeps them.
package final class ClusterActorSystem: DistributedActorSystem, Sendable {
    package typealias ActorID = ClusterActorID
    package typealias SerializationRequirement = Codable
    package typealias InvocationEncoder = ActorInvocationEncoder
    package typealias InvocationDecoder = ActorInvocationDecoder
    package typealias ResultHandler = ActorResultHandler

    /// Gives a connection for control calls to a node, made if need be.
    package typealias Connect = @Sendable (NodeID) async throws(CallError) -> PeerConnection

    /// How long a call may take, if its caller says nothing.
    @TaskLocal package static var timeout: Duration = .seconds(10)
    /// In a method that another node has called: that node, as its connection's hand-shake has shown it. nil in a call from here.
    @TaskLocal package static var caller: NodeID?
    /// The name for the actor that is made next in this task.
    @TaskLocal package static var nextName: String?
    @TaskLocal private static var recorder: TargetRecorder?

    private let directory: ActorDirectory
    /// What can be called and thrown.
    package let table: ActorMethodTable
    private let limits: CBORValue.Limits
    private let connect: Connect

    package init(
        node: NodeID, table: ActorMethodTable, limits: CBORValue.Limits = CBORValue.Limits(), connect: @escaping Connect
    ) {
        directory = ActorDirectory(node: node)
        self.table = table
        self.limits = limits
        self.connect = connect
    }

    /// This node, in its present life.
    package var node: NodeID { directory.node }

    /// The node's life has changed: it joined. Actors made before keep their names' old life and are reached under the new one.
    package func setNode(_ node: NodeID) { directory.node = node }

    /// Serves the calls that other nodes make, as a route of the transport.
    package func install(in routes: inout TransportRoutes) {
        routes.call(ActorCall.path) { (context, body) throws(CallError) in
            try await self.serve(body, from: context.peer.node)
        }
    }

    /// Runs `body` with a time limit for each call that it makes.
    package static func withTimeout<Value>(
        _ timeout: Duration, _ body: () async throws -> Value
    ) async rethrows -> Value {
        try await $timeout.withValue(timeout) { try await body() }
    }

    /// Makes an actor of that name. The name must be free on this node.
    package func named<Act: DistributedActor>(
        _ name: String, _ make: (ClusterActorSystem) -> Act
    ) -> Act where Act.ActorSystem == ClusterActorSystem {
        Self.$nextName.withValue(name) { make(self) }
    }

    // MARK: - Death watch

    /// Membership knows of that life of a node: earlier ones are over.
    package func observed(_ node: NodeID) { directory.note(node, hasEnded: false) }

    /// Membership has removed that life.
    package func removed(_ node: NodeID) { directory.note(node, hasEnded: true) }

    /// Gives one reason, when the actor's node has left or lives anew, and ends.
    package func terminations(of id: ClusterActorID) -> AsyncStream<ActorTermination> { directory.watch(id.node) }

    // MARK: - DistributedActorSystem

    package func resolve<Act: DistributedActor>(id: ClusterActorID, as type: Act.Type) throws -> Act?
    where Act.ID == ClusterActorID {
        guard Self.recorder == nil, id.node == directory.node else { return nil }
        guard let actor = directory.actor(named: id.name) else {
            throw CallError(.invalidArgument, "there is no actor \(id.name) on this node")
        }
        guard let actor = actor as? Act else {
            throw CallError(.invalidArgument, "the actor \(id.name) is not of type \(type)")
        }
        return actor
    }

    package func assignID<Act: DistributedActor>(_ type: Act.Type) -> ClusterActorID where Act.ID == ClusterActorID {
        directory.assign(Self.nextName, type: String(describing: type))
    }

    package func actorReady<Act: DistributedActor>(_ actor: Act) where Act.ID == ClusterActorID {
        directory.add(actor, name: actor.id.name)
    }

    package func resignID(_ id: ClusterActorID) { directory.remove(id) }

    package func makeInvocationEncoder() -> ActorInvocationEncoder { ActorInvocationEncoder(limits: limits) }

    package func remoteCall<Act: DistributedActor, Failure: Error, Success: Codable>(
        on actor: Act, target: RemoteCallTarget, invocation: inout ActorInvocationEncoder, throwing: Failure.Type,
        returning: Success.Type
    ) async throws -> Success where Act.ID == ClusterActorID {
        let answer = try await send(to: actor.id, target, invocation)
        return try CBORDecoder(limits: limits).decode(Success.self, from: answer)
    }

    package func remoteCallVoid<Act: DistributedActor, Failure: Error>(
        on actor: Act, target: RemoteCallTarget, invocation: inout ActorInvocationEncoder, throwing: Failure.Type
    ) async throws where Act.ID == ClusterActorID {
        _ = try await send(to: actor.id, target, invocation)
    }

    private func send(
        to id: ClusterActorID, _ target: RemoteCallTarget, _ invocation: ActorInvocationEncoder
    ) async throws -> [UInt8] {
        if let recorder = Self.recorder {
            recorder.identifier = target.identifier
            throw CallError(.cancelled, "recorded")
        }
        guard let method = table.byIdentifier[target.identifier] else {
            throw CallError(.unknownMethod, "the method \(target) is not in the table of methods")
        }
        if let reason = directory.ended(id.node) {
            throw CallError(.stale, "the actor \(id) is gone: \(reason)")
        }
        let message = try ActorCall(target: id, method: method.name, arguments: invocation.arguments)
            .encoded(limits: limits)
        do throws(CallError) {
            return try await connect(id.node).call(ActorCall.path, message, within: Self.timeout)
        } catch {
            throw table.thrown(error)
        }
    }

    // MARK: - Serving

    private func serve(_ body: [UInt8], from peer: NodeID) async throws(CallError) -> [UInt8] {
        let call = try ActorCall.decode(body, limits: limits)
        guard call.target.node == directory.node else {
            throw CallError(.stale, "the call is for \(call.target.node); this is \(directory.node)")
        }
        guard let method = table.byName[call.method] else {
            throw CallError(.unknownMethod, "this node has no method \(call.method.prefix(128))")
        }
        guard let actor = directory.actor(named: call.target.name) else {
            throw CallError(.unknownMethod, "there is no actor \(call.target.name) on this node")
        }
        guard ObjectIdentifier(type(of: actor)) == method.actor else {
            throw CallError(.unknownMethod, "the actor \(call.target.name) has no method \(method.name)")
        }
        var decoder = ActorInvocationDecoder(arguments: call.arguments)
        let handler = ActorResultHandler(table: table, limits: limits)
        do {
            try await Self.$caller.withValue(peer) {
                try await executeDistributedTarget(
                    on: actor, target: RemoteCallTarget(method.identifier), invocationDecoder: &decoder,
                    handler: handler)
            }
        } catch let error as CallError {
            throw error
        } catch {
            throw CallError(.invalidArgument, "cannot call \(method.name): \(error)")
        }
        return try handler.answer.take()
    }

    // MARK: - The table

    /// The compiler's name for the method that `call` calls on the proxy it gets.
    static func identifier<Act: DistributedActor>(
        of type: Act.Type, _ call: @Sendable (Act) async throws -> Void
    ) async -> String where Act.ActorSystem == ClusterActorSystem {
        guard let name = NodeName("recorder") else { preconditionFailure("not a name") }
        let system = ClusterActorSystem(node: NodeID(name, Incarnation(0)), table: ActorMethodTable()) {
            (_) throws(CallError) in throw CallError(.unavailable, "the recorder reaches nobody")
        }
        let recorder = TargetRecorder()
        await $recorder.withValue(recorder) {
            do {
                let proxy = try type.resolve(id: ClusterActorID(node: system.node, name: "recorded"), using: system)
                try await call(proxy)
            } catch {
                // The call ends here by design: what it wanted to call has been noted.
            }
        }
        guard let identifier = recorder.identifier else {
            preconditionFailure("a closure of the method table calls no distributed method of \(type)")
        }
        return identifier
    }
}
