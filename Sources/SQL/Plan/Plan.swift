internal import Dataflow

/// A typed relational plan, before it is lowered. Column numbers are of the input named.
indirect enum Plan: Hashable {
    /// The rows of a relation.
    case leaf(Leaf)
    case values([[Datum]], types: [DataType])
    case filter(Plan, Expression)
    case project(Plan, [Expression])
    /// Every pair; the conditions are filters above it until the join rule has run.
    case cross(Plan, Plan, location: Int)
    case join(Plan, Plan, Join)
    case aggregate(Plan, groupBy: [Int], calls: [AggregateCall])
    /// The input's columns and the row's number in its partition. Has to become a top-n.
    case rowNumber(Plan, partitionBy: [Int], orderBy: [SortKey], location: Int)
    case topN(Plan, partitionBy: [Int], orderBy: [SortKey], limit: Int, emitsRowNumber: Bool)
    case unionAll([Plan])
    /// Each row as often as its last column, a bigint, says; that column goes.
    case repeated(Plan)
    /// A part of the query that is named more than once: it stays as it is, so that it is computed once.
    case shared(Plan)
    case analytic(Plan, Analytic)

    /// What a plan reads.
    struct Leaf: Hashable {
        /// The name that a scan uses.
        var name: String
        /// The node that a maintained view reads; nil where only a scan is possible.
        var node: OperatorID?
        var names: [String]
        var types: [DataType]
        var isNullable: [Bool]
        var isAppendOnly: Bool
        var key: [Int]
        var eventTimes: [EventTimeColumn]
        /// The rows are on the worker that owns their key: so an upsert table's are.
        var isPlacedByKey = false
    }

    /// A join as ``OperatorKind/Join`` has it, before it is known how long state is kept. Until the join rules have run, one that is
    /// not inner has all of its equalities in `condition`.
    struct Join: Hashable {
        var kind: OperatorKind.Join.Kind
        var leftKeys: [Int] = []
        var rightKeys: [Int] = []
        var nullSafe: [Int] = []
        /// Over the left columns, then the right ones.
        var condition: Expression?
        /// Where the right side is named; −1 if unknown, ``Plan/unwritten`` if nowhere.
        var location = -1
    }

    /// The place of a product that the user has not written: it stands for a sub-query's condition.
    static let unwritten = -2

    var types: [DataType] {
        switch self {
        case .leaf(let leaf): leaf.types
        case .values(_, let types): types
        case .filter(let input, _): input.types
        case .project(_, let expressions): expressions.map(\.type)
        case .cross(let left, let right, _): left.types + right.types
        case .join(let left, let right, let join): join.kind.isWide ? left.types + right.types : left.types
        case .aggregate(let input, let groupBy, let calls):
            {
                let types = input.types
                return groupBy.map { types[$0] } + calls.map(\.type)
            }()
        case .rowNumber(let input, _, _, _): input.types + [.bigint]
        case .topN(let input, _, _, _, let emitsRowNumber): input.types + (emitsRowNumber ? [.bigint] : [])
        case .unionAll(let inputs): inputs[0].types
        case .repeated(let input): input.types.dropLast()
        case .shared(let input): input.types
        case .analytic(let input, let analytic): analytic.types(input.types)
        }
    }

    /// Every column of the plan as an expression over it.
    var columns: [Expression] { types.enumerated().map { .column($0.offset, type: $0.element) } }

    /// The input with the condition on top; none for the constant true.
    static func filtered(_ input: Plan, _ conjuncts: [Expression]) -> Plan {
        let conjuncts = conjuncts.filter { $0 != .literal(.boolean(true), type: .boolean) }
        guard let first = conjuncts.first else { return input }
        return .filter(input, conjuncts.count == 1 ? first : .and(conjuncts))
    }

    /// The input with these columns only; itself where they are all of it, in order.
    static func selecting(_ input: Plan, _ columns: [Int]) -> Plan {
        let types = input.types
        if columns == Array(types.indices) { return input }
        return .project(input, columns.map { .column($0, type: types[$0]) })
    }
}
