internal import Dataflow

/// The options of `WITH (…)` of a table, checked.
///
/// A wrong name gives the nearest right one, a wrong value is named with what is allowed.
struct TableOptions {
    var connector = "http"
    var topic: String?
    var format: TableSchema.Format
    var eventTime: (column: String, location: Int)?
    var lateness: Int64 = 0
    /// nil for no bound.
    var skew: Int64? = 3600 * Timestamp.microsecondsPerSecond
    /// What the connector is told, defaults filled in.
    var options: [String: String] = [:]

    /// Which connectors take an option, and what its value may be.
    private struct Rule {
        var connectors: Set<String>
        var value: Value

        enum Value {
            case text
            case oneOf([String])
            case integer(ClosedRange<Int64>)
            case number(ClosedRange<Double>)
            case boolean
            case interval
            case timestamp
        }
    }

    private static let connectors = ["http", "generator", "file"]
    /// Each partition is read by one worker; more than this are a mistake.
    static let partitionsMax: Int64 = 1024

    private static let rules: [String: Rule] = [
        "connector": Rule(connectors: Set(connectors), value: .oneOf(connectors)),
        "topic": Rule(connectors: Set(connectors), value: .text),
        "partitions": Rule(connectors: Set(connectors), value: .integer(1...partitionsMax)),
        "format": Rule(connectors: ["http", "file"], value: .oneOf(["json", "csv"])),
        "event_time": Rule(connectors: Set(connectors), value: .text),
        "lateness": Rule(connectors: Set(connectors), value: .interval),
        "skew": Rule(connectors: Set(connectors), value: .interval),
        "storage": Rule(connectors: Set(connectors), value: .oneOf(["stored", "virtual"])),
        "generator": Rule(connectors: ["generator"], value: .oneOf(["nexmark"])),
        "kind": Rule(connectors: ["generator"], value: .oneOf(["person", "auction", "bid"])),
        "rate": Rule(connectors: ["generator"], value: .number(0...1_000_000_000)),
        "count": Rule(connectors: ["generator"], value: .integer(0...Int64.max)),
        "seed": Rule(connectors: ["generator"], value: .integer(0...Int64.max)),
        "events_per_second": Rule(connectors: ["generator"], value: .integer(1...1_000_000_000)),
        "base_time": Rule(connectors: ["generator"], value: .timestamp),
        "path": Rule(connectors: ["file"], value: .text),
        "follow": Rule(connectors: ["file"], value: .boolean),
        "header": Rule(connectors: ["file"], value: .boolean),
    ]

    /// Options that have a field of their own in the schema.
    private static let fields: Set<String> = [
        "connector", "topic", "format", "event_time", "lateness", "skew", "generator",
    ]

    /// What the runtime calls an option.
    private static let runtimeNames = ["kind": "entity", "events_per_second": "event_rate"]

    init(_ syntax: [OptionSyntax], table: String) throws(Failure) {
        format = .json
        let given = Dictionary(syntax.map { ($0.name, $0) }) { first, _ in first }
        if let option = given["connector"] {
            guard Self.connectors.contains(option.value) else {
                throw Failure(
                    "22023", "unknown connector \"\(option.value)\" of table \"\(table)\"", at: option.location,
                    hint: Suggestion.hint(for: option.value, among: Self.connectors)
                        ?? "The connectors of tables are http, generator and file.")
            }
            connector = option.value
        }
        for option in syntax { try check(option) }
        for (name, rule) in Self.rules where rule.connectors.contains(connector) && !Self.fields.contains(name) {
            if let value = given[name]?.value { options[Self.runtimeNames[name] ?? name] = value }
        }
        topic = given["topic"]?.value
        if topic == "" || topic?.hasPrefix("_dataprism") == true {
            throw Failure(
                "22023", "topic \"\(topic ?? "")\" cannot be used: the name is reserved", at: given["topic"]?.location)
        }
        try readTime(given)
        try readConnector(given, table)
    }

