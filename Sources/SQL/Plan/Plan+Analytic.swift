internal import Dataflow

/// Operators over one input whose rules are all here: what they give, what can go below them, and which columns they need.
enum Analytic: Hashable {
    case expand(OperatorKind.Expand)
    case session(OperatorKind.Session)
    case over(OperatorKind.Over)
    case temporal(OperatorKind.Temporal)
    /// The first rows by ranks, which peers share. (By row numbers it is a plan of its own.)
    case top(OperatorKind.TopN)

    /// The output's types over an input of these.
    func types(_ input: [DataType]) -> [DataType] {
        switch self {
        case .expand(let expand):
            input + expand.functions.flatMap(\.types) + (expand.hasOrdinality ? [.bigint] : [])
        case .session(let session):
            input + [DataType](repeating: input[session.time], count: session.emitsEnd ? 2 : 1)
        case .over(let over): input + over.calls.map(\.type)
        case .temporal: input
        case .top(let top): input + (top.emitsRowNumber ? [.bigint] : [])
        }
    }

    /// About how many rows come of one, for the order of joins.
    var rowsPerRow: Double {
        switch self {
        case .expand: 10
        case .session, .over: 1
        case .temporal: 0.5
        case .top: 0.1
        }
    }

    /// Whether a condition over the output is the same below, where it names input columns only.
    func isBelow(_ condition: Expression, inputCount: Int) -> Bool {
        let used = condition.columnsUsed
        switch self {
        case .expand(let expand): return !expand.keepsEmpty && used.allSatisfy { $0 < inputCount }
        case .session(let session): return !used.isEmpty && used.isSubset(of: session.partitionBy)
        case .over(let over): return !used.isEmpty && used.isSubset(of: over.partitionBy)
        case .temporal: return true
        case .top(let top): return !used.isEmpty && used.isSubset(of: top.partitionBy)
        }
    }

    /// The input columns without which `needed` ones of the output cannot be; nil for all, since they break ties.
    func inputsNeeded(_ needed: Set<Int>, inputCount: Int) -> Set<Int>? {
        let own = needed.filter { $0 < inputCount }
        switch self {
        case .expand(let expand):
            return expand.functions.flatMap(\.arguments).reduce(into: Set(own)) { $0.formUnion($1.columnsUsed) }
        case .session(let session): return Set(own).union(session.partitionBy).union([session.time])
        case .over: return nil
        case .temporal(let temporal): return Set(own).union(temporal.bounds.map(\.column))
        case .top(let top): return Set(own).union(top.partitionBy).union(top.orderBy.map(\.column))
        }
    }

    /// The same over an input whose columns have other numbers.
    func mappingColumns(_ number: (Int) -> Int) -> Analytic {
        switch self {
        case .expand(var expand):
            for index in expand.functions.indices {
                expand.functions[index].arguments = expand.functions[index].arguments.map { $0.mappingColumns(number) }
            }
            return .expand(expand)
        case .session(var session):
            session.partitionBy = session.partitionBy.map(number)
            session.time = number(session.time)
            return .session(session)
        case .over(var over):
            over.partitionBy = over.partitionBy.map(number)
            over.orderBy = over.orderBy.map {
                SortKey(column: number($0.column), descending: $0.descending, nullsFirst: $0.nullsFirst)
            }
            over.calls = over.calls.map { $0.mappingColumns(number) }
            return .over(over)
        case .temporal(var temporal):
            for index in temporal.bounds.indices {
                temporal.bounds[index].column = number(temporal.bounds[index].column)
            }
            return .temporal(temporal)
        case .top(var top):
            top.partitionBy = top.partitionBy.map(number)
            top.orderBy = top.orderBy.map {
                SortKey(column: number($0.column), descending: $0.descending, nullsFirst: $0.nullsFirst)
            }
            return .top(top)
        }
    }

    /// Without results that nothing needs: a session's end, a rank.
    func narrowed(_ needed: Set<Int>, inputCount: Int) -> Analytic {
        switch self {
        case .session(var session) where session.emitsEnd && !needed.contains(inputCount + 1):
            session.emitsEnd = false
            return .session(session)
        case .top(var top) where top.emitsRowNumber && !needed.contains(inputCount):
            top.emitsRowNumber = false
            return .top(top)
        default: return self
        }
    }
}
