import Actors
import Cluster
import Coordination
import Dataflow
import Foundation
import Log
import Testing

/// What nodes of version 1 say to each other and write to the control log: the bytes in `Golden/version1.txt` are written down
/// once, and decode for ever. With `DATAPRISM_RECORD_GOLDEN=1` samples that are not there yet are added; none is ever changed.
@Suite struct WireTests {
    private struct Sample {
        var name: String
        var bytes: [UInt8]
        /// Decodes, and encodes what was decoded.
        var again: ([UInt8]) throws -> [UInt8]
    }

    private static func message<Value: Codable>(_ name: String, _ value: Value) throws -> Sample {
        Sample(name: name, bytes: try MemberCodec.encode(value)) { bytes in
            try MemberCodec.encode(try MemberCodec.decode(Value.self, bytes))
        }
    }

    private static func record(_ name: String, _ record: ControlRecord) throws -> Sample {
        Sample(name: name, bytes: try ControlCodec.encode(record)) { bytes in
            guard case .record(let decoded) = ControlCodec.decode(bytes) else {
                throw CoordinationError(.refused, "\(name) is not a record")
            }
            #expect(decoded == record, "\(name)")
            return try ControlCodec.encode(decoded)
        }
    }

    private static let a = NodeName("a").map { NodeID($0, Incarnation(3)) }
    private static let partition = TopicPartition("t", 1)

    private static func commands() throws -> [Sample] {
        let table = Fixture.table("t", id: 1)
        guard case .table(let schema) = table.relation.kind else { return [] }
        var setup = LaneSetup(nodes: table.graph.nodes, sources: [])
        setup.sources = [
            LaneSetup.Source(
                topic: try TopicPlan(schema), name: "t", partitionCount: 2,
                tables: [LaneSetup.Table(schema: schema, node: OperatorID(1), start: [1: 5], keepsDeadLetters: true)])
        ]
        let plan = StepPlan(
            lane: LaneID(2), step: 7, epoch: 9, bounds: [partition: SourceBound(end: 4, readAheadEnd: 6)],
            watermarks: ["t": 11], clock: 12,
            seeds: [StepPlan.Seed(view: "v", output: OperatorID(3), consumers: [OperatorID(4)], epoch: 8)],
            forgetBefore: 5)
        let commands: [(String, MemberCommand)] = [
            ("begin", .begin), ("connect", .connect), ("openLane", .openLane(LaneID(2))),
            ("closeLane", .closeLane(LaneID(2))), ("closeFiles", .closeFiles(name: "f")),
            ("install", .install(setup, into: LaneID(2))), ("remove", .remove(["v"], nodes: [OperatorID(4)])),
            ("adopt", .adopt([OperatorID(4)], tables: ["t"], from: LaneID(2))), ("run", .run(plan)),
            ("facts", .facts),
        ]
        return try commands.map { try message("command \($0.0)", MemberRequest(generation: 6, command: $0.1)) }
    }

    private static func answers() throws -> [Sample] {
        var facts = MemberFacts()
        facts.views = ["v": ViewShard.Size()]
        let report = StepReport(
            worker: 1,
            sources: [
                SourceReport(
                    table: "t", partition: partition, position: 4, counters: SourceCounters(), highestEventTime: 13)
            ], bytesRead: [partition: 100])
        let notice = CommitNotice(
            generation: 6, controlVersion: 5, epoch: 9, frontier: Frontier([partition: 4]).token, clock: 12,
            activeSince: ["v": 8], isReady: true, replay: Progress(done: 1, total: 2),
            builds: ["w": Progress(done: 3, total: 4)])
        let failure = CoordinationError(.sourceFailed, "m", progress: Progress(done: 1, total: 2))
        return [
            try message("answer done", MemberAnswer.done),
            try message("answer reports", MemberAnswer.reports([report])),
            try message("answer facts", MemberAnswer.facts(facts)),
            try message("answer failed", MemberAnswer.failed(failure)),
            try message("rows", RowsRequest(generation: 6, kind: .views, name: "v", epoch: 9)),
            try message("notice", notice),
            try message("change", ChangeRequest(after: 5, deployments: [Fixture.table("t", id: 1)], drops: ["v"])),
            try message("change done", ChangeAnswer.done(version: 7, notice)),
            try message("change failed", ChangeAnswer.failed(failure)),
        ]
    }

    private static func records() throws -> [Sample] {
        guard let a else { return [] }
        let table = Fixture.table("t", id: 1)
        let deploy = ControlRecord.Deploy(
            after: -1, deployments: [table, Fixture.count("c", id: 2, of: table)], start: Frontier([partition: 2]),
            partitions: ["t": 2], author: nil)
        var state = ControlState()
        _ = state.apply(.record(.deploy(deploy)), offset: 0, appendTime: 1)
        let assignment = AssignmentPlanner.plan(
            candidates: [.init(node: a, workers: 2)], tasks: ["t"], previous: nil, start: .beginning)
        let epoch = EpochRecord(
            epoch: 9, frontier: Frontier([partition: 4]), controlVersion: 5, generation: 6, term: 2)
        return [
            try record("deploy", .deploy(deploy)),
            try record("drop", .drop(.init(after: 0, names: ["c"], author: nil))),
            try record("state", .state(state.folded)),
            try record(
                "assign",
                .cluster(
                    .assign(
                        .init(assignment: assignment, after: 0, author: a.incarnation, term: 2, reason: "the first")))),
            Sample(name: "epoch", bytes: try ControlCodec.encode(epoch)) { bytes in
                let decoded = try #require(ControlCodec.decodeEpoch(bytes))
                #expect(decoded == epoch)
                return try ControlCodec.encode(decoded)
            },
        ]
    }

    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/version1.txt").path

    @Test func goldenBytes() throws {
        let samples = try Self.commands() + Self.answers() + Self.records()
        var text =
            FileManager.default.fileExists(atPath: Self.path)
            ? try String(contentsOfFile: Self.path, encoding: .utf8) : ""
        var golden: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            golden[String(parts[0])] = String(parts[1])
        }
        if ProcessInfo.processInfo.environment["DATAPRISM_RECORD_GOLDEN"] == "1" {
            for sample in samples where golden[sample.name] == nil {
                text += "\(sample.name)\t\(String(decoding: sample.bytes, as: UTF8.self))\n"
            }
            try text.write(toFile: Self.path, atomically: true, encoding: .utf8)
            return
        }
        #expect(Set(golden.keys) == Set(samples.map(\.name)))
        for sample in samples {
            let bytes = Array((golden[sample.name] ?? "").utf8)
            #expect(sample.bytes == bytes, "\(sample.name) is written otherwise than in version 1")
            #expect(try sample.again(bytes) == bytes, "\(sample.name) of version 1 does not come back")
        }
    }

    /// What the next version adds is passed over.
    @Test func aFieldOfTheNextVersionIsIgnored() throws {
        let plain = try MemberCodec.encode(MemberRequest(generation: 6, command: .begin))
        var request = MemberRequest(generation: 6, command: .begin)
        request.note = "next"
        var text = String(decoding: try MemberCodec.encode(request), as: UTF8.self)
        #expect(text.contains(#""note":"next""#))
        text = text.replacingOccurrences(of: #""note""#, with: #""unheardOf""#)
        #expect(try MemberCodec.encode(MemberCodec.decode(MemberRequest.self, Array(text.utf8))) == plain)
        #expect(
            ControlCodec.decode(try ControlCodec.encodeHint("x")) == .unknown(kind: "hint", version: 2))
    }
}
