package import Actors
package import Cluster
package import Dataflow
package import Distributed

/// What nodes call on each other: one actor on each, of the name ``MemberPort/name``.
///
/// Who calls is known from its connection, never from the message. What changes a generation is done only if it is the one that this
/// node takes part in, as read back from the control log, and its driver calls; the node reads that log on if it has not come that far.
/// A method throws ``CoordinationError`` for what it is about itself. A call that has failed in another way may have run.
package distributed actor MemberPort {
    package typealias ActorSystem = ClusterActorSystem

    package static let name = "member"

    private let coordinator: Coordinator

    package init(_ coordinator: Coordinator, actorSystem: ClusterActorSystem) {
        self.actorSystem = actorSystem
        self.coordinator = coordinator
    }

    /// Every method below, by its name on the wire.
    package static func table() async -> ActorMethodTable {
        var table = ActorMethodTable()
        await table.method("member.begin", of: Self.self) { try await $0.begin(0) }
        await table.method("member.connect", of: Self.self) { try await $0.connect(0) }
        await table.method("member.openLane", of: Self.self) { try await $0.openLane(0, .main) }
        await table.method("member.closeLane", of: Self.self) { try await $0.closeLane(0, .main) }
        await table.method("member.openFiles", of: Self.self) {
            let options = FileTopicOptions(files: [], isCSV: false, hasHeader: false, isFollowed: false, appendTime: 0)
            try await $0.openFiles(0, "", options, expected: [:])
        }
        await table.method("member.closeFiles", of: Self.self) { try await $0.closeFiles(0, "") }
        await table.method("member.install", of: Self.self) {
            try await $0.install(0, LaneSetup(nodes: [], sources: []), into: .main)
        }
        await table.method("member.remove", of: Self.self) { try await $0.remove(0, [], nodes: []) }
        await table.method("member.adopt", of: Self.self) { try await $0.adopt(0, [], tables: [], from: .main) }
        await table.method("member.run", of: Self.self) {
            _ = try await $0.run(0, StepPlan(lane: .main, step: 0, epoch: 0, bounds: [:]))
        }
        await table.method("member.facts", of: Self.self) { _ = try await $0.facts(0) }
        await table.method("member.commit", of: Self.self) {
            let none = Progress(done: 0, total: 0)
            try await $0.commit(
                CommitNotice(
                    generation: 0, controlVersion: 0, epoch: 0, frontier: "", clock: nil, activeSince: [:],
                    isReady: false, replay: none, builds: [:]))
        }
        await table.method("member.change", of: Self.self) {
            _ = try await $0.change(ChangeRequest(after: 0, deployments: [], drops: []))
        }
        await table.method("member.status", of: Self.self) { _ = try await $0.status() }
        await table.method("member.report", of: Self.self) { _ = try await $0.report() }
        table.error("coordination", CoordinationError.self)
        return table
    }

    // MARK: A generation's member, for its driver

    /// Returns when the node takes part in the generation, and takes the edges that others open.
    package distributed func begin(_ generation: Int64) async throws { _ = try await part(generation) }

    /// Opens the node's edges to the others, all of which have begun.
    package distributed func connect(_ generation: Int64) async throws {
        try await coordinator.openEdges(of: try await part(generation))
    }

    package distributed func openLane(_ generation: Int64, _ lane: LaneID) async throws {
        try await part(generation).member.openLane(lane)
    }

    package distributed func closeLane(_ generation: Int64, _ lane: LaneID) async throws {
        try await part(generation).member.closeLane(lane)
    }

    package distributed func openFiles(
        _ generation: Int64, _ topic: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws {
        try await part(generation).member.openFiles(topic, options, expected: expected)
    }

    package distributed func closeFiles(_ generation: Int64, _ topic: String) async throws {
        try await part(generation).member.closeFiles(topic)
    }

    package distributed func install(_ generation: Int64, _ setup: LaneSetup, into lane: LaneID) async throws {
        try await part(generation).member.install(setup, into: lane)
    }

    package distributed func remove(_ generation: Int64, _ names: Set<String>, nodes: Set<OperatorID>) async throws {
        try await part(generation).member.remove(names, nodes: nodes)
    }

    /// The main lane takes over what `lane` has built, and the lane ends.
    package distributed func adopt(
        _ generation: Int64, _ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID
    ) async throws {
        try await part(generation).member.adopt(nodes, tables: tables, from: lane)
    }

    /// Runs one step; the reports of the node's workers.
    package distributed func run(_ generation: Int64, _ plan: StepPlan) async throws -> [StepReport] {
        try await part(generation).member.run(plan)
    }

    /// Takes note of what is committed.
    package distributed func commit(_ notice: CommitNotice) async throws {
        try await coordinator.take(notice, from: ClusterActorSystem.caller)
    }

    private func part(_ generation: Int64) async throws(CoordinationError) -> Part {
        try await coordinator.part(generation, drivenBy: ClusterActorSystem.caller)
    }

    // MARK: For every node

    package distributed func facts(_ generation: Int64) async throws -> MemberFacts {
        try await coordinator.part(generation).member.facts()
    }

    /// Decides a change of the catalog, as the driver.
    package distributed func change(_ request: ChangeRequest) async throws -> ChangeAnswer {
        try await coordinator.change(request)
    }

    package distributed func status() async -> PipelineStatus { await coordinator.localStatus() }

    package distributed func report() async -> NodeReport { await coordinator.report() }
}

extension ClusterActorSystem {
    /// Calls another node's ``MemberPort``, taking at most `limit` for each call.
    ///
    /// - Throws: what the method threw. Every other failure, by `unanswered` from its description: the method may have run, or not.
    func callPort<Answer: Sendable>(
        of node: NodeID, within limit: Duration, unanswered: CoordinationError.Code = .superseded,
        _ call: @Sendable (MemberPort) async throws -> Answer
    ) async throws(CoordinationError) -> Answer {
        do {
            let port = try MemberPort.resolve(id: ClusterActorID(node: node, name: MemberPort.name), using: self)
            return try await Self.withTimeout(limit) { try await call(port) }
        } catch let error as CoordinationError {
            throw error
        } catch {
            throw CoordinationError(unanswered, "\(node): \((error as? CallError)?.message ?? "\(error)")")
        }
    }
}
