import Cluster
import Coordination
import Testing

/// The cluster's part of the fold, record by record. Catches an old term, life or generation that still counts, and bytes
/// of version 1 that do not decode any more.
@Suite struct ClusterStateTests {
    private var state = ControlState()

    private static func name(_ text: String) -> NodeName {
        guard let name = NodeName(text) else { preconditionFailure("\(text) is a name") }
        return name
    }

    private static let description = NodeDescription(
        cluster: Endpoint(host: "127.0.0.1", port: 7_701), http: Endpoint(host: "127.0.0.1", port: 7_070), workers: 2,
        zone: "z", build: "1")

    private static func join(_ name: String, nonce: String, after: Int64?, directory: String? = nil) -> ClusterRecord {
        .join(
            ClusterRecord.Join(
                name: Self.name(name), directory: directory ?? name, nonce: nonce,
                after: after.map { Incarnation($0) }, description: description))
    }

    private static func lead(_ term: Int64, by author: Int64) -> ClusterRecord {
        .lead(ClusterRecord.Lead(term: term, after: term - 1, author: Incarnation(author), reason: "r"))
    }

    private static func admit(_ life: Int64, by author: Int64, term: Int64) -> ClusterRecord {
        .admit(ClusterRecord.Admit(life: Incarnation(life), author: Incarnation(author), term: term))
    }

    private static func remove(_ life: Int64, by author: Int64, term: Int64?) -> ClusterRecord {
        .remove(
            ClusterRecord.Remove(
                life: Incarnation(life), reason: "dead to gossip", author: Incarnation(author), term: term))
    }

    private static func assign(_ nodes: [NodeID], after: Int64, by author: Int64, term: Int64) -> ClusterRecord {
        var previous: Assignment?
        if after > 0 { previous = Assignment(generation: after, workers: [WorkerID(nodes[0], 0)], owners: zeros) }
        let assignment = AssignmentPlanner.plan(
            candidates: nodes.map { .init(node: $0, workers: 2) }, tasks: ["t"], previous: previous, start: .beginning)
        return .assign(
            ClusterRecord.Assign(
                assignment: assignment, after: after, author: Incarnation(author), term: term, reason: "r"))
    }

    private static let zeros = Array(repeating: 0, count: Assignment.vnodes)

    private mutating func fold(_ record: ClusterRecord) -> ControlState.Verdict {
        state.apply(.record(.cluster(record)), offset: state.nextOffset, appendTime: 0)
    }

    private mutating func isAccepted(_ record: ClusterRecord) -> Bool { fold(record) == .accepted }

