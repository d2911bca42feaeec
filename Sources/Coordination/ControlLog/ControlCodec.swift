internal import Dataflow
internal import FoundationEssentials
internal import Log

/// Records of the control and epoch logs as JSON: `{"version":1,"kind":"deploy","body":{…}}`, keys sorted.
package enum ControlCodec {
    private static let version = 1

    private struct Header: Codable {
        var version: Int
        var kind: String
    }

    private struct Envelope<Body: Codable>: Codable {
        var version: Int
        var kind: String
        var body: Body
    }

    package static func encode(_ record: ControlRecord) throws(CoordinationError) -> [UInt8] {
        switch record {
        case .deploy(let body): try encode(Envelope(version: version, kind: "deploy", body: body))
        case .drop(let body): try encode(Envelope(version: version, kind: "drop", body: body))
        }
    }

    package static func decode(_ bytes: [UInt8]) -> ControlEntry {
        do {
            let data = Data(bytes)
            let header = try decoder.decode(Header.self, from: data)
            switch (header.kind, header.version) {
            case ("deploy", version):
                return .record(.deploy(try decoder.decode(Envelope<ControlRecord.Deploy>.self, from: data).body))
            case ("drop", version):
                return .record(.drop(try decoder.decode(Envelope<ControlRecord.Drop>.self, from: data).body))
            default:
                return .unknown(kind: header.kind, version: header.version)
            }
        } catch {
            return .malformed("\(error)")
        }
    }

    package static func encode(_ record: EpochRecord) throws(CoordinationError) -> [UInt8] {
        try encode(Envelope(version: version, kind: "epoch", body: record))
    }

    /// nil for another kind or version.
    package static func decodeEpoch(_ bytes: [UInt8]) -> EpochRecord? {
        do {
            let envelope = try decoder.decode(Envelope<EpochRecord>.self, from: Data(bytes))
            return envelope.version == version && envelope.kind == "epoch" ? envelope.body : nil
        } catch {
            return nil
        }
    }

    package static func encode(_ status: PipelineStatus) throws(CoordinationError) -> [UInt8] {
        try encodeValue(status)
    }

    private static func encode<Body>(_ envelope: Envelope<Body>) throws(CoordinationError) -> [UInt8] {
        try encodeValue(envelope)
    }

    private static func encodeValue(_ value: some Encodable) throws(CoordinationError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw CoordinationError(.refused, "the record cannot be encoded: \(error)")
        }
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return decoder
    }
}
