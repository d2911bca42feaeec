import PostgresOracle
import Testing

/// The modifiers of columns' types, against PostgreSQL: what a record's value becomes in a column, as JSON and in an INSERT.
@Suite("Modifiers of columns against PostgreSQL")
struct ModifierOracleTests {
    /// A column's type, a value that fits it, and what the value is in JSON.
    private static let cases: [(type: String, text: String, json: String)] = [
        ("interval hour", "5", "\"5\""), ("interval day to hour", "1 2", "\"1 2\""),
        ("interval minute to second(1)", "1:02.345", "\"1:02.345\""), ("interval minute to second", "1:02", "\"1:02\""),
        ("interval year to month", "1-2", "\"1-2\""),
        ("interval year", "1 year 7 mons 3 days", "\"1 year 7 mons 3 days\""),
        ("interval day", "-3 days -04:05", "\"-3 days -04:05\""), ("interval(2)", "1.5678", "\"1.5678\""),
        ("interval second(0)", "2.5", "\"2.5\""), ("interval", "5", "\"5\""), ("numeric(3,-2)", "12355", "12355"),
        ("numeric(3,-2)", "-49", "-49"), ("numeric(3,5)", "0.00123456", "0.00123456"),
        ("numeric(2,2)", "0.994", "0.994"),
        ("numeric(5,1)", "1234.56", "1234.56"), ("char(5)", "ab", "\"ab\""), ("char(2)", "ab   ", "\"ab   \""),
        ("varchar(3)", "äöü ", "\"äöü \""), ("time(1)", "12:34:56.78", "\"12:34:56.78\""),
        ("timestamp(0)", "2024-02-29 23:59:59.5", "\"2024-02-29 23:59:59.5\""),
    ]

    @Test("a record's values and an inserted row's are PostgreSQL's")
    func equal() throws {
        let postgres = try PostgresOracle()
        let columns = Self.cases.enumerated().map { "c\($0.offset) \($0.element.type)" }.joined(separator: ", ")
        let values = Self.cases.map { SQLTypes.quoted($0.text) }.joined(separator: ", ")
        try postgres.run("CREATE TABLE t (\(columns)); INSERT INTO t VALUES (\(values))")
        let expected = RowTexts.rows(try postgres.query("SELECT * FROM t"), exact: true)

        let harness = PipelineHarness(workers: 1, seed: 0, partitions: ["t": 1])
        try harness.create("CREATE TABLE t (\(columns)); CREATE MATERIALIZED VIEW v AS SELECT * FROM t")
        let fields = Self.cases.enumerated().map { "\"c\($0.offset)\": \($0.element.json)" }.joined(separator: ", ")
        try harness.run([PipelineHarness.TopicRecord(table: "t", partition: 0, text: "{\(fields)}")])
        #expect(harness.refusals == [])
        #expect(RowTexts.rows(harness.deltas("v"), exact: true) == expected)
        let inserted = try RuleOracleTests.inserted("CREATE TABLE t (\(columns))", "INSERT INTO t VALUES (\(values))")
        #expect(RowTexts.row(inserted[0]) == expected[0])
    }

    @Test(
        "values that do not fit are refused by both",
        arguments: [
            ("numeric(3,-2)", "99950"), ("numeric(3,5)", "0.01"), ("numeric(1,0)", "9.5"), ("char(2)", "abc"),
            ("interval hour", "foo"),
        ])
    func refused(type: String, text: String) throws {
        let postgres = try PostgresOracle()
        #expect(
            postgres.refusal(of: "CREATE TABLE t (c \(type)); INSERT INTO t VALUES (\(SQLTypes.quoted(text)))") != nil)
        let harness = PipelineHarness(workers: 1, seed: 0, partitions: ["t": 1])
        try harness.create("CREATE TABLE t (c \(type)); CREATE MATERIALIZED VIEW v AS SELECT * FROM t")
        let json = type.hasPrefix("numeric") ? text : "\"\(text)\""
        try harness.run([PipelineHarness.TopicRecord(table: "t", partition: 0, text: "{\"c\": \(json)}")])
        #expect(harness.refusals.count == 1)
        #expect(RowTexts.rows(harness.deltas("v")) == [])
    }
}