    private func check(_ option: OptionSyntax) throws(Failure) {
        guard let rule = Self.rules[option.name] else {
            throw Failure(
                "22023", "unknown option \"\(option.name)\"", at: option.location,
                hint: Suggestion.hint(for: option.name, among: Self.names(for: connector))
                    ?? "The options are \(Self.names(for: connector).joined(separator: ", ")).")
        }
        guard rule.connectors.contains(connector) else {
            throw Failure(
                "22023", "connector \"\(connector)\" has no option \"\(option.name)\"", at: option.location,
                hint: "Its options are \(Self.names(for: connector).joined(separator: ", ")).")
        }
        func wrong(_ allowed: String, _ hint: String? = nil) -> Failure {
            Failure(
                "22023", "option \"\(option.name)\" is \"\(option.value)\", but must be \(allowed)",
                at: option.location, hint: hint)
        }
        switch rule.value {
        case .text:
            if option.value.isEmpty { throw wrong("a name") }
        case .oneOf(let allowed):
            if !allowed.contains(option.value) {
                throw wrong(
                    "one of \(allowed.joined(separator: ", "))", Suggestion.hint(for: option.value, among: allowed))
            }
        case .integer(let range):
            guard let value = Int64(option.value), range.contains(value) else {
                throw wrong(
                    range.upperBound == .max
                        ? "an integer of at least \(range.lowerBound)"
                        : "an integer from \(range.lowerBound) to \(range.upperBound)")
            }
        case .number(let range):
            guard let value = Double(option.value), range.contains(value) else {
                throw wrong("a number from \(Int64(range.lowerBound)) to \(Int64(range.upperBound))")
            }
        case .timestamp:
            if Int64(option.value) != nil { break }
            do throws(Failure) {
                _ = try Coercion.parse(option.value, as: .timestamp, at: option.location)
            } catch {
                throw wrong("a timestamp or microseconds since 1970")
            }
        case .boolean:
            if option.value != "true" && option.value != "false" { throw wrong("true or false") }
        case .interval: break
        }
    }

    private static func names(for connector: String) -> [String] {
        rules.filter { $0.value.connectors.contains(connector) }.map(\.key).sorted()
    }

    private mutating func readTime(_ given: [String: OptionSyntax]) throws(Failure) {
        if let option = given["event_time"] { eventTime = (option.value, option.location) }
        for name in ["lateness", "skew"] {
            guard let option = given[name] else { continue }
            guard eventTime != nil else {
                throw Failure(
                    "22023", "option \"\(name)\" needs option \"event_time\"", at: option.location,
                    hint: "Name the timestamp column: event_time = 'ts'.")
            }
            if name == "skew", option.value == "none" {
                skew = nil
                continue
            }
            let value = try Self.microseconds(option)
            if name == "lateness" { lateness = value } else { skew = value }
        }
    }

    private static func microseconds(_ option: OptionSyntax) throws(Failure) -> Int64 {
        let allowed =
            option.name == "skew" ? "an interval such as '1 hour', or 'none'" : "an interval such as '5 seconds'"
        let wrong = Failure(
            "22023", "option \"\(option.name)\" is \"\(option.value)\", but must be \(allowed)", at: option.location)
        let datum: Datum
        do throws(Failure) {
            datum = try Coercion.parse(option.value, as: .interval, at: option.location)
        } catch {
            throw wrong
        }
        guard case .interval(let interval) = datum, interval.months == 0 else { throw wrong }
        let days = Int64(interval.days).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        let total = days.partialValue.addingReportingOverflow(interval.microseconds)
        // Far below the range of Int64, so that sums with times of day do not overflow.
        guard !days.overflow, !total.overflow, total.partialValue >= 0, total.partialValue < 1 << 60 else {
            throw wrong
        }
        return total.partialValue
    }

    private mutating func readConnector(_ given: [String: OptionSyntax], _ table: String) throws(Failure) {
        if let format = given["format"]?.value { self.format = format == "csv" ? .csv : .json }
        switch connector {
        case "generator":
            options["storage"] = options["storage"] ?? "virtual"
            if options["storage"] == "virtual" { format = .native }
            if options["entity"] == nil {
                guard GeneratorColumns.kinds.contains(table) else {
                    throw Failure(
                        "22023", "table \"\(table)\" needs option \"kind\"", at: given["connector"]?.location,
                        hint: "kind = 'person', 'auction' or 'bid'")
                }
                options["entity"] = table
            }
            if Double(options["rate"] ?? "0") == 0, options["count"] == nil {
                throw Failure(
                    "22023", "table \"\(table)\" needs option \"rate\" (events a second) or \"count\"",
                    at: (given["rate"] ?? given["connector"])?.location)
            }
        case "file":
            options["storage"] = options["storage"] ?? "stored"
            guard options["path"] != nil else {
                throw Failure(
                    "22023", "table \"\(table)\" needs option \"path\"", at: given["connector"]?.location,
                    hint: "path = '/data/events.ndjson'; a pattern such as /data/*.ndjson names several files.")
            }
        default:
            guard options["storage"] ?? "stored" == "stored" else {
                throw Failure(
                    "22023", "connector \"http\" has no virtual topics", at: given["storage"]?.location,
                    hint: "What is pushed has to be stored: leave the option out.")
            }
            options["storage"] = "stored"
        }
    }
}
