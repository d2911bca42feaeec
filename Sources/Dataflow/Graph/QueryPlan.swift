/// An ad-hoc query: a graph over scans, and how its rows are presented.
package struct QueryPlan: Hashable, Sendable, Codable {
    package var graph: Graph
    /// The node whose rows are the answer.
    package var output: OperatorID
    /// The columns shown: the first `columns.count` of the output; further ones are for ordering only.
    package var columns: [ColumnSchema]
    /// Ties are broken by all columns, so an answer is determined also without ORDER BY.
    package var orderBy: [SortKey]
    package var limit: Int?
    package var offset: Int

    package init(
        graph: Graph, output: OperatorID, columns: [ColumnSchema], orderBy: [SortKey] = [], limit: Int? = nil,
        offset: Int = 0
    ) {
        self.graph = graph
        self.output = output
        self.columns = columns
        self.orderBy = orderBy
        self.limit = limit
        self.offset = offset
    }
}

/// The clock in expressions: a call without arguments, which only a query's plan may hold.
extension Expression {
    package static let now = Expression.call("now()", [], type: .timestamptz)

    /// Whether the value depends on the clock.
    package var readsClock: Bool {
        switch self {
        case .column, .literal: false
        case .call(let key, let operands, _): key == "now()" || operands.contains(where: \.readsClock)
        case .and(let operands), .or(let operands), .coalesce(let operands, _): operands.contains(where: \.readsClock)
        case .not(let operand), .isNull(let operand): operand.readsClock
        case .branches(let branches, let otherwise, _):
            otherwise.readsClock || branches.contains { $0.condition.readsClock || $0.value.readsClock }
        }
    }

    /// With the clock's time in the clock's place.
    fileprivate func at(clock: Datum) -> Expression {
        func list(_ operands: [Expression]) -> [Expression] { operands.map { $0.at(clock: clock) } }
        switch self {
        case .column, .literal: return self
        case .call("now()", _, let type): return .literal(clock, type: type)
        case .call(let key, let operands, let type): return .call(key, list(operands), type: type)
        case .and(let operands): return .and(list(operands))
        case .or(let operands): return .or(list(operands))
        case .coalesce(let operands, let type): return .coalesce(list(operands), type: type)
        case .not(let operand): return .not(operand.at(clock: clock))
        case .isNull(let operand): return .isNull(operand.at(clock: clock))
        case .branches(let branches, let otherwise, let type):
            return .branches(
                branches.map {
                    Branch(condition: $0.condition.at(clock: clock), value: $0.value.at(clock: clock))
                }, otherwise: otherwise.at(clock: clock), type: type)
        }
    }
}

extension OperatorKind {
    /// The expressions over the input's columns.
    package var expressions: [Expression] {
        switch self {
        case .filter(let condition): [condition]
        case .project(let expressions): expressions
        case .expand(let expand): expand.functions.flatMap(\.arguments)
        case .join(let join): [join.condition].compactMap { $0 }
        default: []
        }
    }

    fileprivate func mapping(_ change: (Expression) -> Expression) -> OperatorKind {
        switch self {
        case .filter(let condition): return .filter(change(condition))
        case .project(let expressions): return .project(expressions.map(change))
        case .expand(var expand):
            for index in expand.functions.indices {
                expand.functions[index].arguments = expand.functions[index].arguments.map(change)
            }
            return .expand(expand)
        case .join(var join):
            join.condition = join.condition.map(change)
            return .join(join)
        default: return self
        }
    }
}

extension QueryPlan {
    /// Whether the answer depends on the clock.
    package var readsClock: Bool {
        graph.nodes.contains { node in node.kind.expressions.contains(where: \.readsClock) }
    }

    /// The plan at a time of the clock, in microseconds since 1970; NULL where there has been no tick.
    package func at(clock: Int64?) -> QueryPlan {
        guard readsClock else { return self }
        var plan = self
        for index in plan.graph.nodes.indices {
            plan.graph.nodes[index].kind = plan.graph.nodes[index].kind.mapping {
                $0.at(clock: clock.map { .timestamptz($0) } ?? .null)
            }
        }
        return plan
    }
}
