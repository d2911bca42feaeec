internal import Dataflow

/// A table of FROM that is named as a whole.
struct TableColumns {
    var table: String
    var names: [String]
    /// An outer join may leave its row out.
    var isOptional: Bool
    /// A column that is NULL only where the row is left out.
    var firm: String?
}

/// Whole rows: a table's name where a value stands, `t.*` as an argument, `(t).column`. What can be said with the table's columns is
/// written so; a value of a row's own type is none here.
extension ExpressionBinder {
    /// The columns of a table of this query, or of one around it, by its name.
    func table(_ name: String) -> TableColumns? {
        let own = scope.columns.filter { $0.table == name }
        guard !own.isEmpty else { return outer?.table(name) }
        return TableColumns(
            table: name, names: own.filter { !$0.isHidden || $0.isMerged }.map(\.name),
            isOptional: own.contains(where: \.isOptional), firm: own.first(where: \.isFirm)?.name)
    }

    /// The table that an expression is the whole row of; nil of other expressions.
    func wholeRow(_ syntax: ExpressionSyntax) throws(Failure) -> TableColumns? {
        switch syntax.kind {
        case .star(let qualifier?):
            if let found = table(qualifier) { return found }
            _ = try scope.star(qualifier, at: syntax.location)
            return nil
        case .column(nil, let name):
            guard let found = table(name), whole(name, syntax.location) == nil else { return nil }
            do throws(Failure) {
                // A column of that name goes before.
                _ = try named(nil, name, syntax.location)
                return nil
            } catch {
                guard error.code == "42703" else { throw error }
                return found
            }
        default: return nil
        }
    }

    /// That a whole row stands where only its columns can.
    static func refusal(ofWholeRow name: String, at location: Int) -> Failure {
        .unsupported(
            "a whole row (\(name)) in this place", at: location,
            hint: "Name its columns, or make it a jsonb: to_jsonb(\(name)).")
    }

    // MARK: tests and comparisons

    /// A test of whole rows as one of their columns; nil of other expressions.
    func withoutWholeRows(_ syntax: ExpressionSyntax) throws(Failure) -> ExpressionSyntax? {
        let location = syntax.location
        switch syntax.kind {
        case .isNull(let operand, let negated):
            guard let row = try wholeRow(operand) else { return nil }
            let fields = ExpressionSyntax(kind: .row(Self.fields(row, location)), location: location)
            return ExpressionSyntax(kind: .isNull(fields, negated: negated), location: location)
        case .binary(let symbol, let left, let right) where Self.comparisons.contains(symbol):
            guard let same = try sameRows(left, right, location) else { return nil }
            guard symbol == "=" || symbol == "<>" else {
                throw .unsupported(
                    "an order of whole rows", at: location, hint: "Compare their columns: (t.a, t.b) < (u.a, u.b).")
            }
            let test = symbol == "=" ? same.test : ExpressionSyntax(kind: .not(same.test), location: location)
            guard let isThere = Self.conjunction(same.isThere.compactMap { $0 }, location) else { return test }
            return Self.choice(isThere, test, otherwise: nil, location)
        case .isDistinct(let left, let right, let negated):
            guard let same = try sameRows(left, right, location) else { return nil }
            var test = ExpressionSyntax(kind: .not(same.test), location: location)
            if let areThere = Self.conjunction(same.isThere.compactMap { $0 }, location) {
                let sides = same.isThere.map { $0 ?? ExpressionSyntax(kind: .boolean(true), location: location) }
                let isOne = ExpressionSyntax(kind: .binary("<>", sides[0], sides[1]), location: location)
                test = Self.choice(areThere, test, otherwise: isOne, location)
            }
            return negated ? ExpressionSyntax(kind: .not(test), location: location) : test
        default: return nil
        }
    }

    private static let comparisons: Set<String> = ["=", "<>", "<", "<=", ">", ">="]

    /// Whether two rows, of which at least one is a whole one, are of equal columns, where NULL equals NULL; and whether each is there.
    private func sameRows(_ left: ExpressionSyntax, _ right: ExpressionSyntax, _ location: Int) throws(Failure) -> (
        test: ExpressionSyntax, isThere: [ExpressionSyntax?]
    )? {
        let rows = (try wholeRow(left), try wholeRow(right))
        guard rows.0 != nil || rows.1 != nil else { return nil }
        guard let lefts = Self.fields(left, rows.0), let rights = Self.fields(right, rows.1) else { return nil }
        guard lefts.count == rights.count else {
            throw Failure("42804", "cannot compare record types with different numbers of columns", at: nil)
        }
        var tests: [ExpressionSyntax] = []
        for (index, pair) in zip(lefts, rights).enumerated() {
            let types = (try bind(pair.0).typeName, try bind(pair.1).typeName)
            guard types.0 == types.1 else {
                throw Failure(
                    "42804",
                    "cannot compare dissimilar column types \(types.0) and \(types.1) at record column \(index + 1)",
                    at: nil)
            }
            tests.append(ExpressionSyntax(kind: .isDistinct(pair.0, pair.1, negated: true), location: location))
        }
        let all = Self.conjunction(tests, location) ?? ExpressionSyntax(kind: .boolean(true), location: location)
        let isThere = [
            try rows.0.flatMap { (row) throws(Failure) in try presence(of: row, location) },
            try rows.1.flatMap { (row) throws(Failure) in try presence(of: row, location) },
        ]
        return (all, isThere)
    }

