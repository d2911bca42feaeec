import Actors
import Cluster
import Coordination
import Dataflow
import Foundation
import Log
import Synchronization

/// Calls of ``MemberPort`` as its callers really send them: a server on the loop-back interface takes down what comes.
enum GoldenCalls {
    /// A method with arguments to call it with, and what it answers.
    struct Case {
        var method: String
        var call: (MemberPort) async throws -> Void
        var arguments: [Argument]
        var answer: GoldenSample
    }

    /// Decodes an argument, throws if it is another one, and encodes it again.
    struct Argument {
        var isStruct: Bool
        var again: (CBORValue) throws -> CBORValue
    }

    private static func argument<Value: Codable & Equatable>(_ value: Value, isStruct: Bool = false) -> Argument {
        Argument(isStruct: isStruct) { item in
            let found = try CBORDecoder().decode(Value.self, from: item)
            try GoldenSample.check(found, value)
            return try GoldenSample.item(found)
        }
    }

    private static let generation: Int64 = 6
    private static let lane = LaneID(2)
    private static let files = FileTopicOptions(
        files: ["f.csv"], isCSV: true, hasHeader: false, isFollowed: true, appendTime: 14)
    private static let mark = FileMark(bytes: 100, records: 7, hash: .max)
    private static let partition = TopicPartition("t", 1)
    private static let plan = StepPlan(
        lane: lane, step: 7, epoch: 9, bounds: [partition: SourceBound(end: 4, readAheadEnd: 6)],
        watermarks: ["t": 11], clock: 12,
        seeds: [StepPlan.Seed(view: "v", output: OperatorID(3), consumers: [OperatorID(4)], epoch: 8)],
        forgetBefore: -5)
    private static let reports = [
        StepReport(
            worker: 1,
            sources: [
                SourceReport(
                    table: "t", partition: partition, position: 4, counters: SourceCounters(), highestEventTime: 13)
            ], bytesRead: [partition: 100])
    ]
    static let notice = CommitNotice(
        generation: generation, controlVersion: 5, epoch: 9, frontier: Frontier([partition: 4]).token, clock: 12,
        activeSince: ["v": 8], isReady: true, replay: Progress(done: 1, total: 2),
        builds: ["w": Progress(done: 3, total: 4)])

    private static func setup() throws -> LaneSetup {
        let table = Fixture.table("t", id: 1)
        guard case .table(let schema) = table.relation.kind else { throw GoldenSample.Mismatch("not a table") }
        // A literal of 128 bits among the expressions.
        let wide = Decimal(mantissa: Int128.max, scale: 3)
        let filter = GraphNode(
            id: OperatorID(2),
            kind: .filter(.literal(.numeric(wide), type: .numeric)), inputs: [OperatorID(1)],
            types: table.relation.columns.map(\.type), owner: "v")
        return LaneSetup(
            nodes: table.graph.nodes + [filter],
            sources: [
                LaneSetup.Source(
                    topic: try TopicPlan(schema), name: "t", partitionCount: 2,
                    tables: [
                        LaneSetup.Table(schema: schema, node: OperatorID(1), start: [1: 5], keepsDeadLetters: true)
                    ])
            ])
    }

    private static func facts() throws -> MemberFacts {
        var facts = MemberFacts()
        facts.members = 1
        facts.views = ["v": ViewShard.Size(rows: 3, bytes: 400)]
        facts.sinks = ["s": SinkTotals(rows: 5, checksum: .max)]
        let load = #"{"worker":1,"busyNanoseconds":1000000,"pendingBytes":8}"#
        facts.workers = [try JSONDecoder().decode(WorkerLoad.self, from: Data(load.utf8))]
        let text =
            #"{"id":3,"kind":"filter","owner":"v","rowsIn":5,"rowsOut":4,"stateEntries":3,"stateBytes":2,"nanoseconds":1}"#
        facts.operators = [
            OperatorID(3): try JSONDecoder().decode(OperatorStatistics.self, from: Data(text.utf8))
        ]
        return facts
    }

