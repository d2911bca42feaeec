import Dataflow
import Glibc
import SQL
import Testing

/// A catalog that statements are applied to, as the control log's fold does it.
struct Pipeline {
    var catalog = Catalog()
    private var check = GraphCheck()

    init() {}

    /// Binds the statements of a text, applying what creates and drops; gives what each asked for.
    @discardableResult
    mutating func run(_ text: String) throws(SQLError) -> [BoundStatement] {
        var results: [BoundStatement] = []
        for statement in try SQLCompiler.parse(text) {
            let bound = try SQLCompiler.bind(statement, catalog: catalog)
            switch bound {
            case .create(var deployment, _):
                deployment.relation.sequence = Int64(catalog.relations.count)
                catalog.apply(deployment)
                check.check(deployment.graph.nodes)
                #expect(check.problems.isEmpty, "\(statement.text)")
            case .drop(let names): for name in names { catalog.remove(name) }
            case .query(let plan, _):
                var query = GraphCheck()
                query.check(plan.graph.nodes)
                let shown = query.types[plan.output]?.prefix(plan.columns.count).map { $0 }
                #expect(query.problems.isEmpty && shown == plan.columns.map(\.type), "\(statement.text)")
            case .nothing, .insert, .explain, .analyze, .show: break
            }
            results.append(bound)
        }
        return results
    }

    /// The plan of the last statement of a text.
    mutating func explain(_ text: String) throws(SQLError) -> String {
        guard case .explain(let lines) = try run("EXPLAIN " + text).last else { return "no plan" }
        return lines.joined(separator: "\n")
    }

    /// The error of a text; nil if there is none.
    func error(_ text: String) -> SQLError? {
        var copy = self
        do throws(SQLError) {
            try copy.run(text)
            return nil
        } catch {
            return error
        }
    }
}

enum Files {
    /// A file of the repository.
    static func read(_ path: String) -> String? {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        guard let file = fopen("/\(root)/\(path)", "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
