/// A data item of the subset of RFC 8949 (CBOR) that control calls use: definite lengths, text keys, 64-bit floats, no tags.
package indirect enum CBORValue: Sendable {
    case null
    case boolean(Bool)
    case unsigned(UInt64)
    /// −1 − the number.
    case negative(UInt64)
    case double(Double)
    case text(String)
    case bytes([UInt8])
    case array([CBORValue])
    /// In the order written; a key occurs once.
    case map([(String, CBORValue)])

    /// What a message of a call may hold.
    package struct Limits: Sendable {
        /// Bytes of one message.
        package var bytesMax = 4 * 1024 * 1024
        /// Arrays and maps within one another.
        package var depthMax = 32
        /// Items in all.
        package var itemsMax = 1_000_000

        package init() {}
    }

    init(_ value: Int64) {
        self = value < 0 ? .negative(UInt64(~value)) : .unsigned(UInt64(value))
    }

    /// As an integer where 64 bits and a sign hold it, else as 16 bytes, the highest first, in two's complement.
    init(_ value: Int128) {
        if let number = UInt64(exactly: value) {
            self = .unsigned(number)
        } else if let complement = UInt64(exactly: ~value) {
            self = .negative(complement)
        } else {
            self = .bytes(withUnsafeBytes(of: value.bigEndian) { Array($0) })
        }
    }

    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .unsigned, .negative: "an integer"
        case .double: "a float"
        case .text: "a text"
        case .bytes: "bytes"
        case .array: "an array"
        case .map: "a map"
        }
    }

    /// The item's bytes.
    package var written: [UInt8] {
        var writer = CBORWriter()
        writer.write(self)
        return writer.output
    }

    /// Reads one item that takes all of `bytes`.
    ///
    /// - Throws: `invalidArgument` for what is malformed, outside of the subset or over a limit.
    package static func decode(_ bytes: [UInt8], limits: Limits = Limits()) throws(CallError) -> CBORValue {
        guard bytes.count <= limits.bytesMax else {
            throw CallError(.tooLarge, "a message of \(bytes.count) bytes exceeds the limit of \(limits.bytesMax)")
        }
        var reader = CBORReader(bytes, limits: limits)
        let value = try reader.item(depth: 0)
        guard reader.isAtEnd else {
            throw CallError(.invalidArgument, "a message goes on after its end, at byte \(reader.position)")
        }
        return value
    }
}

/// Reads items; no length is believed before the bytes are there.
private struct CBORReader {
    private let input: [UInt8]
    private let limits: CBORValue.Limits
    private(set) var position = 0
    private var items = 0

    init(_ input: [UInt8], limits: CBORValue.Limits) {
        self.input = input
        self.limits = limits
    }

    var isAtEnd: Bool { position == input.count }

    mutating func item(depth: Int) throws(CallError) -> CBORValue {
        guard depth <= limits.depthMax else {
            throw CallError(.invalidArgument, "a message is nested deeper than \(limits.depthMax)")
        }
        items += 1
        guard items <= limits.itemsMax else {
            throw CallError(.tooLarge, "a message has more than \(limits.itemsMax) items")
        }
        let initial = try take(1)[0]
        let low = initial & 31
        if initial >> 5 == CBORWriter.Major.simple.rawValue { return try simple(low) }
        let argument = try argument(low)
        switch CBORWriter.Major(rawValue: initial >> 5) {
        case .unsigned: return .unsigned(argument)
        case .negative: return .negative(argument)
        case .bytes: return .bytes(try take(argument))
        case .text: return .text(try text(argument))
        case .array:
            let count = try count(argument, bytesEach: 1)
            var items: [CBORValue] = []
            for _ in 0..<count { items.append(try item(depth: depth + 1)) }
            return .array(items)
        case .map: return try map(argument, depth: depth)
        case .simple, nil: throw CallError(.invalidArgument, "a message has a tag at byte \(position - 1)")
        }
    }

    private mutating func map(_ argument: UInt64, depth: Int) throws(CallError) -> CBORValue {
        let count = try count(argument, bytesEach: 2)
        var entries: [(String, CBORValue)] = []
        var seen: Set<String> = []
        for _ in 0..<count {
            let initial = try take(1)[0]
            guard initial >> 5 == CBORWriter.Major.text.rawValue else {
                throw CallError(.invalidArgument, "a message has a key that is not a text at byte \(position - 1)")
            }
            let key = try text(try self.argument(initial & 31))
            guard seen.insert(key).inserted else {
                throw CallError(.invalidArgument, "a message has the key \(key.prefix(64)) twice")
            }
            entries.append((key, try item(depth: depth + 1)))
        }
        return .map(entries)
    }

    private mutating func simple(_ low: UInt8) throws(CallError) -> CBORValue {
        switch low {
        case 20: return .boolean(false)
        case 21: return .boolean(true)
        case 22: return .null
        case 27: return .double(Double(bitPattern: try integer(8)))
        default: throw CallError(.invalidArgument, "a message has the simple value \(low) at byte \(position - 1)")
        }
    }

    private mutating func argument(_ low: UInt8) throws(CallError) -> UInt64 {
        switch low {
        case 0..<24: return UInt64(low)
        case 24: return try integer(1)
        case 25: return try integer(2)
        case 26: return try integer(4)
        case 27: return try integer(8)
        default: throw CallError(.invalidArgument, "a message has a length of unknown form at byte \(position - 1)")
        }
    }

    private mutating func integer(_ size: UInt64) throws(CallError) -> UInt64 {
        try take(size).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func text(_ count: UInt64) throws(CallError) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw CallError(.invalidArgument, "a message has a text that is not UTF-8 before byte \(position)")
        }
        return text
    }

    /// A number of elements, each of which needs some bytes that must be there.
    private func count(_ argument: UInt64, bytesEach: Int) throws(CallError) -> Int {
        guard argument <= UInt64((input.count - position) / bytesEach) else {
            throw CallError(
                .invalidArgument, "a message promises \(argument) elements at byte \(position) and ends before")
        }
        return Int(argument)
    }

    private mutating func take(_ count: UInt64) throws(CallError) -> [UInt8] {
        guard count <= UInt64(input.count - position) else {
            throw CallError(.invalidArgument, "a message of \(input.count) bytes ends within an item")
        }
        let end = position + Int(count)
        defer { position = end }
        return Array(input[position..<end])
    }
}
