// Ad-hoc queries: order, ties, limits, errors and cancellation. Finds an answer that depends on the order of the rows scanned, and a
// query that goes on after nobody waits for it.
import Dataflow
import Glibc
import Testing

@Suite struct QueryRunnerTests {
    static let types: [DataType] = [.bigint, .numeric, .text]
    static let scan = GraphNode(id: OperatorID(1), kind: .scan(relation: "v"), inputs: [], types: types, owner: "")

    static func plan(
        _ nodes: [GraphNode] = [scan], columns: Int = 3, orderBy: [SortKey] = [], limit: Int? = nil, offset: Int = 0
    ) -> QueryPlan {
        let output = nodes[nodes.count - 1]
        return QueryPlan(
            graph: Graph(nodes: nodes), output: output.id,
            columns: output.types.prefix(columns).enumerated().map {
                ColumnSchema(name: "c\($0.offset)", type: $0.element)
            },
            orderBy: orderBy, limit: limit, offset: offset)
    }

    static func rows(_ result: QueryResult) -> [Row] {
        result.batches.flatMap { batch in
            #expect(batch.weights == nil && batch.count <= Delta.rowsMax)
            return (0..<batch.count).map { row in batch.columns.map { $0.datum(at: row) } }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func orderIsByTheKeysThenByAllColumns(_ seed: UInt64) throws {
        var changes = Changes(Self.types, isAppendOnly: true, seed: seed)
        _ = changes.epoch(5)
        _ = changes.epoch(80)
        let keys = [SortKey(column: 1, descending: seed % 2 == 0, nullsFirst: seed % 3 == 0)]
        let spec = OperatorKind.TopN(
            partitionBy: [], orderBy: keys, limit: 0, emitsRowNumber: false, inputIsAppendOnly: false)
        let expected = changes.current.rows.sorted { TopNOperatorTests.precedes(spec, $0, $1) }
        var rng = EngineRandom(seed: seed)
        for _ in 0..<3 {
            var entries = changes.current.entries.map(\.value)
            entries.shuffle(using: &rng)
            let delta = Values.delta(entries.map(\.row), Self.types, weights: entries.map(\.weight))
            let all = try QueryRunner.run(Self.plan(orderBy: keys), scans: ["v": [delta]])
            #expect(Self.rows(all).map { Values.printed($0) } == expected.map { Values.printed($0) })
            let part = try QueryRunner.run(
                Self.plan(columns: 1, orderBy: keys, limit: 7, offset: 3), scans: ["v": [delta]])
            #expect(
                Self.rows(part).map { Values.printed($0) }
                    == expected.dropFirst(3).prefix(7).map { Values.printed([$0[0]]) })
        }
    }

    @Test func emptyAnswersHaveTheirColumns() throws {
        let result = try QueryRunner.run(Self.plan(), scans: ["v": []])
        #expect(result.rowCount == 0 && result.columns.map(\.name) == ["c0", "c1", "c2"])
    }

    @Test func aSelectWithoutFrom() throws {
        let values = GraphNode(
            id: OperatorID(1), kind: .values([[.bigint(2)], [.bigint(1)]]), inputs: [], types: [.bigint], owner: "")
        #expect(Self.rows(try QueryRunner.run(Self.plan([values]), scans: [:])) == [[.bigint(1)], [.bigint(2)]])
    }

    @Test func aRowErrorIsTheQuerysError() {
        let project = GraphNode(
            id: OperatorID(2),
            kind: .project([
                .call(
                    "/(bigint,bigint)", [.literal(.bigint(1), type: .bigint), .column(0, type: .bigint)], type: .bigint)
            ]),
            inputs: [OperatorID(1)], types: [.bigint], owner: "")
        let delta = Values.delta([[.bigint(1), .null, .null], [.bigint(0), .null, .null]], Self.types)
        #expect(throws: QueryError(code: "22012", message: "division by zero")) {
            try QueryRunner.run(Self.plan([Self.scan, project]), scans: ["v": [delta]])
        }
    }

    @Test func aRelationWithoutRowsIsADefect() {
        #expect(throws: QueryError.self) { try QueryRunner.run(Self.plan(), scans: [:]) }
    }

    @Test func tooMuchMemoryEndsAQueryAndIsFreed() throws {
        // Both sides of the join are kept: about 60 MB of the two million rows, more than the limit.
        let relations = (1...2).map { number in
            GraphNode(
                id: OperatorID(number), kind: .scan(relation: "v"), inputs: [], types: [.bigint], owner: "")
        }
        let join = GraphNode(
            id: OperatorID(3), kind: .join(.init(leftKeys: [0], rightKeys: [0])), inputs: relations.map(\.id),
            types: [.bigint, .bigint], owner: "")
        let batches = (0..<2_000).map { batch in
            let builder = ColumnBuilder(type: .bigint)
            for row in 0..<1_000 { builder.append(.bigint(Int64(batch * 1_000 + row))) }
            return Delta(columns: [builder.finish()], count: 1_000)
        }
        let wanted = QueryError(
            code: "53200",
            message: "the query holds more than 32 MiB; read fewer rows, or make what it joins or groups a view")
        let before = try Self.residentBytes()
        for _ in 0..<60 {
            #expect(throws: wanted) {
                try QueryRunner.run(
                    Self.plan(relations + [join], columns: 2), scans: ["v": batches], memoryMax: 32 << 20)
            }
        }
        // 60 × 32 MiB, were they kept; other tests run beside this one.
        #expect(try Self.residentBytes() - before < 1 << 30)
    }

    private static func residentBytes() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var (total, resident) = (0, 0)
        withUnsafeMutablePointer(to: &total) { first in
            withUnsafeMutablePointer(to: &resident) { second in
                _ = withVaList([first, second]) { vfscanf(file, "%ld %ld", $0) }
            }
        }
        return resident * 4096
    }

    @Test func cancellationStopsAJoinThatExplodes() {
        // 10^10 pairs: without a stop inside the join this test does not end.
        let other = GraphNode(id: OperatorID(2), kind: .scan(relation: "w"), inputs: [], types: [.bigint], owner: "")
        let one = GraphNode(id: OperatorID(1), kind: .scan(relation: "v"), inputs: [], types: [.bigint], owner: "")
        let join = GraphNode(
            id: OperatorID(3), kind: .join(.init(leftKeys: [0], rightKeys: [0])),
            inputs: [OperatorID(1), OperatorID(2)],
            types: [.bigint, .bigint], owner: "")
        let delta = Delta(columns: [Column.repeating(.bigint(1), type: .bigint, count: 100_000)], count: 100_000)
        var calls = 0
        #expect(throws: QueryError(code: "57014", message: "canceling statement due to user request or time limit")) {
            try QueryRunner.run(Self.plan([one, other, join], columns: 2), scans: ["v": [delta], "w": [delta]]) {
                calls += 1
                return calls > 200
            }
        }
    }
}
