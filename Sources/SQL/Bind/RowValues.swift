internal import Dataflow

/// Comparisons of row values, `(a, b) < (c, d)`, as what they stand for: comparisons of their fields, left to right.
enum RowValues {
    /// The same without row values at its top; nil if it has none there.
    static func rewritten(_ syntax: ExpressionSyntax) throws(Failure) -> ExpressionSyntax? {
        let location = syntax.location
        switch syntax.kind {
        case .binary(let symbol, let left, let right):
            if case .row(let lefts) = left.kind, case .subquery(let query) = right.kind, !lefts.isEmpty {
                let rights = lefts.indices.map { index in
                    ExpressionSyntax(kind: .subqueryColumn(query, index, count: lefts.count), location: location)
                }
                return try compared(symbol, lefts, rights, location)
            }
            guard let (lefts, rights) = try fields(left, right, location) else { return nil }
            return try compared(symbol, lefts, rights, location)
        case .isDistinct(let left, let right, let negated):
            guard let (lefts, rights) = try fields(left, right, location) else { return nil }
            let tests = zip(lefts, rights).map { left, right in
                ExpressionSyntax(kind: .isDistinct(left, right, negated: negated), location: location)
            }
            return joined(tests, isAnd: negated, location)
        case .isIn(let operand, let items, let negated):
            guard case .row = operand.kind else { return nil }
            var tests: [ExpressionSyntax] = []
            for item in items {
                guard let (lefts, rights) = try fields(operand, item, location) else { return nil }
                tests.append(try compared("=", lefts, rights, location))
            }
            let test = joined(tests, isAnd: false, location)
            return negated ? ExpressionSyntax(kind: .not(test), location: location) : test
        case .between(let operand, let low, let high, let negated, symmetric: false):
            guard case .row = operand.kind, let least = try fields(operand, low, location),
                let most = try fields(operand, high, location)
            else { return nil }
            let test = joined(
                [
                    try compared(">=", least.left, least.right, location),
                    try compared("<=", most.left, most.right, location),
                ], isAnd: true, location)
            return negated ? ExpressionSyntax(kind: .not(test), location: location) : test
        case .isNull(let operand, let negated):
            // Of a row both mean all of its fields.
            guard case .row(let items) = operand.kind else { return nil }
            return joined(
                items.map { ExpressionSyntax(kind: .isNull($0, negated: negated), location: location) }, isAnd: true,
                location)
        default: return nil
        }
    }

    private static func fields(
        _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ location: Int
    ) throws(Failure) -> (left: [ExpressionSyntax], right: [ExpressionSyntax])? {
        guard case .row(let lefts) = left.kind, case .row(let rights) = right.kind else { return nil }
        guard lefts.count == rights.count else {
            throw Failure("42601", "unequal number of entries in row expressions", at: location)
        }
        guard !lefts.isEmpty else { throw .unsupported("a comparison of rows of zero length", at: location) }
        return (lefts, rights)
    }

    private static func compared(
        _ symbol: String, _ lefts: [ExpressionSyntax], _ rights: [ExpressionSyntax], _ location: Int
    ) throws(Failure) -> ExpressionSyntax {
        func test(_ symbol: String, _ index: Int) -> ExpressionSyntax {
            ExpressionSyntax(kind: .binary(symbol, lefts[index], rights[index]), location: location)
        }
        let last = lefts.count - 1
        switch symbol {
        case "=": return joined(lefts.indices.map { test("=", $0) }, isAnd: true, location)
        case "<>": return joined(lefts.indices.map { test("<>", $0) }, isAnd: false, location)
        case "<", ">", "<=", ">=":
            // The first pair that differs decides; if none does, the last one.
            var result = test(symbol, last)
            let strict = String(symbol.prefix(1))
            for index in (0..<last).reversed() {
                result = joined(
                    [test(strict, index), joined([test("=", index), result], isAnd: true, location)], isAnd: false,
                    location)
            }
            return result
        default:
            throw Failure(
                "0A000", "could not determine interpretation of row comparison operator \(symbol)", at: location)
        }
    }

    private static func joined(_ tests: [ExpressionSyntax], isAnd: Bool, _ location: Int) -> ExpressionSyntax {
        tests.count == 1 ? tests[0] : ExpressionSyntax(kind: isAnd ? .and(tests) : .or(tests), location: location)
    }
}