    private static func fields(_ row: TableColumns, _ location: Int) -> [ExpressionSyntax] {
        row.names.map { ExpressionSyntax(kind: .column(qualifier: row.table, name: $0), location: location) }
    }

    private static func fields(_ syntax: ExpressionSyntax, _ row: TableColumns?) -> [ExpressionSyntax]? {
        if let row { return fields(row, syntax.location) }
        if case .row(let items) = syntax.kind { return items }
        return nil
    }

    /// Whether the row is not left out by an outer join; nil if it never is.
    private func presence(of row: TableColumns, _ location: Int) throws(Failure) -> ExpressionSyntax? {
        guard row.isOptional else { return nil }
        guard let firm = row.firm else {
            throw .unsupported(
                "a whole row (\(row.table)) that an outer join may leave out, none of whose columns is NOT NULL",
                at: location, hint: "Name its columns.")
        }
        let column = ExpressionSyntax(kind: .column(qualifier: row.table, name: firm), location: location)
        return ExpressionSyntax(kind: .isNull(column, negated: true), location: location)
    }

    private static func conjunction(_ tests: [ExpressionSyntax], _ location: Int) -> ExpressionSyntax? {
        tests.count > 1 ? ExpressionSyntax(kind: .and(tests), location: location) : tests.first
    }

    private static func choice(
        _ condition: ExpressionSyntax, _ value: ExpressionSyntax, otherwise: ExpressionSyntax?, _ location: Int
    ) -> ExpressionSyntax {
        ExpressionSyntax(
            kind: .branches(operand: nil, [(condition: condition, value: value)], otherwise: otherwise),
            location: location)
    }

    // MARK: calls

    private static let jsonCalls: Set<String> = [
        "to_jsonb", "jsonb_agg", "jsonb_object_agg", "jsonb_build_array", "jsonb_build_object",
    ]

    /// A call that counts rows or makes them jsonb as one over columns.
    func withoutWholeRows(_ call: CallSyntax, _ location: Int) throws(Failure) -> CallSyntax {
        var result = call
        if call.name == "count", call.arguments.count == 1 {
            let argument = call.arguments[0]
            let row = try wholeRow(argument)
            guard let fields = Self.fields(argument, row) else { return call }
            let isThere = try row.flatMap { (row) throws(Failure) in try presence(of: row, location) }
            if !call.isDistinct, isThere == nil {
                (result.arguments, result.orderBy, result.isStar) = ([], [], true)
                return result
            }
            let value =
                call.isDistinct
                ? try identity(fields, location) : ExpressionSyntax(kind: .integer(1), location: location)
            result.arguments = [isThere.map { Self.choice($0, value, otherwise: nil, location) } ?? value]
        } else if Self.jsonCalls.contains(call.name) {
            for index in result.arguments.indices {
                result.arguments[index] = try json(result.arguments[index]) ?? result.arguments[index]
            }
        }
        return result
    }

    /// A value that is equal for rows of equal columns.
    private func identity(_ fields: [ExpressionSyntax], _ location: Int) throws(Failure) -> ExpressionSyntax {
        var items: [ExpressionSyntax] = []
        for field in fields {
            let type = try bind(field).type
            switch type {
            case .interval, .character:
                throw .unsupported(
                    "count(DISTINCT …) of rows with a column of type \(type?.name ?? "")", at: field.location,
                    hint: "Values of this type are equal though their texts differ.")
            case .real, .double:
                // There are two zeros.
                let zero = ExpressionSyntax(kind: .integer(0), location: location)
                items.append(ExpressionSyntax(kind: .binary("+", field, zero), location: location))
            case .jsonb:
                // Not to be taken for NULL where it is a null.
                let isNull = ExpressionSyntax(kind: .isNull(field, negated: true), location: location)
                items.append(
                    Self.choice(isNull, Self.call("jsonb_build_array", [field], location), otherwise: nil, location))
            default: items.append(field)
            }
        }
        return Self.call("to_jsonb", [try chunked("jsonb_build_array", items, location)], location)
    }

    /// A whole row, or a row of values, as an object; nil of other expressions.
    private func json(_ syntax: ExpressionSyntax) throws(Failure) -> ExpressionSyntax? {
        let location = syntax.location
        let row = try wholeRow(syntax)
        guard let fields = Self.fields(syntax, row) else { return nil }
        var members: [ExpressionSyntax] = []
        for (index, field) in fields.enumerated() {
            let name = row?.names[index] ?? "f\(index + 1)"
            members += [ExpressionSyntax(kind: .string(name), location: location), try json(field) ?? field]
        }
        let object = try chunked("jsonb_build_object", members, location)
        guard let row, let isThere = try presence(of: row, location) else { return object }
        return Self.choice(isThere, object, otherwise: nil, location)
    }

    /// The most arguments of one call: an even number that every function of any number of them takes.
    private static let argumentsMax = 100

    private func chunked(_ name: String, _ items: [ExpressionSyntax], _ location: Int) throws(Failure)
        -> ExpressionSyntax
    {
        var result = Self.call(name, Array(items.prefix(Self.argumentsMax)), location)
        for first in stride(from: Self.argumentsMax, to: items.count, by: Self.argumentsMax) {
            let next = Self.call(name, Array(items[first..<min(first + Self.argumentsMax, items.count)]), location)
            result = ExpressionSyntax(kind: .binary("||", result, next), location: location)
        }
        return result
    }

    private static func call(_ name: String, _ arguments: [ExpressionSyntax], _ location: Int) -> ExpressionSyntax {
        ExpressionSyntax(kind: .call(CallSyntax(name: name, arguments: arguments)), location: location)
    }
}
