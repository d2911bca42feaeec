import Coordination
import Dataflow
import Log
import Testing

/// The fold as a value: records in, verdicts and state out. Catches a stale or unfit record that changes the state.
@Suite struct ControlStateTests {
    private func deploy(_ deployments: [Deployment], after version: Int64) -> ControlEntry {
        .record(
            .deploy(
                ControlRecord.Deploy(
                    after: version, deployments: deployments, start: Frontier(), partitions: ["t": 2, "u": 2])))
    }

    private func drop(_ names: [String], after version: Int64) -> ControlEntry {
        .record(.drop(ControlRecord.Drop(after: version, names: names)))
    }

    private let table = Fixture.table("t", id: 1)

    @Test func acceptsWhatFitsAndItsOffsetIsTheVersion() {
        var state = ControlState()
        let view = Fixture.view("v", id: 2, of: table)
        #expect(state.apply(deploy([table], after: -1), offset: 0, appendTime: 7) == .accepted)
        #expect(state.version == 0)
        #expect(state.apply(deploy([view], after: 0), offset: 3, appendTime: 8) == .accepted)
        #expect(state.version == 3)
        #expect(state.nextOffset == 4)
        #expect(state.catalog["v"]?.sequence == 3 << 16)
        #expect(state.topics["t"]?.createdTime == 7)
        #expect(state.topics["t"]?.partitions == [TopicPartition("t", 0), TopicPartition("t", 1)])
        #expect(state.nodes.map(\.id.rawValue) == [1, 2, 3])
    }

    @Test func rejectsStaleRecordsAndKeepsTheState() {
        var state = ControlState()
        _ = state.apply(deploy([table], after: -1), offset: 0, appendTime: 0)
        let before = state
        let other = Fixture.table("u", id: 9)
        #expect(state.apply(deploy([other], after: -1), offset: 1, appendTime: 0) == .stale(expected: -1))
        #expect(state.apply(deploy([other], after: 5), offset: 2, appendTime: 0) == .stale(expected: 5))
        #expect(state.apply(drop(["t"], after: -1), offset: 3, appendTime: 0) == .stale(expected: -1))
        #expect(state.version == before.version)
        #expect(state.catalog == before.catalog)
        #expect(state.rejections.map(\.offset) == [1, 2, 3])
        #expect(state.apply(deploy([other], after: 0), offset: 4, appendTime: 0) == .accepted)
    }

    @Test func ofTwoDecidedAtOneVersionTheFirstWins() {
        var state = ControlState()
        let first = Fixture.table("t", id: 1)
        let second = Fixture.table("u", id: 1)
        #expect(state.apply(deploy([first], after: -1), offset: 0, appendTime: 0) == .accepted)
        #expect(state.apply(deploy([second], after: -1), offset: 1, appendTime: 0) == .stale(expected: -1))
        #expect(state.catalog["u"] == nil)
    }

    @Test func rejectsWhatDoesNotFit() {
        var state = ControlState()
        let view = Fixture.view("v", id: 2, of: table)
        #expect(isRejected(state.apply(deploy([view], after: -1), offset: 0, appendTime: 0)))
        #expect(state.apply(deploy([table, view], after: -1), offset: 1, appendTime: 0) == .accepted)
        // A name twice, an operator id twice, a drop of what is read, of what is not there.
        #expect(isRejected(state.apply(deploy([Fixture.table("t", id: 9)], after: 1), offset: 2, appendTime: 0)))
        #expect(isRejected(state.apply(deploy([Fixture.table("u", id: 2)], after: 1), offset: 3, appendTime: 0)))
        #expect(isRejected(state.apply(drop(["t"], after: 1), offset: 4, appendTime: 0)))
        #expect(isRejected(state.apply(drop(["w"], after: 1), offset: 5, appendTime: 0)))
        let unknown = Fixture.table("u", id: 9, connector: "carrier pigeon")
        #expect(isRejected(state.apply(deploy([unknown], after: 1), offset: 6, appendTime: 0)))
        #expect(state.version == 1)
    }

    @Test func dropsInOneRecordAndNeverReusesOperators() {
        var state = ControlState()
        let view = Fixture.view("v", id: 2, of: table)
        _ = state.apply(deploy([table, view], after: -1), offset: 0, appendTime: 0)
        #expect(state.readers(ofTopic: "t") == ["v"])
        #expect(state.apply(drop(["v", "t"], after: 0), offset: 1, appendTime: 0) == .accepted)
        #expect(state.nodes.isEmpty)
        #expect(state.topics.isEmpty)
        #expect(isRejected(state.apply(deploy([Fixture.table("t", id: 1)], after: 1), offset: 2, appendTime: 0)))
        #expect(state.apply(deploy([Fixture.table("t", id: 4)], after: 1), offset: 3, appendTime: 0) == .accepted)
    }

    @Test func skipsAndReportsUnknownKinds() throws {
        var state = ControlState()
        let bytes = Array(#"{"version":7,"kind":"teleport","body":{}}"#.utf8)
        #expect(ControlCodec.decode(bytes) == .unknown(kind: "teleport", version: 7))
        #expect(isRejected(state.apply(ControlCodec.decode(bytes), offset: 0, appendTime: 0)))
        #expect(isRejected(state.apply(ControlCodec.decode(Array("{".utf8)), offset: 1, appendTime: 0)))
        #expect(state.rejections.count == 2)
        #expect(state.version == -1)
        #expect(state.nextOffset == 2)
    }

    @Test func codecKeepsRecords() throws {
        let record = ControlRecord.deploy(
            ControlRecord.Deploy(
                after: 4, deployments: [table, Fixture.view("v", id: 2, of: table)],
                start: Frontier([TopicPartition("t", 1): 5]), partitions: ["t": 2]))
        let bytes = try ControlCodec.encode(record)
        #expect(ControlCodec.decode(bytes) == .record(record))
        #expect(try ControlCodec.encode(record) == bytes)
        let epoch = EpochRecord(
            epoch: 3, frontier: Frontier([TopicPartition("a", 0): 1, TopicPartition("b", 2): 9]), controlVersion: 1,
            generation: 1, term: 2)
        #expect(ControlCodec.decodeEpoch(try ControlCodec.encode(epoch)) == epoch)
        #expect(ControlCodec.decodeEpoch(bytes) == nil)
    }

    @Test func epochRecordsFollowOneAnother() {
        let partition = TopicPartition("t", 0)
        let first = EpochRecord(epoch: 1, frontier: Frontier([partition: 5]), controlVersion: 0, generation: 1, term: 3)
        var next = first
        #expect(!next.follows(first))
        next.epoch = 2
        #expect(next.follows(first))
        next.frontier = Frontier([partition: 4])
        #expect(!next.follows(first))
        next.frontier = first.frontier
        next.term = 2
        #expect(!next.follows(first))
    }

    private func isRejected(_ verdict: ControlState.Verdict) -> Bool {
        if case .rejected = verdict { return true }
        return false
    }
}
