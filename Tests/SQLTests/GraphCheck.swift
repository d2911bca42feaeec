import Dataflow

/// Holds a graph against what its operators demand: every column named exists and has the type said, every function is known.
struct GraphCheck {
    private(set) var types: [OperatorID: [DataType]] = [:]
    private(set) var problems: [String] = []

    /// Checks nodes that may read those checked before.
    mutating func check(_ nodes: [GraphNode]) {
        for node in nodes {
            let inputs = node.inputs.compactMap { types[$0] }
            if inputs.count != node.inputs.count {
                problems.append("\(node.id) reads a node that does not come before it")
            }
            check(node, inputs)
            types[node.id] = node.types
        }
    }

    private mutating func check(_ node: GraphNode, _ inputs: [[DataType]]) {
        let input = inputs.first ?? []
        func expect(_ types: [DataType]) {
            if types != node.types { problems.append("\(node.id) \(node.kind) has types \(node.types), not \(types)") }
        }
        func expectColumns(_ columns: [Int], of types: [DataType]) {
            if columns.contains(where: { !types.indices.contains($0) }) {
                problems.append("\(node.id) names a column that is not there")
            }
        }
        func expectExpiry(_ expiry: Expiry?, among columns: [Int], of types: [DataType]) {
            guard let expiry else { return }
            if !columns.contains(expiry.column) || types[expiry.column] != .timestamp || expiry.sources.isEmpty {
                problems.append("\(node.id) has a wrong expiry")
            }
        }
        switch node.kind {
        case .source, .scan: if !inputs.isEmpty { problems.append("\(node.id) is a leaf with inputs") }
        case .values(let rows):
            if rows.contains(where: { $0.count != node.types.count }) {
                problems.append("\(node.id) has rows of another width")
            }
        case .filter(let condition):
            expect(input)
            check(condition, input, node.id)
            if condition.type != .boolean { problems.append("\(node.id) filters by \(condition.type)") }
        case .project(let expressions):
            expect(expressions.map(\.type))
            for expression in expressions { check(expression, input, node.id) }
        case .unionAll: for types in inputs { expect(types) }
        case .upsert(let key):
            expect(input)
            expectColumns(key, of: input)
        case .exchange(let key, let combine):
            expect(input)
            expectColumns(key, of: input)
            if let combine {
                if combine.roles.count != input.count { problems.append("\(node.id) has roles of another width") }
                for column in key where combine.roles[column] != .kept {
                    problems.append("\(node.id) combines its key")
                }
            }
        case .join(let join):
            guard inputs.count == 2 else { return problems.append("\(node.id) joins \(inputs.count) inputs") }
            expect(join.kind.isWide ? inputs[0] + inputs[1] : inputs[0])
            if let condition = join.condition { check(condition, inputs[0] + inputs[1], node.id) }
            expectColumns(join.leftKeys, of: inputs[0])
            expectColumns(join.rightKeys, of: inputs[1])
            if join.leftKeys.map({ inputs[0][$0] }) != join.rightKeys.map({ inputs[1][$0] }) {
                problems.append("\(node.id) has keys of different types")
            }
            expectExpiry(join.leftExpiry, among: join.leftKeys, of: inputs[0])
            expectExpiry(join.rightExpiry, among: join.rightKeys, of: inputs[1])
        case .aggregate(let aggregate):
            expectColumns(aggregate.groupBy + aggregate.calls.flatMap(\.columnsRead), of: input)
            expect(aggregate.groupBy.map { input[$0] } + aggregate.calls.map(\.type))
            if aggregate.calls.contains(where: { call in call.filter.map { input[$0] != .boolean } ?? false }) {
                problems.append("\(node.id) filters by a column that is not boolean")
            }
            expectExpiry(aggregate.expiry, among: aggregate.groupBy, of: input)
        case .topN(let top):
            expectColumns(top.partitionBy + top.orderBy.map(\.column), of: input)
            expect(input + (top.emitsRowNumber ? [.bigint] : []))
            if top.limit < 1 { problems.append("\(node.id) keeps \(top.limit) rows") }
            expectExpiry(top.expiry, among: top.partitionBy, of: input)
        case .broadcast: expect(input)
        case .repeated(let count):
            expectColumns([count], of: input)
            expect(input.indices.filter { $0 != count }.map { input[$0] })
            if input[count] != .bigint { problems.append("\(node.id) repeats by \(input[count])") }
        case .expand(let expand):
            expect(input + expand.functions.flatMap(\.types) + (expand.hasOrdinality ? [.bigint] : []))
            for call in expand.functions {
                guard let function = TableFunctionRegistry.function(key: call.key) else {
                    problems.append("\(node.id) calls unknown \(call.key)")
                    continue
                }
                if function.arguments != call.arguments.map(\.type) || function.columns.map(\.type) != call.types {
                    problems.append("\(node.id) calls \(call.key) wrongly")
                }
                for argument in call.arguments { check(argument, input, node.id) }
            }
        case .session(let session):
            expectColumns(session.partitionBy + [session.time], of: input)
            expect(input + [DataType](repeating: input[session.time], count: session.emitsEnd ? 2 : 1))
            expectExpiry(session.expiry, among: [session.time], of: input)
        case .over(let over):
            expectColumns(over.partitionBy + over.orderBy.map(\.column) + over.calls.flatMap(\.columnsRead), of: input)
            expect(input + over.calls.map(\.type))
            expectExpiry(over.expiry, among: over.partitionBy, of: input)
        case .temporal(let temporal):
            expect(input)
            expectColumns(temporal.bounds.map(\.column), of: input)
        case .view(let view):
            expect(input)
            expectColumns(view.key, of: input)
        case .sink: expect(input)
        }
    }

    private mutating func check(_ expression: Expression, _ input: [DataType], _ id: OperatorID) {
        switch expression {
        case .column(let index, let type):
            if !input.indices.contains(index) || input[index] != type {
                problems.append("\(id) takes column \(index) for \(type): \(input)")
            }
        case .literal: break
        case .call(let key, let arguments, let type):
            guard let function = FunctionRegistry.function(key: key) else {
                return problems.append("\(id) calls unknown \(key)")
            }
            if function.arguments != arguments.map(\.type) || function.result != type {
                problems.append("\(id) calls \(key) wrongly")
            }
            for argument in arguments { check(argument, input, id) }
        case .and(let operands), .or(let operands):
            if operands.isEmpty || operands.contains(where: { $0.type != .boolean }) {
                problems.append("\(id) has logic over other than booleans")
            }
            for operand in operands { check(operand, input, id) }
        case .not(let operand), .isNull(let operand): check(operand, input, id)
        case .branches(let branches, let otherwise, let type):
            if (branches.map(\.value) + [otherwise]).contains(where: { $0.type != type }) {
                problems.append("\(id) has branches of several types")
            }
            for branch in branches {
                check(branch.condition, input, id)
                check(branch.value, input, id)
            }
            check(otherwise, input, id)
        case .coalesce(let operands, let type):
            if operands.isEmpty || operands.contains(where: { $0.type != type }) {
                problems.append("\(id) coalesces several types")
            }
            for operand in operands { check(operand, input, id) }
        }
    }
}
