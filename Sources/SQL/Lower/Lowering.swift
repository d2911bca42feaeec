internal import Dataflow

/// Lowers an optimised plan to nodes: places exchanges, proves what state can end, and makes equal sub-plans one.
final class Lowering {
    let mode: QueryBinder.Mode
    /// The relation that the nodes are made for.
    let owner: String
    private(set) var nodes: [GraphNode] = []
    /// The node whose rows are the answer.
    private(set) var root: OperatorID?
    /// What EXPLAIN says about each node, those read from other deployments included.
    private(set) var titles: [OperatorID: String] = [:]
    private var nextID: Int
    /// An expression of a view names the clock where it cannot.
    private(set) var usesClock = false
    private var known: [NodeKey: OperatorID] = [:]

    private struct NodeKey: Hashable {
        var kind: OperatorKind
        var inputs: [OperatorID]
    }

    /// Nodes deployed before, by what they do: an equal one that keeps state is read instead of made again.
    private var deployed: [NodeKey: (id: OperatorID, owner: String, isShareable: Bool)] = [:]
    /// Of nodes made here, the equal ones deployed before: in keys they stand for them.
    private var twins: [OperatorID: OperatorID] = [:]

    /// Nodes of a view are made after those of the catalog.
    init(mode: QueryBinder.Mode, owner: String, catalog: Catalog) {
        self.mode = mode
        self.owner = owner
        nextID = mode == .maintained ? catalog.nextOperator : 1
        guard mode == .maintained else { return }
        for (node, isShareable) in catalog.replayable {
            let key = NodeKey(kind: node.kind, inputs: node.inputs.map { twins[$0] ?? $0 })
            if let first = deployed[key] {
                twins[node.id] = first.id
            } else {
                deployed[key] = (node.id, node.owner, isShareable)
            }
        }
    }

    /// Adds a node, or finds the equal one that is there.
    func node(_ kind: OperatorKind, _ inputs: [OperatorID], _ types: [DataType], _ title: @autoclosure () -> String)
        -> OperatorID
    {
        if mode == .maintained, kind.expressions.contains(where: \.readsClock) { usesClock = true }
        let key = NodeKey(kind: kind, inputs: inputs.map { twins[$0] ?? $0 })
        if let id = known[key] { return id }
        if let twin = deployed[key], twin.isShareable {
            known[key] = twin.id
            titles[twin.id] = "\(title()) (shared with \(twin.owner))"
            return twin.id
        }
        let id = OperatorID(nextID)
        nextID += 1
        known[key] = id
        if let twin = deployed[key] { twins[id] = twin.id }
        nodes.append(GraphNode(id: id, kind: kind, inputs: inputs, types: types, owner: owner))
        titles[id] = title()
        return id
    }

    /// Leaves out the nodes that nothing on the way to `root` reads, since what they feed was there already.
    func finish(_ root: OperatorID) {
        self.root = root
        var needed: Set<OperatorID> = [root]
        for node in nodes.reversed() where needed.contains(node.id) { needed.formUnion(node.inputs) }
        nodes.removeAll { !needed.contains($0.id) }
    }

    func lower(_ plan: Plan) throws(Failure) -> Lowered {
        switch plan {
        case .leaf(let leaf): return try self.leaf(leaf)
        case .values(let rows, let types): return values(rows, types)
        case .filter(let input, let condition):
            var result = try lower(input)
            result.sessions = nil
            result.id = node(
                .filter(condition), [result.id], result.types,
                "Filter: \(ExpressionText.describe(condition, result.names))")
            return result
        case .project(let input, let expressions): return project(try lower(input), expressions)
        case .cross(_, _, let location):
            throw .unsupported("a join without an equality between its sides", at: location)
        case .join(let left, let right, let join):
            return self.join(
                try lower(left), try lower(right), join, isOneRow: (left.isAtMostOneRow, right.isAtMostOneRow))
        case .repeated(let input): return repeated(try lower(input))
        case .shared(let input): return try lower(input)
        case .aggregate(let input, let groupBy, let calls):
            return aggregate(try paned(input, groupBy, calls), groupBy, calls)
        case .rowNumber(_, _, _, let location): throw .unsupported("row_number() without a bound", at: location)
        case .topN(let input, let partitionBy, let orderBy, let limit, let emitsRowNumber):
            return topN(try lower(input), partitionBy, orderBy, limit, emitsRowNumber)
        case .unionAll(let inputs):
            var lowered: [Lowered] = []
            for input in inputs { lowered.append(try lower(input)) }
            return union(lowered)
        case .analytic(let input, let analytic): return self.analytic(try lower(input), analytic)
        }
    }

    // MARK: leaves

    private func leaf(_ leaf: Plan.Leaf) throws(Failure) -> Lowered {
        let id: OperatorID
        switch mode {
        case .adHoc: id = node(.scan(relation: leaf.name), [], leaf.types, "Scan \(leaf.name)")
        case .maintained:
            guard let existing = leaf.node else { throw .unsupported("a view over \"\(leaf.name)\"", at: nil) }
            id = existing
            titles[id] = "Read \(leaf.name)"
        }
        return Lowered(
            id: id, types: leaf.types, names: leaf.names, isNullable: leaf.isNullable,
            placement: leaf.isPlacedByKey && mode == .maintained ? .keyed([leaf.key]) : .anywhere,
            isAppendOnly: leaf.isAppendOnly,
            eventTimes: leaf.eventTimes, keys: leaf.key.isEmpty ? [] : [leaf.key])
    }

