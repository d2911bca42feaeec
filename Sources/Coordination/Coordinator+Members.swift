internal import Actors
package import Cluster
package import Dataflow
internal import Log

/// A change of the catalog for the driver to decide.
package struct ChangeRequest: Sendable, Hashable, Codable {
    package var after: Int64
    package var deployments: [Deployment]
    package var drops: [String]
    /// The life that a client asked for it; of the driver itself nil.
    package var askedOf: Incarnation?

    package init(after: Int64, deployments: [Deployment] = [], drops: [String] = [], askedOf: Incarnation? = nil) {
        self.after = after
        self.askedOf = askedOf
        self.deployments = deployments
        self.drops = drops
    }
}

/// A change that was decided.
package struct ChangeAnswer: Sendable, Hashable, Codable {
    /// The version that it made.
    package var version: Int64
    /// What is committed since.
    package var notice: CommitNotice

    package init(version: Int64, notice: CommitNotice) {
        self.version = version
        self.notice = notice
    }
}

/// What other nodes ask of this one.
extension Coordinator {
    /// The way to call other nodes, for whoever serves their calls; nil for a node alone.
    package nonisolated var actors: ClusterActorSystem? { cluster?.actors }

    /// The part that a call of another node is about, if it is of the generation that was read back.
    ///
    /// - Throws: `superseded` for a generation that is not this node's.
    func part(_ generation: Int64) throws(CoordinationError) -> Part {
        guard let part, part.generation == generation, seat?.node.gate.generation == generation else {
            // What the caller knows may be in the log already.
            foldBell.ring()
            throw CoordinationError(
                .superseded, "this node takes part in generation \(part?.generation ?? 0), not in \(generation)")
        }
        return part
    }

    /// The same for a call that changes something: only the driver may make it.
    func part(_ generation: Int64, drivenBy caller: NodeID?) throws(CoordinationError) -> Part {
        let part = try part(generation)
        try checkCommand(of: caller, generation)
        return part
    }

    /// What the driver of the newest generation says is committed.
    func take(_ notice: CommitNotice, from caller: NodeID?) async throws(CoordinationError) {
        if notice.controlVersion > state.version { try await foldControl() }
        try checkCommand(of: caller, notice.generation)
        try await take(notice)
    }

    private func checkCommand(of caller: NodeID?, _ generation: Int64) throws(CoordinationError) {
        if let caller, seat?.node.gate.judge(generation, commandOf: caller) == .accepted { return }
        foldBell.ring()
        throw CoordinationError(
            .superseded, "\(caller.map { "\($0)" } ?? "nobody") does not drive generation \(generation)")
    }

    /// Serves a ``RowsRequest``.
    ///
    /// - Throws: ``CoordinationError``: `superseded` for rows that are not kept, `refused` for bytes that are no such message.
    package func serveRows(_ body: [UInt8]) async throws(CoordinationError) -> [UInt8] {
        let request = try RowsRequest(body)
        let current = part.flatMap { $0.generation == request.generation ? $0.member : nil }
        guard let member = current ?? retained[request.generation]?.member else {
            throw CoordinationError(
                .superseded, "rows of generation \(request.generation) are not kept here any more")
        }
        return await Self.encode(try await member.rows(request.kind, of: request.name, asOf: request.epoch))
    }

    /// Not on the actor, which has gossip to answer meanwhile.
    private nonisolated static func encode(_ deltas: [Delta]) async -> [UInt8] {
        var bytes: [UInt8] = []
        for delta in deltas { DeltaCodec.encode(delta, to: &bytes) }
        return bytes
    }

    // MARK: Changes

    func change(_ request: ChangeRequest) async throws(CoordinationError) -> ChangeAnswer {
        guard let part, part.leads else { throw catchingUp }
        let version =
            request.drops.isEmpty ? try await deploy(request) : try await drop(request)
        return ChangeAnswer(version: version, notice: currentNotice(part))
    }

    /// Has the driver decide a change; nil if this node is the driver itself.
    func forward(_ request: ChangeRequest) async throws(CoordinationError) -> Int64? {
        guard let cluster else { return nil }
        guard let driver = seat?.node.gate.driver else { throw catchingUp }
        guard part?.leads != true else { return nil }
        let answer = try await cluster.actors.callPort(
            of: driver, within: configuration.changeLimit, unanswered: .indefinite
        ) { try await $0.change(request) }
        do throws(CoordinationError) {
            try await take(answer.notice)
        } catch {
            // The change stands; this node sees it with the next generation.
            guard error.code == .superseded else { throw error }
        }
        return answer.version
    }

    /// The pipeline's status as its driver has it, or as this node does where that cannot be reached.
    package func status() async -> PipelineStatus {
        guard let cluster, let driver = seat?.node.gate.driver, part?.leads != true else {
            return await localStatus()
        }
        do throws(CoordinationError) {
            return try await cluster.actors.callPort(of: driver, within: .seconds(2)) { try await $0.status() }
        } catch {
            return await localStatus()
        }
    }
}
