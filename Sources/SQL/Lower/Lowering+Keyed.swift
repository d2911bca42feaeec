internal import Dataflow

/// Operators that keep state by key.
extension Lowering {
    // MARK: aggregate

    func aggregate(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> Lowered {
        if input.isPlaced(by: groupBy) || mode == .adHoc { return aggregated(input, groupBy, calls) }
        if TwoPhaseAggregation.applies(to: input, groupBy, calls) { return twoPhase(input, groupBy, calls) }
        let combine = RowCombining.combine(input, groupBy, calls)
        return aggregated(exchange(input, groupBy, combine: combine), groupBy, calls)
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
                    groupBy: groupBy, calls: calls, inputIsAppendOnly: input.isAppendOnly, expiry: expiry,
                    resultExpiry: expiry == nil ? sessionExpiry(input, groupBy, calls) : nil)),
            [input.id], types, aggregateTitle(input, groupBy, callNames, expiry, phase))
        return Lowered(
            id: id, types: types, names: names,
            isNullable: groupBy.map { input.isNullable[$0] } + calls.map { $0.function != .count },
            placement: placement,
            isAppendOnly: calls.isEmpty && input.isAppendOnly, eventTimes: times, windowBounds: bounds,
            keys: phase == "partial" ? [] : [Array(groupBy.indices)])
    }

    /// Groups that are whole sessions end with them: when the last of their times is past.
    private func sessionExpiry(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> Expiry? {
        guard let sessions = input.sessions, Set(groupBy).isSuperset(of: sessions.partitionBy + [sessions.start]),
            let last = calls.firstIndex(where: {
                $0.function == .max && $0.argument == sessions.time && $0.filter == nil
            })
        else { return nil }
        return Expiry(column: last, offset: sessions.expiry.offset, sources: sessions.expiry.sources)
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

    func callText(_ call: AggregateCall, _ names: [String]) -> String {
        let list = call.arguments.map { names[$0] }.joined(separator: ", ")
        var argument = list.isEmpty ? "*" : (call.isDistinct ? "DISTINCT " : "") + list
        if let order = call.orderBy, !order.isEmpty {
            argument += " ORDER BY \(order.map { sortText($0, names) }.joined(separator: ", "))"
        }
        let filter = call.filter.map { " FILTER (\(names[$0]))" } ?? ""
        return "\(call.function.rawValue)(\(argument))\(filter)"
    }

    // MARK: top-n

    func topN(
        _ input: Lowered, _ partitionBy: [Int], _ orderBy: [SortKey], _ limit: Int, _ emitsRowNumber: Bool,
        ranking: OperatorKind.TopN.Ranking = .rowNumber
    ) -> Lowered {
        let input = placed(input, by: partitionBy)
        let expiry = input.expiry(of: partitionBy)
        let types = input.types + (emitsRowNumber ? [.bigint] : [])
        let partition = Set(partitionBy)
        let (_, _, times, bounds) = input.moved { partition.contains($0) ? $0 : nil }
        let by = partitionBy.map { input.names[$0] }.joined(separator: ", ")
        let order = orderBy.map { sortText($0, input.names) }.joined(separator: ", ")
        let (number, ties) =
            switch ranking {
            case .rowNumber: ("row_number", "")
            case .rank: ("rank", " with ties")
            case .denseRank: ("dense_rank", " different")
            }
        let id = node(
            .topN(
                OperatorKind.TopN(
                    partitionBy: partitionBy, orderBy: orderBy, limit: limit, ranking: ranking,
                    emitsRowNumber: emitsRowNumber, inputIsAppendOnly: input.isAppendOnly, expiry: expiry)),
            [input.id], types,
            "Top \(limit)\(ties)\(by.isEmpty ? "" : " per (\(by))")\(order.isEmpty ? "" : " by \(order)"); \(expiryText(expiry, input.names))"
        )
        var keys = input.keys
        if ranking == .rowNumber {
            if emitsRowNumber { keys.append(partitionBy + [input.types.count]) }
            if limit == 1 { keys.append(partitionBy) }
        }
        return Lowered(
            id: id, types: types, names: input.names + (emitsRowNumber ? [number] : []),
            isNullable: input.isNullable + (emitsRowNumber ? [false] : []), placement: input.placement,
            isAppendOnly: false,
            eventTimes: times, windowBounds: bounds, keys: keys)
    }

    func sortText(_ key: SortKey, _ names: [String]) -> String {
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