    /// Constant rows come once, on the first worker.
    private func values(_ rows: [[Datum]], _ types: [DataType]) -> Lowered {
        let id = node(.values(rows), [], types, "Values: \(rows.count) row\(rows.count == 1 ? "" : "s")")
        return Lowered(
            id: id, types: types, names: types.indices.map { "column\($0 + 1)" },
            isNullable: types.indices.map { index in rows.contains { $0[index].isNull } }, isAppendOnly: true,
            eventTimes: [], keys: [])
    }

    // MARK: linear operators

    func project(_ input: Lowered, _ expressions: [Expression]) -> Lowered {
        let types = expressions.map(\.type)
        let shown = expressions.map { ExpressionText.describe($0, input.names) }
        let names = zip(expressions, shown).map { Self.windowName($0) ?? $1 }
        var places: [Int: Int] = [:]
        for (index, expression) in expressions.enumerated() {
            if let column = expression.columnIndex, places[column] == nil { places[column] = index }
        }
        var (placement, keys, times, bounds) = input.moved { places[$0] }
        for (index, expression) in expressions.enumerated() {
            guard let (proof, isWindow) = EventTimeProof.derive(expression, from: input) else { continue }
            if !times.contains(where: { $0.column == index }) {
                times.append(EventTimeColumn(column: index, offset: proof.offset, sources: proof.sources))
            }
            if isWindow { bounds.insert(index) }
        }
        if mode == .maintained { placement = input.placement == .oneWorker ? .oneWorker : placement }
        let id = node(.project(expressions), [input.id], types, "Project: \(shown.joined(separator: ", "))")
        return Lowered(
            id: id, types: types, names: names,
            isNullable: expressions.map { expression in
                if let column = expression.columnIndex { return input.isNullable[column] }
                return expression.literalValue.map(\.isNull) ?? true
            }, placement: placement, isAppendOnly: input.isAppendOnly, eventTimes: times, windowBounds: bounds,
            keys: keys, sessions: input.sessions?.moved { places[$0] })
    }

    /// The bounds of windows have names that read better than their computation.
    private static func windowName(_ expression: Expression) -> String? {
        guard case .call(let key, _, _) = expression, key.hasPrefix("tumble_") else { return nil }
        return key.hasPrefix("tumble_start(") ? "window_start" : "window_end"
    }

    private func union(_ inputs: [Lowered]) -> Lowered {
        var result = inputs[0]
        var lists: [[Int]]? = nil
        var isEverywhereOne = true
        for input in inputs {
            if input.placement != .oneWorker { isEverywhereOne = false }
            guard case .keyed(let own) = input.placement else {
                lists = []
                continue
            }
            lists = lists.map { $0.filter { own.contains($0) } } ?? own
        }
        result.placement = isEverywhereOne ? .oneWorker : (lists ?? []).isEmpty ? .anywhere : .keyed(lists ?? [])
        result.isAppendOnly = inputs.allSatisfy(\.isAppendOnly)
        result.isNullable = result.types.indices.map { index in inputs.contains { $0.isNullable[index] } }
        result.eventTimes = result.eventTimes.compactMap { time in
            var merged = time
            for input in inputs {
                guard let other = input.eventTime(time.column) else { return nil }
                merged.offset = max(merged.offset, other.offset)
                merged.sources = Set(merged.sources + other.sources).sorted()
            }
            return merged
        }
        result.windowBounds = inputs.reduce(result.windowBounds) { $0.intersection($1.windowBounds) }
        result.keys = []
        result.sessions = nil
        result.id = node(.unionAll, inputs.map(\.id), result.types, "Union all")
        return result
    }

    private func repeated(_ input: Lowered) -> Lowered {
        let count = input.types.count - 1
        var (placement, _, times, bounds) = input.moved { $0 == count ? nil : $0 }
        if input.placement == .oneWorker { placement = .oneWorker }
        let types = Array(input.types.dropLast())
        return Lowered(
            id: node(.repeated(count: count), [input.id], types, "Repeat \(input.names[count]) times"), types: types,
            names: input.names.dropLast(), isNullable: input.isNullable.dropLast(), placement: placement,
            isAppendOnly: input.isAppendOnly, eventTimes: times, windowBounds: bounds, keys: [])
    }

    // MARK: exchange

    /// Brings rows that agree in `key` to one worker; an empty key brings all rows to one.
    ///
    /// With `combine` rows of frequent keys are put together before they are sent.
    func exchange(_ input: Lowered, _ key: [Int], combine: OperatorKind.Combine? = nil) -> Lowered {
        guard mode == .maintained else { return input }
        var result = input
        let shown = key.map { input.names[$0] }.joined(separator: ", ")
        result.id = node(
            .exchange(key: key, combine: combine), [input.id], input.types,
            (key.isEmpty ? "Exchange to one worker" : "Exchange by (\(shown))")
                + (combine == nil ? "" : ", frequent keys combined"))
        result.placement = key.isEmpty ? .oneWorker : .keyed([key])
        return result
    }

    /// Brings all rows to all workers.
    func broadcast(_ input: Lowered) -> Lowered {
        guard mode == .maintained else { return input }
        var result = input
        result.id = node(.broadcast, [input.id], input.types, "Broadcast to all workers")
        result.placement = .anywhere
        return result
    }

    /// Exchanges only if the rows are not placed by a part of the columns already.
    func placed(_ input: Lowered, by columns: [Int]) -> Lowered {
        input.isPlaced(by: columns) ? input : exchange(input, columns)
    }
}
