internal import Dataflow

/// Operators that keep state by key.
extension Lowering {
    // MARK: join

    func join(_ left: Lowered, _ right: Lowered, _ leftKeys: [Int], _ rightKeys: [Int]) -> Lowered {
        let (left, right) = colocated(left, right, leftKeys, rightKeys)
        let width = left.types.count
        var leftExpiry: Expiry?
        var rightExpiry: Expiry?
        var times: [EventTimeColumn] = []
        for (first, second) in zip(leftKeys, rightKeys) {
            let (own, other) = (left.eventTime(first), right.eventTime(second))
            // A row can go once nothing comes from the other side that could meet it.
            if let other, leftExpiry == nil {
                leftExpiry = Expiry(column: first, offset: other.offset, sources: other.sources)
            }
            if let own, rightExpiry == nil {
                rightExpiry = Expiry(column: second, offset: own.offset, sources: own.sources)
            }
            if let own, let other {
                let offset = max(own.offset, other.offset)
                let sources = Set(own.sources + other.sources).sorted()
                times.append(EventTimeColumn(column: first, offset: offset, sources: sources))
                times.append(EventTimeColumn(column: second + width, offset: offset, sources: sources))
            }
        }
        let kind = OperatorKind.join(
            OperatorKind.Join(
                leftKeys: leftKeys, rightKeys: rightKeys, leftExpiry: leftExpiry, rightExpiry: rightExpiry))
        let types = left.types + right.types
        let id = node(
            kind, [left.id, right.id], types, joinTitle(left, right, leftKeys, rightKeys, leftExpiry, rightExpiry))
        var keys: [[Int]] = []
        if right.keys.contains(where: { Set($0).isSubset(of: rightKeys) }) { keys += left.keys }
        if left.keys.contains(where: { Set($0).isSubset(of: leftKeys) }) {
            keys += right.keys.map { $0.map { $0 + width } }
        }
        if keys.isEmpty, let first = left.bestKey, let second = right.bestKey {
            keys = [first + second.map { $0 + width }]
        }
        return Lowered(
            id: id, types: types, names: left.names + right.names, isNullable: left.isNullable + right.isNullable,
            placement: joinPlacement(left, right), isAppendOnly: left.isAppendOnly && right.isAppendOnly,
            eventTimes: times,
            windowBounds: left.windowBounds.union(right.windowBounds.map { $0 + width }).intersection(
                times.map(\.column)), keys: keys)
    }

    private func joinPlacement(_ left: Lowered, _ right: Lowered) -> Lowered.Placement {
        let width = left.types.count
        switch (left.placement, right.placement) {
        case (.oneWorker, .oneWorker): return .oneWorker
        case (.keyed(let first), .keyed(let second)): return .keyed(first + second.map { $0.map { $0 + width } })
        default: return .anywhere
        }
    }

    /// Both sides placed by corresponding columns, with as few exchanges as possible.
    private func colocated(
        _ left: Lowered, _ right: Lowered, _ leftKeys: [Int], _ rightKeys: [Int]
    ) -> (left: Lowered, right: Lowered) {
        if left.placement == .oneWorker, right.placement == .oneWorker { return (left, right) }
        func translate(_ columns: [Int], _ from: [Int], _ to: [Int]) -> [Int]? {
            let found = columns.compactMap { from.firstIndex(of: $0).map { to[$0] } }
            return found.count == columns.count ? found : nil
        }
        var pairs: [(left: [Int], right: [Int])] = []
        if case .keyed(let lists) = left.placement {
            for list in lists { if let other = translate(list, leftKeys, rightKeys) { pairs.append((list, other)) } }
        }
        if case .keyed(let lists) = right.placement {
            for list in lists { if let other = translate(list, rightKeys, leftKeys) { pairs.append((other, list)) } }
        }
        // A window has few values: rows placed by it alone would all meet on one worker at a time.
        if !Set(leftKeys).isSubset(of: left.windowBounds) || !Set(rightKeys).isSubset(of: right.windowBounds) {
            pairs.removeAll {
                Set($0.left).isSubset(of: left.windowBounds) && Set($0.right).isSubset(of: right.windowBounds)
            }
        }
        func isPlaced(_ side: Lowered, _ list: [Int]) -> Bool {
            if case .keyed(let lists) = side.placement { return lists.contains(list) }
            return false
        }
        let best =
            pairs.first { isPlaced(left, $0.left) && isPlaced(right, $0.right) } ?? pairs.first ?? (leftKeys, rightKeys)
        return (
            isPlaced(left, best.left) ? left : exchange(left, best.left),
            isPlaced(right, best.right) ? right : exchange(right, best.right)
        )
    }

    private func joinTitle(
        _ left: Lowered, _ right: Lowered, _ leftKeys: [Int], _ rightKeys: [Int], _ leftExpiry: Expiry?,
        _ rightExpiry: Expiry?
    ) -> String {
        let on = zip(leftKeys, rightKeys).map { "\(left.names[$0]) = \(right.names[$1])" }.joined(separator: " AND ")
        return
            "Join on \(on); left \(expiryText(leftExpiry, left.names)), right \(expiryText(rightExpiry, right.names))"
    }

