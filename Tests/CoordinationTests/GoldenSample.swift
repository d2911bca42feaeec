import Cluster
import Coordination
import Foundation

/// A message between nodes or a record of a topic: a line of `Golden/version1.txt`.
struct GoldenSample {
    var name: String
    /// As this build writes it.
    var bytes: [UInt8]
    /// As a build of the next version might write it, with something more in it; nil where the two agree on the version before it is
    /// sent, so that the older one never sees it.
    var next: [UInt8]?
    /// Decodes, throws if it is not what was written, and encodes what was decoded.
    var again: ([UInt8]) throws -> [UInt8]

    struct Mismatch: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    static func check<Value: Equatable>(_ found: Value, _ expected: Value) throws {
        guard found == expected else { throw Mismatch("\(found) is not \(expected)") }
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func bytes(ofHex text: Substring) throws -> [UInt8] {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else {
            throw Mismatch("\(text) is not hexadecimal")
        }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }

    // MARK: CBOR

    /// A struct with a key more.
    static func extended(_ item: CBORValue) -> CBORValue {
        guard case .map(let entries) = item else { return item }
        return .map(entries + [("unheardOf", .array([.text("next"), .null]))])
    }

    /// A value as an item, and back.
    static func item<Value: Codable & Equatable>(_ value: Value) throws -> CBORValue {
        try CBORValue.decode(try CBOREncoder().encode(value))
    }

    /// A value that travels alone. Of a dictionary the next version adds nothing: its keys are data.
    static func value<Value: Codable & Equatable>(
        _ name: String, _ value: Value, isStruct: Bool = true
    ) throws -> GoldenSample {
        let bytes = try CBOREncoder().encode(value)
        return GoldenSample(name: name, bytes: bytes, next: isStruct ? extended(try item(value)).written : bytes) {
            let found = try CBORDecoder().decode(Value.self, from: $0)
            try check(found, value)
            return try CBOREncoder().encode(found)
        }
    }

    // MARK: Records

    static func record(_ kind: ControlCodec.Kind, _ record: ControlRecord) throws -> GoldenSample {
        let bytes = try ControlCodec.encode(record)
        return GoldenSample(name: "record \(kind.rawValue)", bytes: bytes, next: try extendedRecord(bytes)) { bytes in
            guard case .record(let found) = ControlCodec.decode(bytes) else {
                throw Mismatch("\(String(decoding: bytes, as: UTF8.self)) is no record")
            }
            try check(found, record)
            return try ControlCodec.encode(found)
        }
    }

    /// A key more in a record and in its body.
    static func extendedRecord(_ bytes: [UInt8]) throws -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(#"{"body":{""#) else { throw Mismatch("\(text) has no body") }
        return Array((#"{"unheardOf":[1],"body":{"unheardOf":{"a":null},"# + text.dropFirst(9)).utf8)
    }
}
