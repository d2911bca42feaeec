internal import Dataflow

/// Chooses among overloaded functions and operators by PostgreSQL's rules (its manual, chapter 10).
enum Resolution {
    enum Outcome {
        case found(ScalarFunction)
        case ambiguous
        case none
    }

    /// `types` has nil for an unknown literal.
    static func choose(_ candidates: [ScalarFunction], _ types: [DataType?], isOperator: Bool) -> Outcome {
        let sized = candidates.filter { $0.arguments.count == types.count }
        // PostgreSQL's operators of a real and another number are those of double precision.
        if isOperator, types.count == 2, types.contains(.real), types[0] != types[1],
            types.allSatisfy({ $0?.isNumeric ?? false })
        {
            return choose(candidates, types.map { $0 == .real ? .double : $0 }, isOperator: true)
        }
        if let exact = sized.first(where: { $0.arguments == types }) { return .found(exact) }
        // One unknown operand of a binary operator is first tried as the other's type.
        if isOperator, types.count == 2, let known = types[0] ?? types[1], types.contains(where: { $0 == nil }),
            let exact = sized.first(where: { $0.arguments == [known, known] })
        {
            return .found(exact)
        }
        var left = sized.filter { candidate in
            zip(types, candidate.arguments).allSatisfy { from, to in
                // PostgreSQL's operators of arrays take any, but both of one type; only || finds a common one.
                if isOperator, candidate.name != "||", to.element != nil, let from, from != to { return false }
                return Coercion.isPossible(from: from, to: to)
            }
        }
        if let found = single(left) { return found }
        left = best(left) { candidate in zip(types, candidate.arguments).filter { $0 == $1 }.count }
        if let found = single(left) { return found }
        left = best(left) { candidate in
            zip(types, candidate.arguments).filter { from, to in
                guard let from else { return false }
                return from == to || isPreferred(to) && category(from) == category(to)
            }
            .count
        }
        if let found = single(left) { return found }
        return byUnknowns(left, types)
    }

    private static func single(_ candidates: [ScalarFunction]) -> Outcome? {
        if candidates.isEmpty { return Outcome.none }
        return candidates.count == 1 ? .found(candidates[0]) : nil
    }

    private static func best(_ candidates: [ScalarFunction], _ score: (ScalarFunction) -> Int) -> [ScalarFunction] {
        let most = candidates.map(score).max() ?? 0
        return candidates.filter { score($0) == most }
    }

    /// Decides by what the candidates want in place of the unknown literals.
    private static func byUnknowns(_ candidates: [ScalarFunction], _ types: [DataType?]) -> Outcome {
        var left = candidates
        for index in types.indices where types[index] == nil {
            let categories = Set(left.map { category($0.arguments[index]) })
            let chosen: Category? =
                categories.contains(.string) ? .string : categories.count == 1 ? categories.first : nil
            guard let chosen else { return lastResort(candidates, types) }
            left = left.filter { category($0.arguments[index]) == chosen }
            let preferred = left.filter { isPreferred($0.arguments[index]) }
            if !preferred.isEmpty { left = preferred }
        }
        return single(left) ?? lastResort(left, types)
    }

    /// If all known operands are of one type, the unknown ones are taken to be of it too.
    private static func lastResort(_ candidates: [ScalarFunction], _ types: [DataType?]) -> Outcome {
        let known = Set(types.compactMap { $0 })
        guard known.count == 1, let type = known.first else { return .ambiguous }
        let left = candidates.filter { candidate in
            zip(types, candidate.arguments).allSatisfy { Coercion.isPossible(from: $0 ?? type, to: $1) }
                && zip(types, candidate.arguments).allSatisfy { $0 != nil || $1 == type }
        }
        return single(left) ?? .ambiguous
    }

    enum Category { case boolean, number, string, time, span, array, other }

    static func category(_ type: DataType) -> Category {
        switch type {
        case .boolean: .boolean
        case .smallint, .integer, .bigint, .numeric, .real, .double: .number
        case .text, .character: .string
        case .date, .time, .timestamp, .timestamptz: .time
        case .interval: .span
        case .bytea, .uuid, .jsonb: .other
        case .array: .array
        }
    }

    static func isPreferred(_ type: DataType) -> Bool {
        switch type {
        case .boolean, .double, .text, .timestamptz, .interval: true
        default: false
        }
    }
}
