/// Computes the window functions of one partition, whose rows come in order.
final class WindowEvaluator {
    private let spec: OperatorKind.Over
    private let types: [DataType]
    private let aggregates: [AggregateState?]

    init(_ spec: OperatorKind.Over, types: [DataType]) throws(GraphError) {
        self.spec = spec
        self.types = types
        var aggregates: [AggregateState?] = []
        for call in spec.calls {
            guard case .aggregate(var aggregate) = call.function else {
                aggregates.append(nil)
                continue
            }
            // An ordered aggregate takes the rows as they stand: by their position, the column behind the input's.
            if aggregate.function.isOrdered {
                aggregate.orderBy = [SortKey(column: types.count, descending: false, nullsFirst: false)]
            }
            let state = try AggregateState.make(aggregate, inputTypes: types + [.bigint], isAppendOnly: false)
            state.grow(to: 1)
            aggregates.append(state)
        }
        self.aggregates = aggregates
    }

    /// The order of two stored rows by the sort keys.
    func order(_ rows: RowStore, _ a: Int32, _ b: Int32) -> Int { rows.compare(by: spec.orderBy, a, b) }

    /// How many rows before and after a row its results can depend on; nil if that has no bound.
    private(set) lazy var reach: (before: Int, after: Int)? = {
        var (before, after) = (0, 0)
        for call in spec.calls {
            guard case .rows = call.frame.unit, call.frame.exclusion == .none || call.frame.exclusion == .currentRow,
                let start = Self.distance(call.frame.start), let end = Self.distance(call.frame.end)
            else { return nil }
            switch call.function {
            case .aggregate, .firstValue, .lastValue, .nthValue:
                before = max(before, -min(start, end, 0))
                after = max(after, max(start, end, 0))
            case .rowNumber, .rank, .denseRank, .percentRank, .cumeDist, .ntile, .lag, .lead: return nil
            }
        }
        return (before, after)
    }()

    /// Rows from the current one to a bound; nil if unbounded.
    private static func distance(_ bound: WindowFrame.Bound) -> Int? {
        switch bound {
        case .currentRow: 0
        case .preceding(let offset): -FrameBounds.count(offset)
        case .following(let offset): FrameBounds.count(offset)
        case .unboundedPreceding, .unboundedFollowing: nil
        }
    }

    /// One column per call. A row that a function fails in is reported by its position.
    func results(_ list: [Int32], _ rows: RowStore, _ failures: inout [RowError]) -> [Column] {
        if list.isEmpty { return spec.calls.map { Column.repeating(.null, type: $0.type, count: 0) } }
        let peers = Peers(list) { order(rows, $0, $1) == 0 }
        var gathered: [Int: Column] = [:]
        func column(_ index: Int) -> Column {
            if let column = gathered[index] { return column }
            let column = list.withUnsafeBufferPointer { rows.gather(column: index, $0) }
            gathered[index] = column
            return column
        }
        var columns: [Column] = []
        for (call, state) in zip(spec.calls, aggregates) {
            let arguments = call.arguments.map(column)
            switch call.function {
            case .rowNumber: columns.append(Column.bigints((0..<list.count).map { Int64($0 + 1) }))
            case .rank: columns.append(Column.bigints((0..<list.count).map { Int64(peers.start(of: $0) + 1) }))
            case .denseRank: columns.append(Column.bigints((0..<list.count).map { Int64(peers.group[$0] + 1) }))
            case .percentRank:
                columns.append(
                    doubles(list.count) { list.count < 2 ? 0 : Double(peers.start(of: $0)) / Double(list.count - 1) })
            case .cumeDist: columns.append(doubles(list.count) { Double(peers.end(of: $0)) / Double(list.count) })
            case .ntile: columns.append(ntile(arguments[0], list.count, &failures))
            case .lag: columns.append(shifted(arguments, list.count, -1))
            case .lead: columns.append(shifted(arguments, list.count, 1))
            case .firstValue, .lastValue, .nthValue:
                let bounds = FrameBounds(call.frame, list.count, peers, keyColumn(column), spec.orderBy.first)
                columns.append(picked(call, arguments, bounds, peers, &failures))
            case .aggregate(let aggregate):
                guard let state else { preconditionFailure("an aggregate has a state") }
                let bounds = FrameBounds(call.frame, list.count, peers, keyColumn(column), spec.orderBy.first)
                columns.append(aggregated(aggregate, state, call.frame, bounds, peers, list.count, column, &failures))
            }
        }
        return columns
    }

