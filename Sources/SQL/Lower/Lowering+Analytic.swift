internal import Dataflow

/// Operators over one input: functions that return sets, sessions, window functions, filters by the clock.
extension Lowering {
    func analytic(_ input: Lowered, _ analytic: Analytic) -> Lowered {
        switch analytic {
        case .expand(let expand): self.expand(input, expand)
        case .session(let session): self.session(input, session)
        case .over(let over): self.over(input, over)
        case .temporal(let temporal): self.temporal(input, temporal)
        case .top(let top):
            topN(input, top.partitionBy, top.orderBy, top.limit, top.emitsRowNumber, ranking: top.ranking)
        }
    }

    // MARK: sets

    private func expand(_ input: Lowered, _ expand: OperatorKind.Expand) -> Lowered {
        var result = input
        result.types = Analytic.expand(expand).types(input.types)
        // One row becomes several: what was a key is none.
        result.keys = []
        var titles: [String] = []
        for call in expand.functions {
            let name = String(call.key.prefix { $0 != "(" })
            let shown = call.arguments.map { ExpressionText.describe($0, input.names) }.joined(separator: ", ")
            titles.append("\(name)(\(shown))")
            if name == "hop_windows" { hopProofs(call, input, &result) }
            let outputs = TableFunctionRegistry.function(key: call.key)?.columns.map(\.name) ?? []
            result.names += outputs.count == call.types.count ? outputs : call.types.map { _ in name }
            result.isNullable += call.types.map { _ in true }
        }
        if expand.hasOrdinality {
            result.names.append("ordinality")
            result.isNullable.append(expand.keepsEmpty)
        }
        result.id = node(
            .expand(expand), [input.id], result.types,
            "Expand: \(titles.joined(separator: ", "))" + (expand.panes == nil ? "" : ", equal rows of a pane combined")
        )
        return result
    }

    /// Windows that hop over event time carry it: the last time of the one that starts at *s* is *s* + size − 1 µs.
    private func hopProofs(_ call: OperatorKind.Expand.Call, _ input: Lowered, _ result: inout Lowered) {
        guard case .literal(.interval(let size), _) = call.arguments[2],
            let (proof, _) = EventTimeProof.derive(call.arguments[0], from: input)
        else { return }
        let start = result.names.count
        let length = Int64(size.span)
        result.eventTimes.append(
            EventTimeColumn(column: start, offset: proof.offset + length - 1, sources: proof.sources))
        result.eventTimes.append(EventTimeColumn(column: start + 1, offset: proof.offset - 1, sources: proof.sources))
        result.windowBounds.formUnion([start, start + 1])
    }

    // MARK: sessions

    private func session(_ unplaced: Lowered, _ session: OperatorKind.Session) -> Lowered {
        let input = placed(unplaced, by: session.partitionBy)
        var session = session
        let proof = input.eventTime(session.time)
        session.expiry = proof.flatMap { proof in
            let (offset, overflow) = proof.offset.addingReportingOverflow(session.gap)
            return overflow ? nil : Expiry(column: session.time, offset: offset, sources: proof.sources)
        }
        var result = input
        result.types = Analytic.session(session).types(input.types)
        result.names += ["window_start"] + (session.emitsEnd ? ["window_end"] : [])
        result.isNullable += result.types.dropFirst(input.types.count).map { _ in input.isNullable[session.time] }
        // A row of any time may be told again while its session is open, which only the session's end bounds.
        result.eventTimes = []
        result.windowBounds = []
        result.isAppendOnly = false
        if let proof, session.emitsEnd {
            result.eventTimes = [
                EventTimeColumn(column: input.types.count + 1, offset: proof.offset, sources: proof.sources)
            ]
        }
        result.sessions = session.expiry.map {
            Lowered.Sessions(
                partitionBy: session.partitionBy, start: input.types.count, time: session.time, expiry: $0)
        }
        let gap = TextFormat.string(.interval(Interval(microseconds: session.gap)))
        let by = session.partitionBy.map { input.names[$0] }.joined(separator: ", ")
        result.id = node(
            .session(session), [input.id], result.types,
            "Sessions\(by.isEmpty ? "" : " per (\(by))") of \(input.names[session.time]) with gap \(gap); \(expiryText(session.expiry, input.names))"
        )
        return result
    }

    // MARK: window functions

    private func over(_ unplaced: Lowered, _ over: OperatorKind.Over) -> Lowered {
        let input = placed(unplaced, by: over.partitionBy)
        var over = over
        over.expiry = input.expiry(of: over.partitionBy)
        let partition = Set(over.partitionBy)
        var result = input
        (_, _, result.eventTimes, result.windowBounds) = input.moved { partition.contains($0) ? $0 : nil }
        result.types = Analytic.over(over).types(input.types)
        let calls = over.calls.map { callText($0, input.names) }
        result.names += calls
        result.isNullable += over.calls.map { call in
            switch call.function {
            case .rowNumber, .rank, .denseRank, .percentRank, .cumeDist: false
            case .aggregate(let aggregate): aggregate.function != .count
            default: true
            }
        }
        result.isAppendOnly = false
        result.sessions = nil
        for (index, call) in over.calls.enumerated() where call.function == .rowNumber {
            result.keys.append(over.partitionBy + [input.types.count + index])
        }
        let by = over.partitionBy.map { input.names[$0] }.joined(separator: ", ")
        let order = over.orderBy.map { sortText($0, input.names) }.joined(separator: ", ")
        result.id = node(
            .over(over), [input.id], result.types,
            "Window\(by.isEmpty ? "" : " per (\(by))")\(order.isEmpty ? "" : " by \(order)"): \(calls.joined(separator: ", ")); \(expiryText(over.expiry, input.names))"
        )
        return result
    }

    private func callText(_ call: OverCall, _ names: [String]) -> String {
        let name: String =
            switch call.function {
            case .rowNumber: "row_number"
            case .rank: "rank"
            case .denseRank: "dense_rank"
            case .percentRank: "percent_rank"
            case .cumeDist: "cume_dist"
            case .ntile: "ntile"
            case .lag: "lag"
            case .lead: "lead"
            case .firstValue: "first_value"
            case .lastValue: "last_value"
            case .nthValue: "nth_value"
            case .aggregate(let aggregate): callText(aggregate, names)
            }
        if case .aggregate = call.function { return name }
        return "\(name)(\(call.arguments.map { names[$0] }.joined(separator: ", ")))"
    }

    // MARK: the clock

    private func temporal(_ input: Lowered, _ temporal: OperatorKind.Temporal) -> Lowered {
        var result = input
        // A row leaves when the clock says so, however far event time is.
        result.eventTimes = []
        result.sessions = nil
        if temporal.bounds.contains(where: { $0.kind == .before || $0.kind == .until }) { result.isAppendOnly = false }
        let shown = temporal.bounds.map { bound in
            let symbol =
                switch bound.kind {
                case .from: ">="
                case .after: ">"
                case .before: "<"
                case .until: "<="
                }
            let offset = TextFormat.string(.interval(Interval(microseconds: abs(bound.offset))))
            let moved = bound.offset == 0 ? "" : " \(bound.offset < 0 ? "-" : "+") \(offset)"
            return "now() \(symbol) \(input.names[bound.column])\(moved)"
        }
        result.id = node(
            .temporal(temporal), [input.id], result.types,
            "Temporal filter: \(shown.joined(separator: " AND ")); state until then")
        return result
    }
}
