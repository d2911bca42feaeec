/// A statement as written, of the kinds that are supported.
indirect enum StatementSyntax {
    case createTable(CreateTableSyntax)
    case createSink(CreateSinkSyntax)
    case createView(CreateViewSyntax)
    case drop(DropSyntax)
    case insert(InsertSyntax)
    case query(QuerySyntax)
    /// With `isAnalyze` the statement is run as well.
    case explain(StatementSyntax, isAnalyze: Bool)
    case show(name: String, location: Int)
}

/// The name of a relation; `orders.dead` has a qualifier.
struct NameSyntax {
    var qualifier: String?
    var name: String
    var location: Int

    var text: String { qualifier.map { "\($0).\(name)" } ?? name }
}

struct OptionSyntax {
    var name: String
    var value: String
    var location: Int
}

struct CreateTableSyntax {
    var name: NameSyntax
    var ifNotExists: Bool
    var columns: [ColumnSyntax]
    var primaryKey: [(name: String, location: Int)]
    var primaryKeyLocation: Int
    var options: [OptionSyntax]
    /// `CREATE SOURCE`, for messages.
    var isSource: Bool
}

struct ColumnSyntax {
    var name: String
    var type: TypeSyntax
    var isNotNull: Bool
    var location: Int
}

struct CreateSinkSyntax {
    var name: NameSyntax
    var ifNotExists: Bool
    var input: NameSyntax
    var options: [OptionSyntax]
}

struct CreateViewSyntax {
    var name: NameSyntax
    var ifNotExists: Bool
    var columns: [String]
    var query: QuerySyntax
    var isMaterialized: Bool
}

struct DropSyntax {
    /// What the statement says it drops.
    enum Kind: String { case table, source, sink, view, materializedView = "materialized view" }

    var kind: Kind
    var names: [NameSyntax]
    var ifExists: Bool
    var cascade: Bool
}

struct InsertSyntax {
    var table: NameSyntax
    var columns: [(name: String, location: Int)]
    var rows: [[ExpressionSyntax]]
}

/// A query with what belongs to all of it.
struct QuerySyntax {
    var with: [CommonTableSyntax]
    var body: Body
    var orderBy: [SortSyntax]
    var limit: ExpressionSyntax?
    var offset: ExpressionSyntax?
    /// `FETCH FIRST … ROWS WITH TIES`.
    var hasTies = false

    indirect enum Body {
        case select(SelectSyntax)
        case values([[ExpressionSyntax]])
        /// Two or more queries, combined from left to right.
        case set(SetOperation, isAll: Bool, [QuerySyntax])
    }
}

enum SetOperation: String { case union = "UNION", intersect = "INTERSECT", except = "EXCEPT" }

struct CommonTableSyntax {
    var name: String
    var columns: [String]
    var query: QuerySyntax
    var location: Int
}

struct SelectSyntax {
    var isDistinct: Bool
    /// `DISTINCT ON (…)`; nil without ON.
    var distinctOn: [ExpressionSyntax]?
    var items: [(expression: ExpressionSyntax, alias: String?)]
    var from: [FromSyntax]
    var condition: ExpressionSyntax?
    var groupBy: [ExpressionSyntax]
    /// GROUPING SETS, CUBE and ROLLUP as the sets they stand for, by places in `groupBy`; nil for one set of all.
    var groupingSets: [[Int]]?
    /// `GROUP BY DISTINCT`: equal sets are one.
    var areSetsDistinct = false
    var having: ExpressionSyntax?
    var windows: [(name: String, window: WindowSyntax)] = []
}

/// An element of FROM.
indirect enum FromSyntax {
    case relation(NameSyntax, AliasSyntax?)
    case subquery(QuerySyntax, AliasSyntax?, isLateral: Bool)
    case function(TableFunctionSyntax, AliasSyntax?, location: Int)
    case join(FromSyntax, FromSyntax, JoinKind, JoinCondition, AliasSyntax?)

    /// Where it begins; −1 if unknown.
    var location: Int {
        switch self {
        case .relation(let name, _): name.location
        case .subquery: -1
        case .function(_, _, let location): location
        case .join(let left, _, _, _, _): left.location
        }
    }

    enum JoinKind { case inner, left, right, full }

    enum JoinCondition {
        case cross
        case on(ExpressionSyntax)
        case using([String])
        case natural
    }
}

/// Functions in FROM: one, or those of ROWS FROM.
struct TableFunctionSyntax {
    var calls: [CallSyntax]
    var hasOrdinality: Bool
}

struct AliasSyntax {
    var name: String
    var columns: [String]
}