    @Test mutating func tasksArePlacedWithinAGeneration() throws {
        let nodes = ["a", "b"].enumerated().map { NodeID(Self.name($1), Incarnation(Int64($0))) }
        #expect(isAccepted(Self.join("a", nonce: "n1", after: nil)))
        #expect(isAccepted(Self.join("b", nonce: "n2", after: nil)))
        #expect(isAccepted(Self.lead(1, by: 0)))
        #expect(
            isAccepted(.admit(ClusterRecord.Admit(life: Incarnation(1), author: Incarnation(0), term: 1))))
        #expect(isAccepted(Self.assign(nodes, after: 0, by: 0, term: 1)))
        let assigned = try #require(state.cluster.assignment)
        func place(_ tasks: [(String, NodeID)], generation: Int64 = 1, by author: Int64 = 0) -> ClusterRecord {
            .place(
                ClusterRecord.Place(
                    tasks: tasks.map { Assignment.TaskPlacement(task: $0.0, node: $0.1) }, generation: generation,
                    author: Incarnation(author), term: 1, reason: "r"))
        }
        let other = NodeID(Self.name("c"), Incarnation(9))
        #expect(!isAccepted(place([("t", nodes[1])], by: 1)))
        #expect(fold(place([("t", nodes[1])], generation: 2)) == .stale(expected: 2))
        #expect(!isAccepted(place([("t", other)])))
        #expect(!isAccepted(place([("t", nodes[1]), ("s", nodes[0])])))
        #expect(!isAccepted(place(assigned.tasks.map { ($0.task, $0.node) })))
        let hash = state.hash
        #expect(isAccepted(place([("s", nodes[0]), ("t", nodes[1])])))
        #expect(state.hash != hash)
        let placed = try #require(state.cluster.assignment)
        #expect(placed.tasks(of: nodes[0]) == ["s"] && placed.tasks(of: nodes[1]) == ["t"])
        #expect(placed.owners == assigned.owners && placed.generation == 1)
    }

    @Test mutating func aLifeIsTheOffsetOfItsJoin() {
        #expect(isAccepted(Self.join("a", nonce: "n1", after: nil)))
        #expect(state.cluster.lives.map(\.node) == [NodeID(Self.name("a"), Incarnation(0))])
        // The same attempt again, one that expects too little, another directory.
        #expect(!isAccepted(Self.join("a", nonce: "n1", after: nil)))
        #expect(fold(Self.join("a", nonce: "n2", after: nil)) == .stale(expected: -1))
        #expect(!isAccepted(Self.join("a", nonce: "n2", after: 0, directory: "other")))
        #expect(isAccepted(Self.join("a", nonce: "n2", after: 0)))
        #expect(state.cluster.lives.map(\.node.incarnation.rawValue) == [4])
        // What the ended life still appends does not count.
        #expect(!isAccepted(Self.lead(1, by: 0)))
        #expect(isAccepted(Self.lead(1, by: 4)))
    }

    @Test mutating func aTermHasOneLead() {
        #expect(isAccepted(Self.join("a", nonce: "1", after: nil)))
        #expect(isAccepted(Self.join("b", nonce: "2", after: nil)))
        #expect(isAccepted(Self.lead(1, by: 0)))
        #expect(fold(Self.lead(1, by: 1)) == .stale(expected: 0))
        #expect(isAccepted(Self.admit(1, by: 0, term: 1)))
        #expect(isAccepted(Self.lead(2, by: 1)))
        // The old lead's decisions do not count any more.
        #expect(fold(Self.remove(1, by: 0, term: 1)) == .stale(expected: 1))
        #expect(isAccepted(Self.remove(0, by: 1, term: 2)))
        #expect(state.cluster.lead == NodeID(Self.name("b"), Incarnation(1)))
    }

    @Test mutating func generationsFollowOneAnother() {
        let a = NodeID(Self.name("a"), Incarnation(0))
        let b = NodeID(Self.name("b"), Incarnation(1))
        #expect(isAccepted(Self.join("a", nonce: "1", after: nil)))
        #expect(isAccepted(Self.join("b", nonce: "2", after: nil)))
        #expect(isAccepted(Self.lead(1, by: 0)))
        #expect(!isAccepted(Self.assign([a, b], after: 0, by: 0, term: 1)))  // b is no member
        #expect(isAccepted(Self.assign([a], after: 0, by: 0, term: 1)))
        #expect(isAccepted(Self.admit(1, by: 0, term: 1)))
        #expect(fold(Self.assign([a, b], after: 0, by: 0, term: 1)) == .stale(expected: 0))
        #expect(!isAccepted(Self.assign([a, b], after: 1, by: 1, term: 1)))  // b does not lead
        #expect(isAccepted(Self.assign([a, b], after: 1, by: 0, term: 1)))
        #expect(state.cluster.generation == 2)
    }

    @Test mutating func aFoldedStateStandsForWhatCameBefore() throws {
        let a = NodeID(Self.name("a"), Incarnation(0))
        #expect(isAccepted(Self.join("a", nonce: "1", after: nil)))
        #expect(isAccepted(Self.lead(1, by: 0)))
        #expect(isAccepted(Self.assign([a], after: 0, by: 0, term: 1)))
        let bytes = try ControlCodec.encode(.state(state.folded))
        let entry = ControlCodec.decode(bytes)
        #expect(state.apply(entry, offset: 3, appendTime: 0) == .accepted)
        var late = ControlState()
        #expect(late.apply(entry, offset: 3, appendTime: 0) == .accepted)
        #expect(late.cluster == state.cluster)
        #expect(late.hash == state.hash)
        // One that is of an earlier version does not count where more has been folded.
        #expect(isAccepted(Self.join("b", nonce: "2", after: nil)))
        #expect(state.apply(entry, offset: 5, appendTime: 0) == .stale(expected: 2))
    }

    @Test mutating func whenNodesHaveJoinedChangesNameTheirAuthor() {
        #expect(isAccepted(Self.join("a", nonce: "1", after: nil)))
        let drop = { (author: Int64?) in
            ControlEntry.record(
                .drop(ControlRecord.Drop(after: -1, names: ["x"], author: author.map { Incarnation($0) })))
        }
        #expect(state.apply(drop(nil), offset: 1, appendTime: 0) == .rejected("it names no author"))
        #expect(
            state.apply(drop(9), offset: 2, appendTime: 0) == .rejected("its author, life 9, is not current"))
        #expect(
            state.apply(drop(0), offset: 3, appendTime: 0) == .rejected("relation \"x\" does not exist"))
    }

    /// Written down once; never to be changed.
    @Test func goldenRecords() throws {
        let golden: [(ClusterRecord, String)] = [
            (.found(.init(id: "c1")), #"{"body":{"id":"c1"},"kind":"found","version":1}"#),
            (
                .found(.init(id: "c1", tzdata: "2025b")),
                #"{"body":{"id":"c1","tzdata":"2025b"},"kind":"found","version":1}"#
            ),
            (
                Self.join("a", nonce: "n", after: 3),
                #"{"body":{"after":3,"description":{"build":"1","cluster":{"host":"127.0.0.1","port":7701},"http":{"host":"127.0.0.1","port":7070},"wire":{"highest":1,"lowest":1},"workers":2,"zone":"z"},"directory":"a","name":"a","nonce":"n"},"kind":"join","version":1}"#
            ),
            (Self.admit(1, by: 2, term: 3), #"{"body":{"author":2,"life":1,"term":3},"kind":"admit","version":1}"#),
            (
                .leave(.init(author: Incarnation(4), reason: "r")),
                #"{"body":{"author":4,"reason":"r"},"kind":"leave","version":1}"#
            ),
            (
                Self.remove(1, by: 2, term: 3),
                #"{"body":{"author":2,"life":1,"reason":"dead to gossip","term":3},"kind":"remove","version":1}"#
            ),
            (
                Self.lead(2, by: 5), #"{"body":{"after":1,"author":5,"reason":"r","term":2},"kind":"lead","version":1}"#
            ),
            (
                .drain(.init(life: Incarnation(1), isDraining: true, author: Incarnation(2), reason: "r")),
                #"{"body":{"author":2,"isDraining":true,"life":1,"reason":"r"},"kind":"drain","version":1}"#
            ),
            (
                .moveLead(.init(to: Incarnation(1), author: Incarnation(2), reason: "r")),
                #"{"body":{"author":2,"reason":"r","to":1},"kind":"moveLead","version":1}"#
            ),
            (
                .rebalance(.init(author: Incarnation(2), reason: "r")),
                #"{"body":{"author":2,"reason":"r"},"kind":"rebalance","version":1}"#
            ),
        ]
        for (record, text) in golden {
            #expect(String(decoding: try ControlCodec.encode(.cluster(record)), as: UTF8.self) == text)
            #expect(ControlCodec.decode(Array(text.utf8)) == .record(.cluster(record)))
        }
        let a = NodeID(Self.name("a"), Incarnation(0))
        let assign = ControlRecord.cluster(Self.assign([a], after: 0, by: 0, term: 1))
        #expect(ControlCodec.decode(try ControlCodec.encode(assign)) == .record(assign))
    }

    @Test mutating func historySaysWhoDidWhatAndWhy() {
        var history = ControlHistory()
        let join = history.add(.record(.cluster(Self.join("a", nonce: "1", after: nil))), offset: 0, appendTime: 5)
        #expect(join.who == "a#0" && join.kind == "join" && join.time == 5 && join.refusal == nil)
        let lead = history.add(.record(.cluster(Self.lead(1, by: 0))), offset: 1, appendTime: 6)
        #expect(lead.who == "a#0" && lead.what == "term 1" && lead.why == "r")
        let late = history.add(.record(.cluster(Self.lead(1, by: 0))), offset: 2, appendTime: 7)
        #expect(late.refusal != nil)
        #expect(history.state.cluster.term == 1)
    }
}