    private func keyColumn(_ column: (Int) -> Column) -> Column? { spec.orderBy.first.map { column($0.column) } }

    private func doubles(_ count: Int, _ value: (Int) -> Double) -> Column {
        Column(type: .double, count: count) { (out: UnsafeMutableBufferPointer<Double>) in
            for row in 0..<count { out[row] = value(row) }
        }
    }

    private static func integer(_ column: Column, _ row: Int) -> Int? {
        switch column.datum(at: row) {
        case .smallint(let value): Int(value)
        case .integer(let value): Int(value)
        case .bigint(let value): Int(value)
        default: nil
        }
    }

    /// The first row of the partition says how many buckets there are.
    private func ntile(_ buckets: Column, _ count: Int, _ failures: inout [RowError]) -> Column {
        guard let number = Self.integer(buckets, 0) else {
            return Column.repeating(.null, type: .integer, count: count)
        }
        guard number > 0 else {
            for row in 0..<count {
                failures.append(
                    RowError(row: row, code: "22014", message: "argument of ntile must be greater than zero"))
            }
            return Column.repeating(.null, type: .integer, count: count)
        }
        let (size, larger) = count.quotientAndRemainder(dividingBy: number)
        return Column(type: .integer, count: count) { (out: UnsafeMutableBufferPointer<Int32>) in
            for row in 0..<count {
                let inLarger = larger * (size + 1)
                out[row] = Int32(row < inLarger ? row / (size + 1) + 1 : (row - inLarger) / size + larger + 1)
            }
        }
    }

    private func shifted(_ arguments: [Column], _ count: Int, _ direction: Int) -> Column {
        let values = arguments[0]
        let null = Column.repeating(.null, type: values.type, count: 1)
        // Rows of the value, then those of the default, then a NULL.
        let joined = Column.concatenating([values] + (arguments.count > 2 ? [arguments[2]] : []) + [null])
        let places = (0..<count).map { row -> Int32 in
            guard let distance = arguments.count > 1 ? Self.integer(arguments[1], row) : 1 else {
                return Int32(joined.count - 1)
            }
            let (place, overflow) = row.addingReportingOverflow(direction * distance)
            if !overflow, place >= 0, place < count { return Int32(place) }
            return arguments.count > 2 ? Int32(count + row) : Int32(joined.count - 1)
        }
        return places.withUnsafeBufferPointer { joined.gather($0) }
    }

    // MARK: frames

    private func picked(
        _ call: OverCall, _ arguments: [Column], _ bounds: FrameBounds, _ peers: Peers, _ failures: inout [RowError]
    ) -> Column {
        let count = arguments[0].count
        let joined = Column.concatenating([arguments[0], Column.repeating(.null, type: arguments[0].type, count: 1)])
        let places = (0..<count).map { row -> Int32 in
            let frame = bounds.ranges[row]
            let excluded = peers.excluded(call.frame.exclusion, row)
            var position: Int?
            switch call.function {
            case .firstValue: position = frame.first { !excluded.contains($0) || excluded.isKept($0) }
            case .lastValue: position = frame.last { !excluded.contains($0) || excluded.isKept($0) }
            default:
                guard let wanted = Self.integer(arguments[1], row) else { return Int32(count) }
                guard wanted > 0 else {
                    failures.append(
                        RowError(row: row, code: "22016", message: "argument of nth_value must be greater than zero"))
                    return Int32(count)
                }
                if call.frame.exclusion == .none {
                    position = wanted <= frame.count ? frame.lowerBound + wanted - 1 : nil
                } else {
                    position =
                        frame.lazy.filter { !excluded.contains($0) || excluded.isKept($0) }
                        .dropFirst(wanted - 1).first
                }
            }
            return Int32(position ?? count)
        }
        return places.withUnsafeBufferPointer { joined.gather($0) }
    }

