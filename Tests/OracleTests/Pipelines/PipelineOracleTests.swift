import FoundationEssentials
import PostgresOracle
import Testing

/// Random pipelines of random tables against PostgreSQL.
///
/// Method: from a seed come three tables with columns of all types, three epochs of records for them (inserts, upserts, deletes, NULLs,
/// ties, late and malformed ones), up to five views and ad-hoc queries over the views. With 1, 2 and 4 workers, random batches and a
/// random order of messages, each view and query must equal PostgreSQL's answer after each epoch, and after a replay in one epoch.
/// A failing case is made smaller before it is shown: commit what is printed as a file of Tests/Seeds.
@Suite("Pipelines against PostgreSQL")
struct PipelineOracleTests {
    /// Cases of `make test` and of `make oracle`; each has about four views and queries.
    static let cases = OracleScale.count("ORACLE_PIPELINES", quick: quickCases, full: 1500)
    private static let quickCases = 320

    /// How often each of ``Features/all`` must have come up, at some epoch, in views and queries that had rows with a value.
    static let exercisedMin = cases >= 1500 ? 20 : cases >= quickCases ? 1 : 0
    /// Features that may come up less often: in so few cases as `make test` has, a few.
    static let rareMax = cases >= 1500 ? 0 : 5

    @Test("views and queries are equal at every epoch, for 1, 2 and 4 workers, and after a replay")
    func equal() throws {
        let first = OracleScale.seed
        var refusals: [String: Int] = [:]
        var exercised: [String: Int] = [:]
        var failures = 0
        for seed in first..<(first + UInt64(Self.cases)) {
            let item = Self.pipeline(seed: seed)
            let check = try PipelineCheck.run(item)
            refusals.merge(check.refusals, uniquingKeysWith: +)
            exercised.merge(check.exercised, uniquingKeysWith: +)
            guard let difference = check.difference else { continue }
            failures += 1
            let smaller = try Shrinker.shrink(seed: seed)
            Issue.record("seed \(seed), \(check.view ?? ""): \(difference)\n\(smaller.description)")
            if failures == 5 { break }
        }
        print("pipelines: seeds \(first) to \(first + UInt64(Self.cases) - 1), exercised \(exercised.count) features")
        if failures == 0 {
            let rare = Features.all.filter { exercised[$0, default: 0] < Self.exercisedMin }
            #expect(
                rare.count <= Self.rareMax, "seldom exercised: \(rare.map { "\($0) \(exercised[$0, default: 0])" })")
        }
        for (text, count) in exercised.sorted(by: { $0.value > $1.value }) where OracleScale.isVerbose {
            print("  \(count)\t\(text)")
        }
        for (text, count) in refusals.sorted(by: { $0.value > $1.value }).prefix(40) where OracleScale.isVerbose {
            print("refused \(count)\t\(text)")
        }
    }

    @Test("cases that once failed", arguments: Files.list("Tests/Seeds"))
    func once(_ path: String) throws {
        let item = try JSONDecoder().decode(PipelineCase.self, from: Data(try Files.read(path).utf8))
        #expect(try PipelineCheck.run(item).difference == nil, "\(path)")
    }

    static func pipeline(seed: UInt64) -> PipelineCase {
        var views = Choices(seed: seed)
        return pipeline(seed: seed, &views)
    }

    /// Tables and records come from the seed alone, the views from the choices.
    static func pipeline(seed: UInt64, _ views: inout Choices) -> PipelineCase {
        var rows = Choices(seed: seed ^ 0x5EED)
        let tables = DataGenerator.tables(&rows)
        let epochs = DataGenerator.epochs(tables, &rows)
        return PipelineCase(tables: tables, epochs: epochs, views: PipelineGenerator.views(tables, &views), seed: seed)
    }
}
