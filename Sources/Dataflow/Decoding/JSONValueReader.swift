/// Reads the JSON values of columns that the decoder does not read itself: strings by the type's input text, arrays element by
/// element, jsonb as it is.
final class JSONValueReader {
    private let columns: [(type: DataType, modifier: TypeModifier?)]
    /// The value that was read last.
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity = 256
    /// What the last refusal said, with a zero byte at its end.
    private var message: UnsafeMutablePointer<CChar>

    /// A message is cut after so many bytes.
    private static let messageBytesMax = 512

    init(_ columns: [ColumnSchema]) {
        self.columns = columns.map { ($0.type, $0.modifier) }
        bytes = .allocate(capacity: capacity)
        message = .allocate(capacity: Self.messageBytesMax + 1)
    }

    deinit {
        bytes.deallocate()
        message.deallocate()
    }

    /// Reads a string's contents or another value's JSON text into ``bytes``; or says what is wrong, valid until the next call.
    func read(_ text: UnsafeBufferPointer<UInt8>, isString: Bool, column: Int) -> UnsafePointer<CChar>? {
        let (type, modifier) = columns[column]
        do throws(RowFailure) {
            if type == .jsonb {
                try JSONBParser.parse(text).withUnsafeBytes { store($0) }
                return nil
            }
            var value = try Self.datum(text, isString: isString, type, modifier)
            if let modifier { value = try modifier.applied(to: value, isExplicit: false) }
            ValueBytes.withRaw(of: value) { store($0) }
            return nil
        } catch {
            return refuse(error.message)
        }
    }

    private func store(_ raw: UnsafeRawBufferPointer) {
        if raw.count > capacity {
            capacity = max(raw.count, capacity * 2)
            bytes.deallocate()
            bytes = .allocate(capacity: capacity)
        }
        if let source = raw.baseAddress {
            UnsafeMutableRawPointer(bytes).copyMemory(from: source, byteCount: raw.count)
        }
        count = raw.count
    }

    private func refuse(_ text: String) -> UnsafePointer<CChar> {
        let bytes = Array(text.utf8.prefix(Self.messageBytesMax))
        for (index, byte) in bytes.enumerated() { message[index] = CChar(bitPattern: byte) }
        message[bytes.count] = 0
        return UnsafePointer(message)
    }

    private static func datum(
        _ text: UnsafeBufferPointer<UInt8>, isString: Bool, _ type: DataType, _ modifier: TypeModifier?
    ) throws(RowFailure) -> Datum {
        guard let element = type.element else {
            guard isString || type.isNumeric || type == .boolean else {
                throw RowFailure("22P02", "not a string, as type \(type.name) is written in JSON")
            }
            return try parse(text, as: type, modifier)
        }
        if isString { return try parse(text, as: type) }
        let bytes = try JSONBParser.parse(text)
        return try bytes.withUnsafeBufferPointer { bytes throws(RowFailure) -> Datum in
            let json = JSONB(bytes)
            guard json.kind == .array else { throw RowFailure("22P02", "not an array") }
            var values: [Datum] = []
            values.reserveCapacity(json.count)
            for index in 0..<json.count { values.append(try self.element(json.element(index), element)) }
            return .array(values, element)
        }
    }

    /// One element of an array, in the form that the type has in JSON.
    private static func element(_ json: JSONB, _ type: DataType) throws(RowFailure) -> Datum {
        if json.isNull { return .null }
        if type == .jsonb { return ValueBytes.datum(.jsonb, UnsafeRawBufferPointer(json.bytes)) }
        switch json.kind {
        case .boolean where type == .boolean: return .boolean(json.isTrue)
        case .number where type.isNumeric: return try parse(json.text, as: type)
        case .string where !type.isNumeric && type != .boolean || type == .real || type == .double:
            return try parse(json.text, as: type)
        default: throw RowFailure("22P02", "an element of the array is not of type \(type.name)")
        }
    }

    private static func parse(
        _ text: UnsafeBufferPointer<UInt8>, as type: DataType, _ modifier: TypeModifier? = nil
    ) throws(RowFailure) -> Datum {
        do throws(RowError) {
            return try TextFormat.parse(text, as: type, modifier: modifier)
        } catch {
            throw RowFailure(error.code, error.message)
        }
    }
}
