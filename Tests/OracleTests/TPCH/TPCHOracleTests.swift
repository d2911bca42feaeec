import PostgresOracle
import Testing

/// TPC-H q1 to q22 as maintained views over a stream of inserts, updates and deletes, against PostgreSQL over the same rows.
///
/// Method: the tables come from a seed with the specification's distributions. The first epoch has most rows; then come an
/// insert of new orders with their lines (the specification's RF1) beside changed customers, suppliers and parts, and the
/// deletion of old ones (RF2). After each epoch each view's rows must be PostgreSQL's answer, and none may be empty. It finds what
/// small random queries miss: wrong plans of many joins, decorrelated sub-queries that lose or double rows, state lost at scale.
@Suite("TPC-H against PostgreSQL")
struct TPCHOracleTests {
    static let queries = (1...22).map { "q\($0)" }

    /// One with which the queries that select least find rows: q19, about one at scale 0.01.
    static let seed = UInt64(OracleScale.count("ORACLE_TPCH_SEED", quick: 1, full: 1))

    /// Without them PostgreSQL runs the correlated sub-queries of q17 and q20 for minutes.
    private static let indexes = ["lineitem (l_orderkey)", "lineitem (l_partkey, l_suppkey)", "partsupp (ps_partkey)"]

    @Test("q1 to q22 are equal at every epoch, and none is empty")
    func equal() throws {
        try Self.check(scale: OracleScale.isFull ? 0.1 : 0.01, seed: Self.seed, workers: 2)
    }

    static func tables() throws -> [StreamTable] {
        try Files.read("bench/tpch/tables.sql").split(separator: ";").compactMap { text in
            try text.firstRange(of: "CREATE TABLE").map { try parse(text[$0.lowerBound...]) }
        }
    }

    /// `CREATE TABLE name (column type …, …)`: the columns, their types, and the key.
    private static func parse(_ text: Substring) throws -> StreamTable {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else {
            throw OracleError(message: "not a CREATE TABLE: \(text)")
        }
        let name = text[..<open].split { $0 == " " || $0 == "\n" }[2]
        var columns: [StreamTable.Column] = []
        var key: [Int] = []
        var depth = 0
        let items = text[text.index(after: open)..<close].split { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return character == "," && depth == 0
        }
        for item in items {
            let words = item.split { $0 == " " || $0 == "\n" }.map(String.init)
            if words[0] == "PRIMARY" {
                let names = item.split { "(), \n".contains($0) }.dropFirst(2).map(String.init)
                key = names.compactMap { name in columns.firstIndex { $0.name == name } }
            } else {
                if words.contains("PRIMARY") { key = [columns.count] }
                columns.append(.init(name: words[0], type: words[1]))
            }
        }
        return StreamTable(name: String(name), columns: columns, key: key)
    }

    static func epochs(scale: Double, seed: UInt64) -> [[StreamChange]] {
        var generator = TPCHGenerator(scale: scale, seed: seed)
        var first = generator.fixed()
        for key in 1...generator.suppliers { first.append(generator.supplier(key)) }
        for key in 1...generator.parts { first += generator.part(key) }
        for key in 1...generator.customers { first.append(generator.customer(key)) }
        let orders = (0..<generator.orders).map { generator.order($0) }
        let half = orders.count / 2
        first += orders[..<half].flatMap { $0 }
        // The second half, new orders, and rows that replace others.
        var second = orders[half...].flatMap { $0 }
        for number in 0..<generator.refresh { second += generator.order(number, isRefresh: true) }
        for key in stride(from: 3, through: generator.customers, by: 97) { second.append(generator.customer(key)) }
        for key in stride(from: 5, through: generator.suppliers, by: 11) { second.append(generator.supplier(key)) }
        for key in stride(from: 7, through: generator.parts, by: 89) { second += generator.part(key) }
        let third = orders[..<(generator.refresh * 4)].flatMap { TPCHGenerator.deletes(of: $0) }
        return [first, second, third]
    }

    static func check(scale: Double, seed: UInt64, workers: Int) throws {
        let tables = try tables()
        try #require(tables.map(\.name) == TPCHGenerator.Table.allCases.map { "\($0)" })
        let harness = PipelineHarness(
            workers: workers, seed: seed,
            partitions: Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0.partitions) }))
        let postgres = try PostgresOracle()
        var state = StreamState(tables)
        for table in tables { try harness.create(table.declaration) }
        var views: [(name: String, query: String)] = []
        for name in queries {
            var query = try Files.read("bench/tpch/\(name).sql")
            // The specification's fraction of q11 is 0.0001 / scale; the file has that of scale 0.01.
            if name == "q11", let fraction = query.firstRange(of: "0.0100000000") {
                query.replaceSubrange(fraction, with: "\(0.0001 / scale)")
            }
            do {
                try harness.create("CREATE MATERIALIZED VIEW \(name) AS \(query)")
                views.append((name, query))
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
        for (number, changes) in epochs(scale: scale, seed: seed).enumerated() {
            try harness.run(changes.map { $0.record(of: tables[$0.table]) })
            for change in changes { state.apply(change) }
            try state.load(into: postgres)
            if number == 0 { for index in indexes { try postgres.run("CREATE INDEX ON \(index)") } }
            for view in views {
                let expected = RowTexts.rows(try postgres.query(view.query))
                let actual = RowTexts.rows(harness.deltas(view.name))
                if let difference = RowTexts.difference(expected: expected, actual: actual) {
                    Issue.record("\(view.name), scale \(scale), seed \(seed), epoch \(number + 1): \(difference)")
                }
                // Of half of the orders, the queries that select least may find none.
                #expect(
                    number == 0
                        || expected.contains { !$0.split(separator: "│").allSatisfy { $0.contains(RowTexts.null) } },
                    "\(view.name) has no rows, epoch \(number + 1)")
            }
        }
        #expect(harness.errorCount == 0)
    }
}
