/// The frame of each row of a partition: a range of positions. Both ends only move forward from row to row.
struct FrameBounds {
    private(set) var ranges: [Range<Int>] = []

    /// `key` is the first sort key's column, which RANGE with an offset measures on.
    init(_ frame: WindowFrame, _ count: Int, _ peers: Peers, _ key: Column?, _ order: SortKey?) {
        var head = RangeCursor(frame.start, isStart: true, key, order)
        var tail = RangeCursor(frame.end, isStart: false, key, order)
        ranges.reserveCapacity(count)
        for row in 0..<count {
            let start = Self.edge(frame, frame.start, row, count, peers, isStart: true, &head)
            let end = Self.edge(frame, frame.end, row, count, peers, isStart: false, &tail)
            ranges.append(start..<max(start, end))
        }
    }

    /// The offset of a ROWS or GROUPS bound; far more than any partition holds at most.
    static func count(_ offset: Datum) -> Int {
        switch offset {
        case .smallint(let value): Int(value)
        case .integer(let value): Int(value)
        case .bigint(let value): Int(min(value, 1 << 40))
        default: preconditionFailure("a frame's offset is an integer")
        }
    }

    private static func edge(
        _ frame: WindowFrame, _ bound: WindowFrame.Bound, _ row: Int, _ count: Int, _ peers: Peers, isStart: Bool,
        _ cursor: inout RangeCursor
    ) -> Int {
        switch (bound, frame.unit) {
        case (.unboundedPreceding, _): return 0
        case (.unboundedFollowing, _): return count
        case (.currentRow, .rows): return isStart ? row : row + 1
        case (.currentRow, _): return isStart ? peers.start(of: row) : peers.end(of: row)
        case (.preceding(let offset), .rows): return min(max(row - self.count(offset) + (isStart ? 0 : 1), 0), count)
        case (.following(let offset), .rows): return min(max(row + self.count(offset) + (isStart ? 0 : 1), 0), count)
        case (.preceding(let offset), .groups):
            return groupEdge(peers, peers.group[row] - self.count(offset), isStart)
        case (.following(let offset), .groups):
            return groupEdge(peers, peers.group[row] + self.count(offset), isStart)
        case (.preceding, .range), (.following, .range): return cursor.advance(to: row, count)
        }
    }

    private static func groupEdge(_ peers: Peers, _ group: Int, _ isStart: Bool) -> Int {
        let edge = isStart ? group : group + 1
        return peers.starts[min(max(edge, 0), peers.groupCount)]
    }
}

/// One end of RANGE frames with an offset, as it moves over a partition.
private struct RangeCursor {
    private let key: Column?
    private let nullsFirst: Bool
    private let isStart: Bool
    private let offset: Datum
    /// The offset is taken away, and the edge is the last value not above the base; mirrored where the order descends.
    private let subtracts: Bool
    private let isUpper: Bool
    private var position = 0

    init(_ bound: WindowFrame.Bound, isStart: Bool, _ key: Column?, _ order: SortKey?) {
        self.key = key
        self.isStart = isStart
        nullsFirst = order?.nullsFirst ?? false
        let descending = order?.descending ?? false
        switch bound {
        case .preceding(let offset):
            self.offset = offset
            subtracts = !descending
        case .following(let offset):
            self.offset = offset
            subtracts = descending
        default:
            offset = .null
            subtracts = false
        }
        isUpper = isStart == descending
    }

    /// The first row of the frame, or one past the last.
    mutating func advance(to row: Int, _ count: Int) -> Int {
        guard let key else { preconditionFailure("RANGE with an offset has one sort key") }
        let isNull = key.isNull(row)
        while position < count {
            let otherIsNull = key.isNull(position)
            if isNull || otherIsNull {
                // NULLs are peers of each other only, before or behind all values.
                let goesOn =
                    isStart
                    ? (nullsFirst ? otherIsNull && !isNull : !otherIsNull && isNull)
                    : (nullsFirst ? otherIsNull || !isNull : !otherIsNull || isNull)
                if !goesOn { break }
            } else {
                let isInside = RangeOffset.isInside(
                    key, position, key, row, offset, subtracts: subtracts, isUpper: isUpper)
                if isStart == isInside { break }
            }
            position += 1
        }
        return position
    }
}