    private static func status() throws -> PipelineStatus {
        let histogram = String(decoding: try JSONEncoder().encode(LatencyHistogram()), as: UTF8.self)
        let text = """
            {"phase":"ready","replay":{"done":1,"total":2},"replayPartitions":{"t/1":{"done":1,"total":2}},"epoch":9,
            "committedEpoch":8,"frontier":"f1~t.1.4","controlVersion":5,"term":3,"epochsPerSecond":1.5,
            "recordsPerSecond":0.25,
            "views":{"v":{"isActive":true,"rows":3,"bytes":400,"progress":{"done":3,"total":4},"failure":"f",
            "stoppedTables":["t"]}},"sinks":{"s":{"rows":5,"checksum":18446744073709551615}},
            "sources":{"t":{"topic":"t","partitions":2,"lag":6,"watermark":11,"failure":"f",
            "counters":{"read":6,"applied":1,"late":2,"skewed":0,"malformed":3,"skipped":0}}},
            "connectors":{"t":{"connector":"http","state":"passive","records":1,"bytes":2,"restarts":3,"lastError":"e"}},
            "workers":[{"busyShare":0.5,"pendingExchangeBytes":8}],
            "latency":{"count":0,"p50":1,"p90":2,"p99":3,"p999":4,"histogram":\(histogram)},"memoryBytes":7,
            "rejections":[{"offset":4,"kind":"drop","reason":"r"}]}
            """
        return try JSONDecoder().decode(PipelineStatus.self, from: Data(text.utf8))
    }

    private static let report = {
        var connector = ConnectorStatus(connector: "file", state: .waiting)
        connector.node = "b"
        connector.records = 1
        connector.bytes = 2
        connector.restarts = 3
        connector.lastError = "e"
        return NodeReport(
            generation: generation, drives: true, isReady: true, committedEpoch: 9,
            frontier: Frontier([partition: 4]).token,
            workers: [NodeReport.Worker(worker: 0, vnodes: 128, busyShare: 0.5, pendingExchangeBytes: 8)],
            connectors: ["t": connector], ends: ["t/1": 6])
    }()

    private static let change = ChangeRequest(after: 5, deployments: [Fixture.table("t", id: 1)], drops: ["v"])

    static func cases() throws -> [Case] {
        let (setup, facts, status) = (try setup(), try facts(), try status())
        let generation = argument(Self.generation)
        let done = CBORValue.null
        func plain(
            _ method: String, _ arguments: [Argument], _ call: @escaping (MemberPort) async throws -> Void
        ) -> Case {
            let answer = GoldenSample(name: "answer member.\(method)", bytes: done.written, next: nil) { bytes in
                guard case .null = try CBORValue.decode(bytes) else { throw GoldenSample.Mismatch("not nothing") }
                return done.written
            }
            return Case(method: "member.\(method)", call: call, arguments: [generation] + arguments, answer: answer)
        }
        func asking<Value: Codable & Equatable & Sendable>(
            _ method: String, _ arguments: [Argument], _ answer: Value, isStruct: Bool = true,
            _ call: @escaping (MemberPort) async throws -> Value
        ) throws -> Case {
            Case(
                method: "member.\(method)", call: { try GoldenSample.check(try await call($0), answer) },
                arguments: arguments,
                answer: try GoldenSample.value("answer member.\(method)", answer, isStruct: isStruct))
        }
        let number = Self.generation
        var commit = plain("commit", []) { try await $0.commit(notice) }
        commit.arguments = [argument(notice, isStruct: true)]
        return [
            plain("begin", []) { try await $0.begin(number) },
            plain("connect", []) { try await $0.connect(number) },
            plain("openLane", [argument(lane, isStruct: true)]) { try await $0.openLane(number, lane) },
            plain("closeLane", [argument(lane, isStruct: true)]) { try await $0.closeLane(number, lane) },
            plain("openFiles", [argument("f"), argument(files, isStruct: true), argument([0: mark])]) {
                try await $0.openFiles(number, "f", files, expected: [0: mark])
            },
            plain("closeFiles", [argument("f")]) { try await $0.closeFiles(number, "f") },
            plain("install", [argument(setup, isStruct: true), argument(lane, isStruct: true)]) {
                try await $0.install(number, setup, into: lane)
            },
            plain("remove", [argument(Set(["v"])), argument(Set([OperatorID(4)]))]) {
                try await $0.remove(number, ["v"], nodes: [OperatorID(4)])
            },
            plain("adopt", [argument(Set([OperatorID(4)])), argument(Set(["t"])), argument(lane, isStruct: true)]) {
                try await $0.adopt(number, [OperatorID(4)], tables: ["t"], from: lane)
            },
            try asking("run", [generation, argument(plan, isStruct: true)], reports, isStruct: false) {
                try await $0.run(number, plan)
            },
            try asking("facts", [generation], facts) { try await $0.facts(number) },
            commit,
            try asking(
                "change", [argument(change, isStruct: true)], ChangeAnswer(version: 7, notice: notice)
            ) { try await $0.change(change) },
            try asking("status", [], status) { try await $0.status() },
            try asking("report", [], report) { try await $0.report() },
        ]
    }

