internal import Actors
internal import Cluster
internal import Dataflow

/// Another node's workers in one generation.
struct RemoteMember: Member {
    let node: NodeID
    let generation: Int64
    let caller: any NodeCaller

    /// How long a change between two steps, or a read, may take. A step itself may take as long as the node lives.
    private static let callLimit = Duration.seconds(60)

    /// Waits until the node takes part in the generation.
    func begin() async throws(CoordinationError) { try await perform(.begin, timeout: Self.callLimit) }

    /// Has the node open its exchange edges.
    func connect() async throws(CoordinationError) { try await perform(.connect) }

    /// Says what is committed; returns when the node has taken note.
    func tell(_ notice: CommitNotice) async throws(CoordinationError) {
        _ = try await caller.call(node, .commit, try MemberCodec.encode(notice), timeout: .seconds(5))
    }

    func openLane(_ lane: LaneID) async throws(CoordinationError) { try await perform(.openLane(lane)) }

    func closeLane(_ lane: LaneID) async throws(CoordinationError) { try await perform(.closeLane(lane)) }

    func openFiles(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws(CoordinationError) {
        try await perform(.openFiles(name: name, options, expected: expected))
    }

    func closeFiles(_ name: String) async throws(CoordinationError) { try await perform(.closeFiles(name: name)) }

    func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError) {
        try await perform(.install(setup, into: lane))
    }

    func remove(_ names: Set<String>, nodes: Set<OperatorID>) async throws(CoordinationError) {
        try await perform(.remove(names, nodes: nodes))
    }

    func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async throws(CoordinationError) {
        try await perform(.adopt(nodes, tables: tables, from: lane))
    }

    func run(_ plan: StepPlan) async throws(CoordinationError) -> [StepReport] {
        guard case .reports(let reports) = try await answer(.run(plan), timeout: nil) else { throw unexpected() }
        return reports
    }

    func rows(_ kind: ShardSet.Kind, of name: String, asOf epoch: Int64) async throws(CoordinationError) -> [Delta] {
        let request = RowsRequest(generation: generation, kind: kind, name: name, epoch: epoch)
        let bytes = try await caller.call(node, .rows, try MemberCodec.encode(request), timeout: Self.callLimit)
        do throws(DeltaCodecError) {
            return try DeltaCodec.decodeAll(bytes)
        } catch {
            throw CoordinationError(.superseded, "rows of \"\(name)\" from \(node): \(error)")
        }
    }

    func facts() async throws(CoordinationError) -> MemberFacts {
        guard case .facts(let facts) = try await answer(.facts, timeout: .seconds(2)) else { throw unexpected() }
        return facts
    }

    private func perform(_ command: MemberCommand, timeout: Duration? = callLimit) async throws(CoordinationError) {
        guard case .done = try await answer(command, timeout: timeout) else { throw unexpected() }
    }

    private func answer(_ command: MemberCommand, timeout: Duration?) async throws(CoordinationError) -> MemberAnswer {
        let request = MemberRequest(generation: generation, command: command)
        let bytes = try await caller.call(node, .member, try MemberCodec.encode(request), timeout: timeout)
        let answer = try MemberCodec.decode(MemberAnswer.self, bytes)
        if case .failed(let error) = answer { throw error }
        return answer
    }

    private func unexpected() -> CoordinationError {
        CoordinationError(.superseded, "\(node) gave an answer of another kind than the question")
    }
}
