internal import Actors
internal import Dataflow

/// All workers of one generation, wherever they are: what the node that drives the epochs commands.
///
/// A call is made on all members at once and returns when all have done it; the first failure is the call's.
struct WorkerGroup: Sendable {
    let placement: Placement
    let members: [any Member]

    init(placement: Placement, members: [any Member]) {
        precondition(members.count == placement.members.count)
        self.placement = placement
        self.members = members
    }

    func openLane(_ lane: LaneID) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in try await member.openLane(lane) }
    }

    func closeLane(_ lane: LaneID) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in try await member.closeLane(lane) }
    }

    func openFiles(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in
            try await member.openFiles(name, options, expected: expected)
        }
    }

    func closeFiles(_ name: String) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in try await member.closeFiles(name) }
    }

    func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in try await member.install(setup, into: lane) }
    }

    func remove(_ names: Set<String>, nodes: Set<OperatorID>) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in try await member.remove(names, nodes: nodes) }
    }

    func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async throws(CoordinationError) {
        _ = try await each { member async throws(CoordinationError) in
            try await member.adopt(nodes, tables: tables, from: lane)
        }
    }

    /// The reports of all workers, in their order.
    func run(_ plan: StepPlan) async throws(CoordinationError) -> [StepReport] {
        try await each { member async throws(CoordinationError) in try await member.run(plan) }.flatMap { $0 }
            .sorted { $0.worker < $1.worker }
    }

    func rows(_ kind: ShardSet.Kind, of name: String, asOf epoch: Int64) async throws(CoordinationError) -> [Delta] {
        try await each { member async throws(CoordinationError) in
            try await member.rows(kind, of: name, asOf: epoch)
        }.flatMap { $0 }
    }

    /// Of the members that answer.
    func facts() async -> MemberFacts {
        var facts = MemberFacts()
        await withTaskGroup(of: MemberFacts?.self) { group in
            for member in members {
                group.addTask {
                    do throws(CoordinationError) {
                        return try await member.facts()
                    } catch {
                        // The status is asked for most when a member is gone: it says what is known.
                        return nil
                    }
                }
            }
            for await found in group { if let found { facts.merge(found) } }
        }
        facts.workers.sort { $0.worker < $1.worker }
        return facts
    }

    private func each<Result: Sendable>(
        _ body: @escaping @Sendable (any Member) async throws(CoordinationError) -> Result
    ) async throws(CoordinationError) -> [Result] {
        // One node alone is not worth a task per call.
        if members.count == 1 { return [try await body(members[0])] }
        var results = [Result?](repeating: nil, count: members.count)
        var failure: CoordinationError?
        await withTaskGroup(of: (Int, Swift.Result<Result, CoordinationError>).self) { group in
            for (index, member) in members.enumerated() {
                group.addTask {
                    do throws(CoordinationError) {
                        return (index, .success(try await body(member)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for await (index, result) in group {
                switch result {
                case .success(let value): results[index] = value
                case .failure(let error):
                    failure = failure ?? error
                    group.cancelAll()
                }
            }
        }
        if let failure { throw failure }
        return results.compactMap { $0 }
    }
}
