internal import Actors
internal import Cluster
internal import Dataflow

/// Another node's workers in one generation.
struct RemoteMember: Member {
    let node: NodeID
    let generation: Int64
    let seat: ClusterSeat

    /// How long a change between two steps, or a read, may take.
    private static let callLimit = Duration.seconds(60)
    /// A step of a large replay may take long; that its node is gone is found by gossip, not by a deadline.
    private static let stepLimit = Duration.seconds(3_600)

    private func call<Answer: Sendable>(
        within limit: Duration = callLimit, _ body: @Sendable (MemberPort) async throws -> Answer
    ) async throws(CoordinationError) -> Answer {
        try await seat.actors.callPort(of: node, within: limit, body)
    }

    /// Waits until the node takes part in the generation.
    func begin() async throws(CoordinationError) { try await call { try await $0.begin(generation) } }

    /// Has the node open its exchange edges.
    func connect() async throws(CoordinationError) { try await call { try await $0.connect(generation) } }

    /// Says what is committed; returns when the node has taken note.
    func tell(_ notice: CommitNotice) async throws(CoordinationError) {
        try await call(within: .seconds(5)) { try await $0.commit(notice) }
    }

    func openLane(_ lane: LaneID) async throws(CoordinationError) {
        try await call { try await $0.openLane(generation, lane) }
    }

    func closeLane(_ lane: LaneID) async throws(CoordinationError) {
        try await call { try await $0.closeLane(generation, lane) }
    }

    func openFiles(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws(CoordinationError) {
        try await call { try await $0.openFiles(generation, name, options, expected: expected) }
    }

    func closeFiles(_ name: String) async throws(CoordinationError) {
        try await call { try await $0.closeFiles(generation, name) }
    }

    func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError) {
        try await call { try await $0.install(generation, setup, into: lane) }
    }

    func remove(_ names: Set<String>, nodes: Set<OperatorID>) async throws(CoordinationError) {
        try await call { try await $0.remove(generation, names, nodes: nodes) }
    }

    func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async throws(CoordinationError) {
        try await call { try await $0.adopt(generation, nodes, tables: tables, from: lane) }
    }

    func run(_ plan: StepPlan) async throws(CoordinationError) -> [StepReport] {
        try await call(within: Self.stepLimit) { try await $0.run(generation, plan) }
    }

    func rows(_ kind: ShardSet.Kind, of name: String, asOf epoch: Int64) async throws(CoordinationError) -> [Delta] {
        let request = RowsRequest(generation: generation, kind: kind, name: name, epoch: epoch)
        let bytes = try await seat.fetchRows(try request.encoded(), node, Self.callLimit)
        do throws(DeltaCodecError) {
            return try DeltaCodec.decodeAll(bytes)
        } catch {
            throw CoordinationError(.superseded, "rows of \"\(name)\" from \(node): \(error)")
        }
    }

    func facts() async throws(CoordinationError) -> MemberFacts {
        try await call(within: .seconds(2)) { try await $0.facts(generation) }
    }
}
