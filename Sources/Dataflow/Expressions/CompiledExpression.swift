/// Why a graph cannot be run: it names something that this build does not have, or contradicts itself.
package struct GraphError: Error, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// An expression with its functions looked up, ready to evaluate batches.
///
/// A sub-expression that occurs more than once is evaluated once for a batch. Not thread-safe: literals are cached as columns. Each
/// operator has its own.
package final class CompiledExpression {
    package let type: DataType
    private let root: Node
    /// What the shared sub-expressions gave for the batch under way.
    private var shared: [(result: Column, errors: [RowError])?]

    private indirect enum Node {
        case column(Int)
        case literal(LiteralColumn)
        case call(ScalarFunction, [Node])
        case and([Node])
        case or([Node])
        case not(Node)
        case isNull(Node)
        case branches([(condition: Node, value: Node)], otherwise: Node, type: DataType)
        case coalesce([Node], type: DataType)
        /// The sub-expression of that number, which occurs elsewhere too.
        case shared(Int, Node)
    }

    /// A literal as a column: the beginning of the longest that was asked for.
    private final class LiteralColumn {
        let datum: Datum
        let type: DataType
        var longest: Column?

        init(_ datum: Datum, _ type: DataType) {
            self.datum = datum
            self.type = type
        }

        func column(count: Int) -> Column {
            if let longest, longest.count >= count { return longest.prefix(count) }
            let column = Column.repeating(datum, type: type, count: count)
            longest = column
            return column
        }
    }

    /// Looks up the functions; an unknown key is an error.
    package init(_ expression: Expression) throws(GraphError) {
        type = expression.type
        var compiler = Compiler(expression)
        root = try compiler.compile(expression)
        shared = Array(repeating: nil, count: compiler.numbers.count)
    }

    /// The column that the expression merely names, if it does no more.
    package var columnIndex: Int? {
        if case .column(let index) = root { return index }
        return nil
    }

    private struct Compiler {
        private var occurrences: [Expression: Int] = [:]
        /// The numbers of those that occur more than once and do some work.
        private(set) var numbers: [Expression: Int] = [:]

        init(_ root: Expression) { count(root) }

        private mutating func count(_ expression: Expression) {
            switch expression {
            case .column, .literal: return
            case .call(_, let operands, _), .and(let operands), .or(let operands), .coalesce(let operands, _):
                guard isFirst(expression) else { return }
                for operand in operands { count(operand) }
            case .not(let operand), .isNull(let operand):
                guard isFirst(expression) else { return }
                count(operand)
            case .branches(let branches, let otherwise, _):
                guard isFirst(expression) else { return }
                for branch in branches {
                    count(branch.condition)
                    count(branch.value)
                }
                count(otherwise)
            }
        }

        private mutating func isFirst(_ expression: Expression) -> Bool {
            occurrences[expression, default: 0] += 1
            return occurrences[expression] == 1
        }

        private mutating func list(_ operands: [Expression]) throws(GraphError) -> [Node] {
            var nodes: [Node] = []
            for operand in operands { nodes.append(try compile(operand)) }
            return nodes
        }

        mutating func compile(_ expression: Expression) throws(GraphError) -> Node {
            let node = try compileAlone(expression)
            guard occurrences[expression, default: 0] > 1 else { return node }
            let number = numbers[expression] ?? numbers.count
            numbers[expression] = number
            return .shared(number, node)
        }

        private mutating func compileAlone(_ expression: Expression) throws(GraphError) -> Node {
            switch expression {
            case .column(let index, _): return .column(index)
            case .literal(let datum, let type): return .literal(LiteralColumn(datum, type))
            case .call(let key, let arguments, _):
                guard let function = FunctionRegistry.function(key: key) else {
                    throw GraphError("the graph calls \(key), which this build does not have")
                }
                return .call(function, try list(arguments))
            case .and(let operands): return .and(try list(operands))
            case .or(let operands): return .or(try list(operands))
            case .not(let operand): return .not(try compile(operand))
            case .isNull(let operand): return .isNull(try compile(operand))
            case .coalesce(let operands, let type): return .coalesce(try list(operands), type: type)
            case .branches(let branches, let otherwise, let type):
                var compiled: [(condition: Node, value: Node)] = []
                for branch in branches { compiled.append((try compile(branch.condition), try compile(branch.value))) }
                return .branches(compiled, otherwise: try compile(otherwise), type: type)
            }
        }
    }

    /// Evaluates a batch: `columns` have `count` rows, and so has the result. Rows in error are NULL, and reported once each.
    package func evaluate(_ columns: [Column], count: Int, errors: inout [RowError]) -> Column {
        var found: [RowError] = []
        let result = evaluate(root, columns, count, &found)
        for number in shared.indices { shared[number] = nil }
        guard !found.isEmpty else { return result }
        var first: [Int: RowError] = [:]
        for error in found where first[error.row] == nil { first[error.row] = error }
        errors.append(contentsOf: first.values.sorted { $0.row < $1.row })
        return result.masked(by: Validity(count: count) { first[$0] == nil })
    }

    private func evaluate(_ node: Node, _ columns: [Column], _ count: Int, _ errors: inout [RowError]) -> Column {
        switch node {
        case .column(let index): return columns[index]
        case .literal(let literal): return literal.column(count: count)
        case .call(let function, let operands):
            let arguments = operands.map { evaluate($0, columns, count, &errors) }
            let before = errors.count
            var validity: Validity?
            if function.isStrict {
                for argument in arguments { validity = Validity.and(validity, argument.validity) }
            }
            let result = function.kernel(arguments, count, validity, &errors).masked(by: validity)
            return result.masked(without: errors[before...])
        case .not(let operand): return BooleanKernels.not(evaluate(operand, columns, count, &errors), count)
        case .isNull(let operand): return BooleanKernels.isNull(evaluate(operand, columns, count, &errors), count)
        case .and(let operands): return logical(operands, columns, count, &errors, deciding: 0)
        case .or(let operands): return logical(operands, columns, count, &errors, deciding: 1)
        case .branches(let branches, let otherwise, let type):
            return choose(branches, otherwise, type, columns, count, &errors)
        case .coalesce(let operands, let type): return coalesce(operands, type, columns, count, &errors)
        case .shared(let number, let node):
            if let known = shared[number] {
                errors.append(contentsOf: known.errors)
                return known.result
            }
            var found: [RowError] = []
            let result = evaluate(node, columns, count, &found)
            shared[number] = (result, found)
            errors.append(contentsOf: found)
            return result
        }
    }

    /// AND (`deciding` 0) and OR (1): an operand with that value decides the row. Errors in rows decided before do not count.
    private func logical(
        _ operands: [Node], _ columns: [Column], _ count: Int, _ errors: inout [RowError], deciding: UInt8
    ) -> Column {
        var result = evaluate(operands[0], columns, count, &errors)
        for operand in operands.dropFirst() {
            var operandErrors: [RowError] = []
            let other = evaluate(operand, columns, count, &operandErrors)
            let left = result
            for error in operandErrors
            where left.isNull(error.row) || left.withValues(as: UInt8.self, { $0[error.row] }) != deciding {
                errors.append(error)
            }
            result = deciding == 0 ? BooleanKernels.and(left, other, count) : BooleanKernels.or(left, other, count)
        }
        return result
    }

    private func choose(
        _ branches: [(condition: Node, value: Node)], _ otherwise: Node, _ type: DataType, _ columns: [Column],
        _ count: Int,
        _ errors: inout [RowError]
    ) -> Column {
        // Which of the values each row takes; the last is `otherwise`.
        var choice = [Int32](repeating: Int32(branches.count), count: count)
        var failed = [Bool](repeating: false, count: count)
        var values: [Column] = []
        var valueErrors: [[RowError]] = []
        for (number, branch) in branches.enumerated() {
            var conditionErrors: [RowError] = []
            let condition = evaluate(branch.condition, columns, count, &conditionErrors)
            for error in conditionErrors where choice[error.row] == Int32(branches.count) && !failed[error.row] {
                errors.append(error)
                failed[error.row] = true
            }
            condition.withValues(as: UInt8.self) { isTrue in
                for row in 0..<count
                where choice[row] == Int32(branches.count) && !failed[row] && isTrue[row] != 0 && !condition.isNull(row)
                {
                    choice[row] = Int32(number)
                }
            }
            var found: [RowError] = []
            values.append(evaluate(branch.value, columns, count, &found))
            valueErrors.append(found)
        }
        var found: [RowError] = []
        values.append(evaluate(otherwise, columns, count, &found))
        valueErrors.append(found)
        for (number, list) in valueErrors.enumerated() {
            for error in list where choice[error.row] == Int32(number) && !failed[error.row] { errors.append(error) }
        }
        return pick(values, choice)
    }

    private func coalesce(
        _ operands: [Node], _ type: DataType, _ columns: [Column], _ count: Int, _ errors: inout [RowError]
    ) -> Column {
        var choice = [Int32](repeating: -1, count: count)
        var values: [Column] = []
        for (number, operand) in operands.enumerated() {
            var found: [RowError] = []
            let value = evaluate(operand, columns, count, &found)
            for error in found where choice[error.row] < 0 {
                errors.append(error)
                choice[error.row] = Int32(number)
            }
            for row in 0..<count where choice[row] < 0 && !value.isNull(row) { choice[row] = Int32(number) }
            values.append(value)
        }
        for row in 0..<count where choice[row] < 0 { choice[row] = 0 }
        return pick(values, choice)
    }

    private func pick(_ values: [Column], _ choice: [Int32]) -> Column {
        choice.withUnsafeBufferPointer { Column.choosing(values, $0) }
    }
}

extension Column {
    /// The same values with NULL where a kernel failed: what it left there may be no value of the type at all.
    fileprivate func masked(without failures: ArraySlice<RowError>) -> Column {
        guard !failures.isEmpty else { return self }
        let failed = Set(failures.map(\.row))
        return masked(by: Validity(count: count) { !failed.contains($0) })
    }

    /// The same values with the rows that `validity` lacks NULL as well.
    package func masked(by other: Validity?) -> Column {
        guard let other else { return self }
        return Column(type: type, count: count, validity: Validity.and(validity, other), values: values, bytes: bytes)
    }
}
