internal import Dataflow

extension Expression {
    /// The operands, in order.
    var children: [Expression] {
        switch self {
        case .column, .literal: []
        case .call(_, let arguments, _): arguments
        case .and(let operands), .or(let operands), .coalesce(let operands, _): operands
        case .not(let operand), .isNull(let operand): [operand]
        case .branches(let branches, let otherwise, _): branches.flatMap { [$0.condition, $0.value] } + [otherwise]
        }
    }

    /// The same operation over other operands; `children` has as many as ``children``.
    func with(children: [Expression]) -> Expression {
        switch self {
        case .column, .literal: return self
        case .call(let key, _, let type): return .call(key, children, type: type)
        case .and: return .and(children)
        case .or: return .or(children)
        case .coalesce(_, let type): return .coalesce(children, type: type)
        case .not: return .not(children[0])
        case .isNull: return .isNull(children[0])
        case .branches(let branches, _, let type):
            let pairs = branches.indices.map { Branch(condition: children[$0 * 2], value: children[$0 * 2 + 1]) }
            return .branches(pairs, otherwise: children[branches.count * 2], type: type)
        }
    }

    /// Replaces top-down: where `replace` gives an expression, it stands; else the operands are gone through.
    func rewriting(_ replace: (Expression) -> Expression?) -> Expression {
        if let replaced = replace(self) { return replaced }
        let children = children
        return children.isEmpty ? self : with(children: children.map { $0.rewriting(replace) })
    }

    /// Renumbers the columns.
    func mappingColumns(_ number: (Int) -> Int) -> Expression {
        rewriting { expression in
            guard case .column(let index, let type) = expression else { return nil }
            return .column(number(index), type: type)
        }
    }

    /// Puts expressions in the places of columns; those of a query around it stay.
    func substituting(_ expressions: [Expression]) -> Expression {
        rewriting { expression in
            guard case .column(let index, _) = expression, index < expressions.count else { return nil }
            return expressions[index]
        }
    }

    var columnsUsed: Set<Int> {
        var used: Set<Int> = []
        collectColumns(into: &used)
        return used
    }

    private func collectColumns(into used: inout Set<Int>) {
        if case .column(let index, _) = self {
            used.insert(index)
        } else {
            for child in children { child.collectColumns(into: &used) }
        }
    }

    /// Whether a function is called anywhere in it.
    func calls(_ key: String) -> Bool {
        if case .call(key, _, _) = self { return true }
        return children.contains { $0.calls(key) }
    }

    var columnIndex: Int? {
        if case .column(let index, _) = self { return index }
        return nil
    }

    var literalValue: Datum? {
        if case .literal(let datum, _) = self { return datum }
        return nil
    }

    /// The operands of a conjunction, those of nested ones included.
    var conjuncts: [Expression] {
        if case .and(let operands) = self { return operands.flatMap(\.conjuncts) }
        return [self]
    }
}