    /// Frames move forward only, so rows enter and leave the state one after another; equal frames share a result.
    private func aggregated(
        _ call: AggregateCall, _ state: AggregateState, _ frame: WindowFrame, _ bounds: FrameBounds, _ peers: Peers,
        _ count: Int, _ column: (Int) -> Column, _ failures: inout [RowError]
    ) -> Column {
        var inputs = call.arguments.map(column)
        let checked = inputs.prefix(call.function.argumentsChecked)
        let filter = call.filter.map(column)
        let counts = (0..<count).map { row in
            checked.allSatisfy { !$0.isNull(row) }
                && (filter.map { !$0.isNull(row) && $0.withValues(as: UInt8.self) { $0[row] != 0 } } ?? true)
        }
        if call.function.isOrdered { inputs.append(Column.bigints((0..<count).map { Int64($0) })) }
        func change(_ range: some Sequence<Int>, _ weight: Int64) {
            let kept = range.filter { counts[$0] }.map { Int32($0) }
            guard !kept.isEmpty else { return }
            let slots = [Int32](repeating: 0, count: kept.count)
            let weights = [Int64](repeating: weight, count: kept.count)
            let columns = kept.withUnsafeBufferPointer { rows in inputs.map { $0.gather(rows) } }
            slots.withUnsafeBufferPointer { slots in
                weights.withUnsafeBufferPointer { state.update(slots, columns, weight == 1 ? nil : $0) }
            }
        }
        var results: [Column] = []
        var failed: [RowError] = []
        var places = [Int32](repeating: 0, count: count)
        var current = 0..<0
        for row in 0..<count {
            let next = bounds.ranges[row]
            let isNew = row == 0 || next != current
            if next.lowerBound >= current.upperBound || next.lowerBound < current.lowerBound
                || next.upperBound < current.upperBound
            {
                state.clear(0)
                current = next.lowerBound..<next.lowerBound
            }
            if isNew {
                change(current.upperBound..<next.upperBound, 1)
                change(current.lowerBound..<next.lowerBound, -1)
                current = next
            }
            if isNew || frame.exclusion != .none {
                let excluded = frame.exclusion == .none ? [] : peers.excluded(frame.exclusion, row).list(in: next)
                change(excluded, -1)
                var own: [RowError] = []
                var slot: Int32 = 0
                withUnsafePointer(to: &slot) {
                    results.append(state.results(UnsafeBufferPointer(start: $0, count: 1), &own))
                }
                change(excluded, 1)
                failed += own.map { RowError(row: row, code: $0.code, message: $0.message) }
            } else if let last = failed.last, last.row == row - 1 {
                failed.append(RowError(row: row, code: last.code, message: last.message))
            }
            places[row] = Int32(results.count - 1)
        }
        state.clear(0)
        failures += failed
        let joined = Column.concatenating(results)
        return places.withUnsafeBufferPointer { joined.gather($0) }
    }
}

/// Groups of neighbouring rows that the sort keys do not tell apart.
struct Peers {
    /// Of each row the number of its group.
    private(set) var group: [Int] = []
    /// Where each group begins, and the row count at last.
    private(set) var starts: [Int] = []

    init(_ list: [Int32], _ arePeers: (Int32, Int32) -> Bool) {
        for row in list.indices {
            if row == 0 || list[row] != list[row - 1] && !arePeers(list[row - 1], list[row]) { starts.append(row) }
            group.append(starts.count - 1)
        }
        starts.append(list.count)
    }

    var groupCount: Int { starts.count - 1 }

    func start(of row: Int) -> Int { starts[group[row]] }
    func end(of row: Int) -> Int { starts[group[row] + 1] }

    /// Rows that a frame's exclusion takes out.
    struct Excluded {
        var range: Range<Int>
        /// A row within the range that stays.
        var kept: Int?

        func contains(_ row: Int) -> Bool { range.contains(row) }
        func isKept(_ row: Int) -> Bool { row == kept }
        func list(in frame: Range<Int>) -> [Int] { range.clamped(to: frame).filter { $0 != kept } }
    }

    func excluded(_ exclusion: WindowFrame.Exclusion, _ row: Int) -> Excluded {
        switch exclusion {
        case .none: Excluded(range: 0..<0)
        case .currentRow: Excluded(range: row..<row + 1)
        case .group: Excluded(range: start(of: row)..<end(of: row))
        case .ties: Excluded(range: start(of: row)..<end(of: row), kept: row)
        }
    }
}
