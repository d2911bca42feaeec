/// A time zone: its offsets from UTC over all time, from a TZif file (RFC 8536) or a fixed offset.
package final class TimeZone: Sendable {
    package let name: String
    /// Seconds since 1970 UTC at which an offset begins, ascending.
    private let transitions: [Int64]
    /// Seconds east of Greenwich: before the first transition, and from each on.
    private let offsets: [Int32]
    /// Whether the last 400 years of transitions repeat.
    private let repeats: Bool

    /// The Gregorian calendar's period, in seconds.
    private static let period: Int64 = 146_097 * 86_400
    /// The first year that is left to the rule, and is in every file's past.
    private static let ruleYears = 1970..<2440

    /// A zone of one offset, in seconds east of Greenwich.
    package init(name: String, offset: Int) {
        self.name = name
        transitions = []
        offsets = [Int32(offset)]
        repeats = false
    }

    /// A zone by a rule alone; before 1970 it has no daylight saving time.
    init(name: String, rule: TimeZoneRule) {
        self.name = name
        let changes = Self.changes(rule)
        transitions = changes.map(\.second)
        offsets = [Int32(rule.standard)] + changes.map(\.offset)
        repeats = !changes.isEmpty
    }

    /// What a rule does over the years that are written out, behind a second.
    private static func changes(_ rule: TimeZoneRule, after last: Int64 = .min) -> [(second: Int64, offset: Int32)] {
        guard let daylight = rule.daylight else { return [] }
        return ruleYears.flatMap { year in
            // The offset that holds until a change tells its UTC.
            let begin = Int64(daylight.begins.second(in: year) - rule.standard)
            let end = Int64(daylight.ends.second(in: year) - daylight.offset)
            let changes = [
                (second: begin, offset: Int32(daylight.offset)), (second: end, offset: Int32(rule.standard)),
            ]
            return end < begin ? changes.reversed() : changes
        }
        .filter { $0.second > last }
    }

    /// nil if the bytes are no TZif file of version 2 or more.
    package init?(name: String, tzif bytes: [UInt8]) {
        guard let contents = TZif(bytes) else { return nil }
        self.name = name
        var transitions = contents.transitions
        var offsets = contents.offsets
        var repeats = false
        if let rule = TimeZoneRule(contents.footer[...]) {
            if rule.daylight != nil {
                repeats = true
                let changes = Self.changes(rule, after: transitions.last ?? .min)
                transitions += changes.map(\.second)
                offsets += changes.map(\.offset)
            } else if transitions.isEmpty {
                offsets = [Int32(rule.standard)]
            }
        }
        self.transitions = transitions
        self.offsets = offsets
        self.repeats = repeats
    }

    /// The second moved by whole periods into the years that are written out, and by how many.
    private func folded(_ second: Int64) -> (second: Int64, periods: Int64) {
        guard repeats, let last = transitions.last, second >= last - 2 * 366 * 86_400 else { return (second, 0) }
        let start = last - 2 * 366 * 86_400 - Self.period
        let periods = (second - start) / Self.period
        return (second - periods * Self.period, periods)
    }

    /// The number of transitions up to and including a second.
    private func position(_ second: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Seconds east of Greenwich at a second since 1970 UTC.
    package func offset(at second: Int64) -> Int { Int(offsets[position(folded(second).second)]) }

    /// Seconds east of Greenwich at a local second since 1970. As in PostgreSQL, a time that a change skips counts by the offset before
    /// it, one that occurs twice by the offset after it.
    package func offset(atLocal second: Int64) -> Int {
        let (local, _) = folded(second)
        let position = position(local - 86_400)
        let before = Int64(offsets[position])
        guard position < transitions.count else { return Int(before) }
        let boundary = transitions[position]
        let after = Int64(offsets[position + 1])
        let (beforeTime, afterTime) = (local - before, local - after)
        if beforeTime < boundary, afterTime < boundary { return Int(before) }
        if beforeTime >= boundary, afterTime >= boundary { return Int(after) }
        return Int(beforeTime > afterTime ? before : after)
    }

    /// The local date and time of an instant, both in microseconds; infinities stay. nil if it is out of range.
    package func local(_ instant: Int64) -> Int64? {
        guard Calendar.isFinite(instant) else { return instant }
        return Self.moved(instant, by: offset(at: Self.second(instant)))
    }

    /// The instant of a local date and time, both in microseconds; infinities stay. nil if it is out of range.
    package func instant(_ local: Int64) -> Int64? {
        guard Calendar.isFinite(local) else { return local }
        return Self.moved(local, by: -offset(atLocal: Self.second(local)))
    }

    private static func second(_ microseconds: Int64) -> Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    static func moved(_ time: Int64, by seconds: Int) -> Int64? {
        let (sum, overflow) = time.addingReportingOverflow(Int64(seconds) * 1_000_000)
        return overflow || sum < Calendar.earliest || sum >= Timestamp.infinity ? nil : sum
    }
}

/// The parts of a TZif file that matter here: those of its 64-bit block.
private struct TZif {
    var transitions: [Int64] = []
    /// One more than transitions: the first holds before all of them.
    var offsets: [Int32] = []
    var footer = ""

    init?(_ bytes: [UInt8]) {
        func word(_ at: Int) -> Int {
            (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
        }
        func counts(_ at: Int) -> (utc: Int, standard: Int, leaps: Int, times: Int, types: Int, characters: Int)? {
            guard bytes.count >= at + 44, bytes[at..<(at + 4)].elementsEqual("TZif".utf8) else { return nil }
            return (
                word(at + 20), word(at + 24), word(at + 28), word(at + 32), word(at + 36), word(at + 40)
            )
        }
        guard let first = counts(0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let header =
            44 + first.times * 5 + first.types * 6 + first.characters + first.leaps * 8 + first.standard + first.utc
        guard let second = counts(header), second.types > 0 else { return nil }
        let times = header + 44
        let indices = times + second.times * 8
        let types = indices + second.times
        let end =
            types + second.types * 6 + second.characters + second.leaps * 12 + second.standard + second.utc
        guard bytes.count >= end else { return nil }
        func offset(_ type: Int) -> Int32? {
            type < second.types ? Int32(truncatingIfNeeded: word(types + type * 6)) : nil
        }
        guard let initial = offset(0) else { return nil }
        offsets = [initial]
        for index in 0..<second.times {
            let high = Int64(word(times + index * 8)) << 32
            guard let value = offset(Int(bytes[indices + index])) else { return nil }
            transitions.append(high | Int64(word(times + index * 8 + 4)))
            offsets.append(value)
        }
        let text = bytes[end...]
        if text.first == 0x0A, let close = text.dropFirst().firstIndex(of: 0x0A) {
            footer = String(decoding: bytes[(end + 1)..<close], as: UTF8.self)
        }
    }
}
