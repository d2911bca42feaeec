package import Dataflow

/// A statement of a text, parsed but not bound.
package struct ParsedStatement {
    /// The statement as typed, without what is around it.
    package let text: String
    /// 1-based, in characters: where it begins in the user's text.
    package let position: Int
    let syntax: StatementSyntax
    let map: SourceMap
}

/// What a statement asks for.
package enum BoundStatement {
    case create(Deployment, ifNotExists: Bool)
    /// A CREATE … IF NOT EXISTS of a name that is taken, or a DROP IF EXISTS of one that is not there: nothing to do.
    case nothing(notice: String)
    /// With what depends on them, dependents first.
    case drop(names: [String])
    /// With the relations to scan, sorted.
    case query(QueryPlan, relations: [String])
    case insert(InsertPlan)
    /// The lines of a plan.
    case explain([String])
    /// A query to run, and the lines of its plan, to which what its operators did belongs.
    case analyze(QueryPlan, relations: [String], [PlanLine])
    case show(ShowResult)
}

/// Text to parsed statements to what they ask for, against a catalog. Pure and thread-safe.
package enum SQLCompiler {
    /// Cuts the text into statements and parses each; the first error is thrown.
    package static func parse(_ text: String) throws(SQLError) -> [ParsedStatement] {
        let bytes = Array(text.utf8)
        var statements: [ParsedStatement] = []
        // The statement that is being parsed, for its error's position.
        var current = SourceMap(original: [], charactersBefore: 0)
        do throws(Failure) {
            try DeepStack.run { () throws(Failure) in
                var characters = 0
                var counted = 0
                for (range, tokens) in Parser.split(bytes) {
                    characters += SourceMap.characters(bytes[counted..<range.lowerBound])
                    counted = range.lowerBound
                    current = SourceMap(original: Array(bytes[range]), charactersBefore: characters)
                    let syntax = try Parser.parse(tokens, &current)
                    statements.append(
                        ParsedStatement(
                            text: String(decoding: bytes[range], as: UTF8.self), position: characters + 1,
                            syntax: syntax,
                            map: current))
                }
            }
        } catch {
            throw current.error(error)
        }
        return statements
    }

    /// Binds a statement against what there is.
    package static func bind(_ statement: ParsedStatement, catalog: Catalog) throws(SQLError) -> BoundStatement {
        do throws(Failure) {
            return try DeepStack.run { () throws(Failure) in try bind(statement.syntax, statement.text, catalog) }
        } catch {
            throw statement.map.error(error)
        }
    }

    private static func bind(_ syntax: StatementSyntax, _ text: String, _ catalog: Catalog) throws(Failure)
        -> BoundStatement
    {
        switch syntax {
        case .query(let query):
            let (plan, relations, _) = try ViewBinder.bind(query, catalog: catalog)
            return .query(plan, relations: relations)
        case .insert(let insert): return .insert(try InsertBinder.bind(insert, catalog: catalog))
        case .show(let name, let location): return .show(try ShowBinder.bind(name, location, catalog: catalog))
        case .drop(let drop):
            let names = try DropBinder.bind(drop, catalog: catalog)
            return names.isEmpty
                ? .nothing(notice: "there is nothing of that name to drop, skipping") : .drop(names: names)
        case .explain(let inner, isAnalyze: false): return .explain(try explain(inner, text, catalog).map(\.text))
        case .explain(.query(let query), isAnalyze: true):
            let (plan, relations, _) = try ViewBinder.bind(query, catalog: catalog)
            return .analyze(plan, relations: relations, try explain(.query(query), text, catalog))
        case .explain:
            throw .unsupported(
                "EXPLAIN ANALYZE of this statement", at: 0,
                hint: "EXPLAIN ANALYZE SELECT * FROM view also shows what the view's operators have done.")
        case .createTable, .createView, .createSink: break
        }
        guard let (name, ifNotExists) = created(syntax) else { preconditionFailure("not a CREATE statement") }
        if catalog[name.text] != nil {
            if ifNotExists { return .nothing(notice: "relation \"\(name.text)\" already exists, skipping") }
            throw Failure("42P07", "relation \"\(name.text)\" already exists", at: name.location)
        }
        return .create(try create(syntax, text, catalog).0, ifNotExists: ifNotExists)
    }

    private static func created(_ syntax: StatementSyntax) -> (name: NameSyntax, ifNotExists: Bool)? {
        switch syntax {
        case .createTable(let create): (create.name, create.ifNotExists)
        case .createSink(let create): (create.name, create.ifNotExists)
        case .createView(let create): (create.name, create.ifNotExists)
        case .drop, .insert, .query, .explain, .show: nil
        }
    }

    /// Names that statements cannot give.
    private static func checkName(_ name: NameSyntax) throws(Failure) {
        if name.qualifier != nil {
            throw .unsupported(
                "a schema in the name of a new relation", at: name.location, hint: "Names have one part.")
        }
        if name.name.hasPrefix("_dataprism") || name.name.hasSuffix(".dead") {
            throw Failure("42939", "relation name \"\(name.name)\" is reserved", at: name.location)
        }
    }

    private static func create(_ syntax: StatementSyntax, _ text: String, _ catalog: Catalog) throws(Failure) -> (
        Deployment, Lowering
    ) {
        if let (name, _) = created(syntax) { try checkName(name) }
        switch syntax {
        case .createTable(let create): return try TableBinder.bind(create, text, catalog: catalog)
        case .createSink(let create): return try ViewBinder.bind(create, text, catalog: catalog)
        case .createView(let create): return try ViewBinder.bind(create, text, catalog: catalog)
        case .drop, .insert, .query, .explain, .show: preconditionFailure("not a CREATE statement")
        }
    }

    private static func explain(_ syntax: StatementSyntax, _ text: String, _ catalog: Catalog) throws(Failure)
        -> [PlanLine]
    {
        switch syntax {
        case .query(let query):
            let (plan, _, lowering) = try ViewBinder.bind(query, catalog: catalog)
            return Explanation.presentation(of: plan).map { PlanLine(text: $0) }
                + Explanation.lines(from: plan.output, lowering).map { $0.indented(1) }
        case .createTable, .createView, .createSink:
            let (deployment, lowering) = try create(syntax, text, catalog)
            let head = [PlanLine(text: "View \(deployment.relation.name), inlined where it is named")]
            guard let root = deployment.graph.nodes.last?.id ?? lowering.root else { return head }
            let lines = Explanation.lines(from: root, lowering)
            return deployment.graph.nodes.isEmpty ? head + lines.map { $0.indented(1) } : lines
        case .drop, .insert, .explain, .show: throw .unsupported("EXPLAIN of this statement", at: 0)
        }
    }
}
