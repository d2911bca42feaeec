import Dataflow

/// Grouping computed from scratch from all rows: the oracle of the aggregate operator.
enum AggregateReference {
    struct Failure: Error {}

    /// The output rows; a group whose aggregate overflows has none.
    static func rows(_ spec: OperatorKind.Aggregate, _ input: Bag) -> Bag {
        var groups: [String: [Row]] = [:]
        for row in input.rows { groups[Values.key(spec.groupBy.map { row[$0] }), default: []].append(row) }
        if spec.groupBy.isEmpty, !spec.calls.isEmpty, groups.isEmpty { groups[""] = [] }
        var output = Bag()
        for rows in groups.values {
            let key = spec.groupBy.map { column in Values.least(rows.map { $0[column] }) ?? .null }
            do {
                output.add(key + (try spec.calls.map { try result($0, rows) }), 1)
            } catch {
                continue
            }
        }
        return output
    }

    private static func result(_ call: AggregateCall, _ rows: [Row]) throws -> Datum {
        var counted = rows
        if let filter = call.filter { counted = counted.filter { $0[filter] == .boolean(true) } }
        guard let argument = call.argument else { return .bigint(Int64(counted.count)) }
        var values = counted.map { $0[argument] }.filter { !$0.isNull }
        if call.isDistinct {
            values = Dictionary(grouping: values) { Values.key($0) }.values.compactMap { Values.least($0) }
        }
        switch call.function {
        case .count: return .bigint(Int64(values.count))
        case .min, .max:
            guard let first = values.first else { return .null }
            let extreme = values.reduce(first) { best, value in
                let order = Values.compare(value, best)
                return (call.function == .min ? order < 0 : order > 0) ? value : best
            }
            return Values.least(values.filter { Values.compare($0, extreme) == 0 }) ?? .null
        case .sum, .avg: return try sum(values, isAverage: call.function == .avg, as: call.type)
        default: preconditionFailure("\(call.function) is checked against PostgreSQL")
        }
    }

    private static func sum(_ values: [Datum], isAverage: Bool, as type: DataType) throws -> Datum {
        guard let first = values.first else { return .null }
        switch first {
        case .smallint, .integer, .bigint, .numeric:
            let scale = values.map { Self.scale($0) }.max() ?? 0
            let sum = values.reduce(Int128(0)) { $0 + Values.scaled(decimal($1), scale) }
            if isAverage { return .numeric(quotient(Decimal(mantissa: sum, scale: scale), values.count)) }
            if type == .numeric { return .numeric(Decimal(mantissa: sum, scale: scale)) }
            guard let value = Int64(exactly: sum) else { throw Failure() }
            return .bigint(value)
        case .double:
            // The domain's finite values are multiples of 2^-60 below 2^60, or an odd multiple of less: exact in 128 bits.
            let numbers = values.compactMap { if case .double(let value) = $0 { value } else { nil } }
            let special = numbers.filter { !$0.isFinite }
            if special.contains(where: \.isNaN) || special.contains(.infinity) && special.contains(-.infinity) {
                return .double(.nan)
            }
            if let infinity = special.first { return .double(infinity) }
            let exact = numbers.reduce(Int128(0)) { $0 + Int128($1 * 0x1p60) }
            let sum = Double(exact) * 0x1p-60
            return .double(isAverage ? sum / Double(values.count) : sum)
        case .interval:
            var (months, days, microseconds) = (Int128(0), Int128(0), Int128(0))
            for case .interval(let value) in values {
                months += Int128(value.months)
                days += Int128(value.days)
                microseconds += Int128(value.microseconds)
            }
            if isAverage { return .interval(average(months, days, microseconds, Int128(values.count))) }
            return .interval(Interval(months: Int32(months), days: Int32(days), microseconds: Int64(microseconds)))
        default: preconditionFailure("no sum of \(first)")
        }
    }

    private static func decimal(_ datum: Datum) -> Decimal {
        switch datum {
        case .smallint(let value): Decimal(mantissa: Int128(value), scale: 0)
        case .integer(let value): Decimal(mantissa: Int128(value), scale: 0)
        case .bigint(let value): Decimal(mantissa: Int128(value), scale: 0)
        case .numeric(let value): value
        default: preconditionFailure("not a number")
        }
    }

    private static func scale(_ datum: Datum) -> Int32 { decimal(datum).scale }

    /// PostgreSQL's division by a positive count, from its decimal digits: at least 16 significant ones, no less than the sum's scale.
    static func quotient(_ sum: Decimal, _ count: Int) -> Decimal {
        // Base-10000 digits: the position of the first one (0 = units) and its value.
        func leading(_ mantissa: Int128, _ scale: Int32) -> (position: Int, digit: Int) {
            if mantissa == 0 { return (0, 0) }
            var digits = "\(mantissa.magnitude)"
            var behind = Int(scale)
            while behind % 4 != 0 {
                digits += "0"
                behind += 1
            }
            while digits.count % 4 != 0 { digits = "0" + digits }
            var groups: [Int] = []
            var rest = Substring(digits)
            while !rest.isEmpty {
                groups.append(Int(rest.prefix(4)) ?? 0)
                rest = rest.dropFirst(4)
            }
            let first = groups.firstIndex { $0 != 0 } ?? 0
            return (groups.count - 1 - first - behind / 4, groups[first])
        }
        let (a, b) = (leading(sum.mantissa, sum.scale), leading(Int128(count), 0))
        let weight = a.position - b.position - (a.digit <= b.digit ? 1 : 0)
        let scale = Int32(max(16 - 4 * weight, Int(sum.scale)))
        let numerator = Values.scaled(sum, scale)
        var (quotient, remainder) = numerator.magnitude.quotientAndRemainder(dividingBy: UInt128(count))
        if remainder * 2 >= UInt128(count) { quotient += 1 }
        return Decimal(mantissa: sum.mantissa < 0 ? -Int128(quotient) : Int128(quotient), scale: scale)
    }

    /// As PostgreSQL divides an interval: what is left of months goes to days (30 a month), what is left of days to the time.
    private static func average(_ months: Int128, _ days: Int128, _ microseconds: Int128, _ count: Int128) -> Interval {
        let day = Int128(86_400_000_000)
        let monthRest = months % count * 30
        var whole = days / count + monthRest / count
        var rest = days % count + monthRest % count
        whole += rest / count
        rest %= count
        let numerator = microseconds + rest * day
        var time = numerator / count
        let left = abs(numerator % count) * 2
        if left > count || left == count && time % 2 != 0 { time += numerator < 0 ? -1 : 1 }
        return Interval(months: Int32(months / count), days: Int32(whole), microseconds: Int64(time))
    }
}