    /// Calls each method once; the bytes of each call.
    static func record(_ cases: [Case], _ table: ActorMethodTable) async throws -> [String: [UInt8]] {
        let seen = Mutex<[String: [UInt8]]>([:])
        let answers = Dictionary(uniqueKeysWithValues: cases.map { ($0.method, $0.answer.bytes) })
        let (caller, node) = (try Golden.node("a", 3), try Golden.node("b", 4))
        var routes = TransportRoutes()
        routes.call(ActorCall.path) { (_, body) throws(CallError) in
            let call = try ActorCall.decode(body, limits: CBORValue.Limits())
            seen.withLock { $0[call.method] = body }
            guard let answer = answers[call.method] else { throw CallError(.unknownMethod, call.method) }
            return answer
        }
        try await ClusterNode.connected(from: caller, to: node, routes) { connection in
            let system = ClusterActorSystem(node: caller, table: table) { (_) throws(CallError) in connection }
            let port = try MemberPort.resolve(id: ClusterActorID(node: node, name: MemberPort.name), using: system)
            for call in cases { try await call.call(port) }
        }
        return seen.withLock { $0 }
    }

    static func samples() async throws -> [GoldenSample] {
        let cases = try cases()
        let table = await MemberPort.table()
        let recorded = try await record(cases, table)
        try GoldenSample.check(recorded.keys.sorted(), table.methodNames)
        let limits = CBORValue.Limits()
        return try cases.flatMap { test -> [GoldenSample] in
            guard let bytes = recorded[test.method] else {
                throw GoldenSample.Mismatch("\(test.method) was not called")
            }
            let call = try ActorCall.decode(bytes, limits: limits)
            var next = call
            for (index, argument) in test.arguments.enumerated() where argument.isStruct {
                next.arguments[index] = GoldenSample.extended(call.arguments[index])
            }
            let nextBytes = GoldenSample.extended(try CBORValue.decode(try next.encoded(limits: limits))).written
            let sample = GoldenSample(name: "call \(test.method)", bytes: bytes, next: nextBytes) { bytes in
                let found = try ActorCall.decode(bytes, limits: limits)
                try GoldenSample.check(found.target, call.target)
                try GoldenSample.check(found.method, test.method)
                try GoldenSample.check(found.arguments.count, test.arguments.count)
                let arguments = try zip(test.arguments, found.arguments).map { try $0.again($1) }
                return try ActorCall(target: found.target, method: found.method, arguments: arguments)
                    .encoded(limits: limits)
            }
            return [sample, test.answer]
        }
    }

    /// What methods throw, one for each code.
    static func errors() async throws -> [GoldenSample] {
        let table = await MemberPort.table()
        return try CoordinationError.Code.allCases.map { code in
            let error = CoordinationError(code, "m", progress: Progress(done: 1, total: 2))
            let bytes = table.answer(to: error).payload
            guard case .map(let entries) = try CBORValue.decode(bytes), entries.count == 2 else {
                throw GoldenSample.Mismatch("not an error")
            }
            let next = CBORValue.map([entries[0], ("value", GoldenSample.extended(entries[1].1))])
            return GoldenSample(
                name: "error \(code.rawValue)", bytes: bytes, next: GoldenSample.extended(next).written
            ) { bytes in
                guard let found = table.thrown(CallError(.failed, "", payload: bytes)) as? CoordinationError else {
                    throw GoldenSample.Mismatch("not a CoordinationError")
                }
                try GoldenSample.check(found, error)
                return table.answer(to: found).payload
            }
        }
    }
}