    // MARK: aggregate

    func aggregate(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> Lowered {
        if input.isPlaced(by: groupBy) || mode == .adHoc { return aggregated(input, groupBy, calls) }
        if TwoPhaseAggregation.applies(to: input, groupBy, calls) { return twoPhase(input, groupBy, calls) }
        return aggregated(exchange(input, groupBy), groupBy, calls)
    }

    /// Aggregates the input as it is placed.
    func aggregated(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall], phase: String = "") -> Lowered {
        // The final phase gives what the partial one's columns are named.
        let isFinal = phase == "final"
        let expiry = input.expiry(of: groupBy)
        let types = groupBy.map { input.types[$0] } + calls.map(\.type)
        let callNames = calls.map { callText($0, input.names) }
        let names = isFinal ? input.names : groupBy.map { input.names[$0] } + callNames
        let places = Dictionary(groupBy.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        let (placement, _, times, bounds) = input.moved { places[$0] }
        let id = node(
            .aggregate(
                OperatorKind.Aggregate(
                    groupBy: groupBy, calls: calls, inputIsAppendOnly: input.isAppendOnly, expiry: expiry)),
            [input.id], types, aggregateTitle(input, groupBy, callNames, expiry, phase))
        return Lowered(
            id: id, types: types, names: names,
            isNullable: groupBy.map { input.isNullable[$0] } + calls.map { $0.function != .count },
            placement: placement,
            isAppendOnly: calls.isEmpty && input.isAppendOnly, eventTimes: times, windowBounds: bounds,
            keys: phase == "partial" ? [] : [Array(groupBy.indices)])
    }

    private func aggregateTitle(
        _ input: Lowered, _ groupBy: [Int], _ callNames: [String], _ expiry: Expiry?, _ phase: String
    ) -> String {
        let by = groupBy.map { input.names[$0] }.joined(separator: ", ")
        var title = callNames.isEmpty ? "Distinct (\(by))" : groupBy.isEmpty ? "Aggregate" : "Aggregate by (\(by))"
        if !phase.isEmpty { title = "\(phase.capitalizedFirst) \(title.loweredFirst)" }
        if !callNames.isEmpty { title += ": \(callNames.joined(separator: ", "))" }
        return "\(title); \(expiryText(expiry, input.names))"
    }

    private func callText(_ call: AggregateCall, _ names: [String]) -> String {
        let argument = call.argument.map { (call.isDistinct ? "DISTINCT " : "") + names[$0] } ?? "*"
        let filter = call.filter.map { " FILTER (\(names[$0]))" } ?? ""
        return "\(call.function.rawValue)(\(argument))\(filter)"
    }

    // MARK: top-n

    func topN(_ input: Lowered, _ partitionBy: [Int], _ orderBy: [SortKey], _ limit: Int, _ emitsRowNumber: Bool)
        -> Lowered
    {
        let input = placed(input, by: partitionBy)
        let expiry = input.expiry(of: partitionBy)
        let types = input.types + (emitsRowNumber ? [.bigint] : [])
        let partition = Set(partitionBy)
        let (_, _, times, bounds) = input.moved { partition.contains($0) ? $0 : nil }
        let by = partitionBy.map { input.names[$0] }.joined(separator: ", ")
        let order = orderBy.map { sortText($0, input.names) }.joined(separator: ", ")
        let id = node(
            .topN(
                OperatorKind.TopN(
                    partitionBy: partitionBy, orderBy: orderBy, limit: limit, emitsRowNumber: emitsRowNumber,
                    inputIsAppendOnly: input.isAppendOnly, expiry: expiry)),
            [input.id], types,
            "Top \(limit)\(by.isEmpty ? "" : " per (\(by))")\(order.isEmpty ? "" : " by \(order)"); \(expiryText(expiry, input.names))"
        )
        var keys = input.keys
        if emitsRowNumber { keys.append(partitionBy + [input.types.count]) }
        if limit == 1 { keys.append(partitionBy) }
        return Lowered(
            id: id, types: types, names: input.names + (emitsRowNumber ? ["row_number"] : []),
            isNullable: input.isNullable + (emitsRowNumber ? [false] : []), placement: input.placement,
            isAppendOnly: false,
            eventTimes: times, windowBounds: bounds, keys: keys)
    }

    private func sortText(_ key: SortKey, _ names: [String]) -> String {
        names[key.column] + (key.descending ? " DESC" : "")
            + (key.nullsFirst == key.descending ? "" : key.nullsFirst ? " NULLS FIRST" : " NULLS LAST")
    }

    // MARK: expiry

    func expiryText(_ expiry: Expiry?, _ names: [String]) -> String {
        guard let expiry else { return "state kept" }
        let offset = TextFormat.string(.interval(Interval(microseconds: abs(expiry.offset))))
        let sign = expiry.offset < 0 ? "-" : "+"
        return "state until \(expiry.sources.joined(separator: ", ")) pass \(names[expiry.column]) \(sign) \(offset)"
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
    fileprivate var loweredFirst: String { prefix(1).lowercased() + dropFirst() }
}
