internal import Dataflow

/// Joins: where their sides meet, when their state ends, and what is known of their rows.
extension Lowering {
    /// `isOneRow` says of each side that it has at most one row.
    func join(_ left: Lowered, _ right: Lowered, _ join: Plan.Join, isOneRow: (left: Bool, right: Bool)) -> Lowered {
        let (left, right) =
            join.leftKeys.isEmpty
            ? together(left, right, join.kind, isOneRow) : colocated(left, right, join.leftKeys, join.rightKeys)
        let width = left.types.count
        var spec = OperatorKind.Join(
            kind: join.kind, leftKeys: join.leftKeys, rightKeys: join.rightKeys, nullSafe: join.nullSafe,
            condition: join.condition)
        var times: [EventTimeColumn] = []
        for (first, second) in zip(join.leftKeys, join.rightKeys) {
            let (own, other) = (left.eventTime(first), right.eventTime(second))
            // A row can go once nothing comes from the other side that could meet it.
            if let other, spec.leftExpiry == nil {
                spec.leftExpiry = Expiry(column: first, offset: other.offset, sources: other.sources)
            }
            if let own, spec.rightExpiry == nil {
                spec.rightExpiry = Expiry(column: second, offset: own.offset, sources: own.sources)
            }
            if let own, let other {
                let offset = max(own.offset, other.offset)
                let sources = Set(own.sources + other.sources).sorted()
                times.append(EventTimeColumn(column: first, offset: offset, sources: sources))
                if join.kind.isWide {
                    times.append(EventTimeColumn(column: second + width, offset: offset, sources: sources))
                }
            }
        }
        let isWide = join.kind.isWide
        let types = isWide ? left.types + right.types : left.types
        let id = node(.join(spec), [left.id, right.id], types, joinTitle(left, right, spec))
        let bounds = isWide ? left.windowBounds.union(right.windowBounds.map { $0 + width }) : left.windowBounds
        return Lowered(
            id: id, types: types, names: isWide ? left.names + right.names : left.names,
            isNullable: nullability(left, right, join.kind), placement: joinPlacement(left, right, join),
            isAppendOnly: left.isAppendOnly && right.isAppendOnly && (join.kind == .inner || join.kind == .semi),
            eventTimes: times, windowBounds: bounds.intersection(times.map(\.column)),
            keys: joinKeys(left, right, join))
    }

    private func nullability(_ left: Lowered, _ right: Lowered, _ kind: OperatorKind.Join.Kind) -> [Bool] {
        switch kind {
        case .semi, .anti: left.isNullable
        case .inner: left.isNullable + right.isNullable
        case .left: left.isNullable + right.types.map { _ in true }
        case .full: (left.types + right.types).map { _ in true }
        }
    }

    /// What identifies a row of the result. A missing side's key is NULL, which is a key like others; of a full join both are needed.
    private func joinKeys(_ left: Lowered, _ right: Lowered, _ join: Plan.Join) -> [[Int]] {
        if !join.kind.isWide { return left.keys }
        let width = left.types.count
        var keys: [[Int]] = []
        if join.kind != .full, right.keys.contains(where: { Set($0).isSubset(of: join.rightKeys) }) {
            keys += left.keys
        }
        if join.kind == .inner, left.keys.contains(where: { Set($0).isSubset(of: join.leftKeys) }) {
            keys += right.keys.map { $0.map { $0 + width } }
        }
        if keys.isEmpty, let first = left.bestKey, let second = right.bestKey {
            keys = [first + second.map { $0 + width }]
        }
        return keys
    }

    private func joinPlacement(_ left: Lowered, _ right: Lowered, _ join: Plan.Join) -> Lowered.Placement {
        let width = left.types.count
        if case (.oneWorker, .oneWorker) = (left.placement, right.placement) { return .oneWorker }
        if join.kind == .full { return .anywhere }
        var lists: [[Int]] = []
        if case .keyed(let own) = left.placement { lists += own }
        // Columns of a side that may be missing do not say where a row is; a broadcast side has none that do.
        if join.kind == .inner, case .keyed(let own) = right.placement { lists += own.map { $0.map { $0 + width } } }
        return lists.isEmpty ? .anywhere : .keyed(lists)
    }

    /// Both sides of a product where all their rows meet: the smaller one is sent to all workers.
    private func together(
        _ left: Lowered, _ right: Lowered, _ kind: OperatorKind.Join.Kind, _ isOneRow: (left: Bool, right: Bool)
    ) -> (left: Lowered, right: Lowered) {
        if left.placement == .oneWorker, right.placement == .oneWorker { return (left, right) }
        if kind != .full, isOneRow.right { return (left, broadcast(right)) }
        if kind == .inner, isOneRow.left { return (broadcast(left), right) }
        return (
            left.placement == .oneWorker ? left : exchange(left, []),
            right.placement == .oneWorker ? right : exchange(right, [])
        )
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

    private func joinTitle(_ left: Lowered, _ right: Lowered, _ join: OperatorKind.Join) -> String {
        let on = zip(join.leftKeys, join.rightKeys).enumerated().map { place, key in
            let sign = join.nullSafe.contains(place) ? "IS NOT DISTINCT FROM" : "="
            return "\(left.names[key.0]) \(sign) \(right.names[key.1])"
        }
        let kind = join.kind == .inner ? "" : join.kind.rawValue + " "
        var title = on.isEmpty ? "\(kind)product" : "\(kind)join on \(on.joined(separator: " AND "))"
        title = title.prefix(1).uppercased() + title.dropFirst()
        if let condition = join.condition {
            title += " where \(ExpressionText.describe(condition, left.names + right.names))"
        }
        return
            "\(title); left \(expiryText(join.leftExpiry, left.names)), right \(expiryText(join.rightExpiry, right.names))"
    }
}