/// Distances between values of a sort key.
enum RangeOffset {
    /// Whether `a[i] <= b[j] ± offset` (`isUpper`), or `>=`. Sums beyond the type's range are beyond all its values.
    static func isInside(
        _ a: Column, _ i: Int, _ b: Column, _ j: Int, _ offset: Datum, subtracts: Bool, isUpper: Bool
    ) -> Bool {
        let order: Int
        switch (a.datum(at: i), b.datum(at: j), offset) {
        case (.double(let value), .double(let base), .double(let distance)):
            order = compare(value, base, distance, subtracts)
        case (.numeric(let value), .numeric(let base), .numeric(let distance)):
            guard let limit = Decimal.add(base, subtracts ? distance.negated : distance) else {
                return subtracts != isUpper
            }
            order = Decimal.compare(value, limit)
        case (.real(let value), .real(let base), .double(let distance)):
            order = compare(Double(value), Double(base), distance, subtracts)
        case (.timestamp(let value), .timestamp(let base), .interval(let distance)),
            (.timestamptz(let value), .timestamptz(let base), .interval(let distance)):
            guard let result = compare(value, base, distance, subtracts) else { return subtracts != isUpper }
            order = result
        case (.date(let value), .date(let base), .interval(let distance)):
            guard let result = compare(midnight(value), midnight(base), distance, subtracts) else {
                return subtracts != isUpper
            }
            order = result
        case (.time(let value), .time(let base), .interval(let distance)):
            // Days and months do not move a time of day.
            let limit = Int128(base) + Int128(subtracts ? -distance.microseconds : distance.microseconds)
            order = Int128(value) < limit ? -1 : Int128(value) > limit ? 1 : 0
        case (.interval(let value), .interval(let base), .interval(let distance)):
            let limit = base.span + (subtracts ? -distance.span : distance.span)
            order = value.span < limit ? -1 : value.span > limit ? 1 : 0
        case (let value, let base, let distance):
            guard let value = integer(value), let base = integer(base), let distance = integer(distance) else {
                preconditionFailure("no distance between values of type \(a.type.name)")
            }
            let limit = subtracts ? base - distance : base + distance
            order = value < limit ? -1 : value > limit ? 1 : 0
        }
        return isUpper ? order <= 0 : order >= 0
    }

    /// The order of a time and a base that is moved; nil if the sum is beyond all times.
    private static func compare(_ value: Int64, _ base: Int64, _ distance: Interval, _ subtracts: Bool) -> Int? {
        guard base != Timestamp.infinity, base != Timestamp.negativeInfinity else {
            return value < base ? -1 : value > base ? 1 : 0
        }
        let moved = Interval(
            months: subtracts ? -distance.months : distance.months, days: subtracts ? -distance.days : distance.days,
            microseconds: subtracts ? -distance.microseconds : distance.microseconds)
        guard let limit = Calendar.add(moved, to: base) else { return nil }
        return value < limit ? -1 : value > limit ? 1 : 0
    }

    private static func midnight(_ date: Int32) -> Int64 {
        switch date {
        case .max: Timestamp.infinity
        case .min: Timestamp.negativeInfinity
        default: Int64(date) * Timestamp.microsecondsPerDay
        }
    }

    private static func integer(_ datum: Datum) -> Int128? {
        switch datum {
        case .smallint(let value): Int128(value)
        case .integer(let value): Int128(value)
        case .bigint(let value): Int128(value)
        default: nil
        }
    }

    /// NaN is above all numbers and equal to itself, whatever the distance; an infinite base stays where it is.
    private static func compare(_ value: Double, _ base: Double, _ distance: Double, _ subtracts: Bool) -> Int {
        if base.isNaN || value.isNaN { return RowOrder.compare(value, base) }
        if base.isInfinite, distance.isInfinite, (base < 0) != subtracts { return 0 }
        let limit = subtracts ? base - distance : base + distance
        return RowOrder.compare(value, limit)
    }
}
