internal import Actors
package import Cluster
package import Dataflow
internal import Log

/// A change of the catalog for the driver to decide.
package struct ChangeRequest: Sendable, Codable {
    package var after: Int64
    package var deployments: [Deployment]
    package var drops: [String]

    package init(after: Int64, deployments: [Deployment], drops: [String]) {
        self.after = after
        self.deployments = deployments
        self.drops = drops
    }
}

package enum ChangeAnswer: Sendable, Codable {
    /// The version that it made, and what is committed since.
    case done(version: Int64, CommitNotice)
    case failed(CoordinationError)
}

/// What other nodes ask of this one.
extension Coordinator {
    /// Serves a call of another node.
    ///
    /// - Throws: ``CoordinationError``: `superseded` for a generation that is not this node's, `refused` for bytes that are no such message.
    package func serve(_ method: NodeMethod, _ body: [UInt8], from peer: NodeID) async throws(CoordinationError)
        -> [UInt8]
    {
        switch method {
        case .member:
            let request = try MemberCodec.decode(MemberRequest.self, body)
            let answer: MemberAnswer
            do throws(CoordinationError) {
                answer = try await perform(request, from: peer)
            } catch {
                answer = .failed(error)
            }
            return try MemberCodec.encode(answer)
        case .rows: return try await rows(try MemberCodec.decode(RowsRequest.self, body))
        case .commit:
            try await take(try MemberCodec.decode(CommitNotice.self, body))
            return []
        case .change: return try MemberCodec.encode(await change(try MemberCodec.decode(ChangeRequest.self, body)))
        case .status: return try ControlCodec.encode(await localStatus())
        }
    }

    /// The part that a call of another node is about, if it is the one that was read back.
    private func part(_ generation: Int64) throws(CoordinationError) -> Part {
        guard let part, part.generation == generation, seat?.adopted?.generation == generation else {
            // What the caller knows may be in the log already.
            foldBell.ring()
            throw CoordinationError(
                .superseded, "this node takes part in generation \(part?.generation ?? 0), not in \(generation)")
        }
        return part
    }

    private func perform(_ request: MemberRequest, from peer: NodeID) async throws(CoordinationError) -> MemberAnswer {
        let part = try part(request.generation)
        let member = part.member
        // Everybody may ask for facts; only the driver changes any.
        if case .facts = request.command { return .facts(await member.facts()) }
        guard part.driver == peer else {
            throw CoordinationError(.superseded, "\(peer) does not drive generation \(request.generation)")
        }
        switch request.command {
        case .begin: break
        case .connect: try await openEdges(of: part)
        case .openLane(let lane): await member.openLane(lane)
        case .closeLane(let lane): await member.closeLane(lane)
        case .openFiles(let name, let options, let expected):
            try await member.openFiles(name, options, expected: expected)
        case .closeFiles(let name): await member.closeFiles(name)
        case .install(let setup, let lane): try await member.install(setup, into: lane)
        case .remove(let names, let nodes): await member.remove(names, nodes: nodes)
        case .adopt(let nodes, let tables, let lane): await member.adopt(nodes, tables: tables, from: lane)
        case .run(let plan): return .reports(try await member.run(plan))
        case .facts: break
        }
        return .done
    }

    private func rows(_ request: RowsRequest) async throws(CoordinationError) -> [UInt8] {
        let current = part.flatMap { $0.generation == request.generation ? $0.member : nil }
        guard let member = current ?? retained[request.generation]?.member else {
            throw CoordinationError(
                .superseded, "rows of generation \(request.generation) are not kept here any more")
        }
        let deltas = try await member.rows(request.kind, of: request.name, asOf: request.epoch)
        var bytes: [UInt8] = []
        for delta in deltas { DeltaCodec.encode(delta, to: &bytes) }
        return bytes
    }

    // MARK: Changes

    private func change(_ request: ChangeRequest) async -> ChangeAnswer {
        do throws(CoordinationError) {
            guard let part, part.leads else { throw catchingUp }
            let version =
                request.drops.isEmpty
                ? try await deploy(request.deployments, after: request.after)
                : try await drop(request.drops, after: request.after)
            return .done(version: version, currentNotice(part))
        } catch {
            return .failed(error)
        }
    }

    /// Has the driver decide a change; nil if this node is the driver itself.
    func forward(_ request: ChangeRequest) async throws(CoordinationError) -> Int64? {
        guard let cluster else { return nil }
        guard let part, let driver = part.driver else { throw catchingUp }
        guard !part.leads else { return nil }
        let bytes: [UInt8]
        do throws(CoordinationError) {
            bytes = try await cluster.caller.call(
                driver, .change, try MemberCodec.encode(request), timeout: configuration.changeLimit)
        } catch {
            throw CoordinationError(
                error.code == .superseded ? .indefinite : error.code,
                "the coordinator, \(driver), did not answer: \(error.message)")
        }
        switch try MemberCodec.decode(ChangeAnswer.self, bytes) {
        case .done(let version, let notice):
            do throws(CoordinationError) {
                try await take(notice)
            } catch {
                // The change stands; this node sees it with the next generation.
                guard error.code == .superseded else { throw error }
            }
            return version
        case .failed(let error): throw error
        }
    }

    /// The pipeline's status as its driver has it, or as this node does where that cannot be reached.
    package func status() async -> PipelineStatus {
        guard let cluster, let part, let driver = part.driver, !part.leads else { return await localStatus() }
        do throws(CoordinationError) {
            let bytes = try await cluster.caller.call(driver, .status, [], timeout: .seconds(2))
            return try MemberCodec.decode(PipelineStatus.self, bytes)
        } catch {
            return await localStatus()
        }
    }
}
