internal import Dataflow
internal import FoundationEssentials
internal import Log

/// Records of the control and epoch logs as JSON: `{"version":1,"kind":"deploy","body":{…}}`, keys sorted.
package enum ControlCodec {
    private static let version = 1

    /// What records there are in the control topic and, of the last, in the epochs' topic.
    package enum Kind: String, Codable, CaseIterable {
        case deploy, drop, state
        case found, join, admit, leave, remove, lead, assign, place, drain, moveLead, rebalance
        case epoch
    }

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
        case .deploy(let body): try encode(Envelope(version: version, kind: Kind.deploy.rawValue, body: body))
        case .drop(let body): try encode(Envelope(version: version, kind: Kind.drop.rawValue, body: body))
        case .cluster(let record): try encode(record)
        case .state(let body): try encode(Envelope(version: version, kind: Kind.state.rawValue, body: body))
        }
    }

    private static func encode(_ record: ClusterRecord) throws(CoordinationError) -> [UInt8] {
        switch record {
        case .found(let body): try encode(Envelope(version: version, kind: Kind.found.rawValue, body: body))
        case .join(let body): try encode(Envelope(version: version, kind: Kind.join.rawValue, body: body))
        case .admit(let body): try encode(Envelope(version: version, kind: Kind.admit.rawValue, body: body))
        case .leave(let body): try encode(Envelope(version: version, kind: Kind.leave.rawValue, body: body))
        case .remove(let body): try encode(Envelope(version: version, kind: Kind.remove.rawValue, body: body))
        case .lead(let body): try encode(Envelope(version: version, kind: Kind.lead.rawValue, body: body))
        case .assign(let body): try encode(Envelope(version: version, kind: Kind.assign.rawValue, body: body))
        case .place(let body): try encode(Envelope(version: version, kind: Kind.place.rawValue, body: body))
        case .drain(let body): try encode(Envelope(version: version, kind: Kind.drain.rawValue, body: body))
        case .moveLead(let body): try encode(Envelope(version: version, kind: Kind.moveLead.rawValue, body: body))
        case .rebalance(let body): try encode(Envelope(version: version, kind: Kind.rebalance.rawValue, body: body))
        }
    }

    /// A record of the next version, which decides nothing: tests of upgrades see that other builds skip it.
    package static func encodeHint(_ text: String) throws(CoordinationError) -> [UInt8] {
        try encode(Envelope(version: version + 1, kind: "hint", body: ["text": text]))
    }

    package static func decode(_ bytes: [UInt8]) -> ControlEntry {
        do {
            let data = Data(bytes)
            let header = try decoder.decode(Header.self, from: data)
            guard header.version == version, let record = try record(header.kind, data) else {
                return .unknown(kind: header.kind, version: header.version)
            }
            return .record(record)
        } catch {
            return .malformed("\(error)")
        }
    }

    /// nil for a kind that is not known.
    private static func record(_ kind: String, _ data: Data) throws -> ControlRecord? {
        switch Kind(rawValue: kind) {
        case .deploy: .deploy(try body(data))
        case .drop: .drop(try body(data))
        case .found: .cluster(.found(try body(data)))
        case .join: .cluster(.join(try body(data)))
        case .admit: .cluster(.admit(try body(data)))
        case .leave: .cluster(.leave(try body(data)))
        case .remove: .cluster(.remove(try body(data)))
        case .lead: .cluster(.lead(try body(data)))
        case .assign: .cluster(.assign(try body(data)))
        case .place: .cluster(.place(try body(data)))
        case .drain: .cluster(.drain(try body(data)))
        case .moveLead: .cluster(.moveLead(try body(data)))
        case .rebalance: .cluster(.rebalance(try body(data)))
        case .state: .state(try body(data))
        // Epochs have a topic of their own.
        case .epoch, nil: nil
        }
    }

    private static func body<Body: Codable>(_ data: Data) throws -> Body {
        try decoder.decode(Envelope<Body>.self, from: data).body
    }

    package static func encode(_ record: EpochRecord) throws(CoordinationError) -> [UInt8] {
        try encode(Envelope(version: version, kind: Kind.epoch.rawValue, body: record))
    }

    /// nil for another kind or version.
    package static func decodeEpoch(_ bytes: [UInt8]) -> EpochRecord? {
        do {
            let envelope = try decoder.decode(Envelope<EpochRecord>.self, from: Data(bytes))
            return envelope.version == version && envelope.kind == Kind.epoch.rawValue ? envelope.body : nil
        } catch {
            return nil
        }
    }

    /// A sign of the coordinator of a term, in a topic of its own.
    package static func encodeSign(term: Int64) -> [UInt8] { Array("{\"term\":\(term)}".utf8) }

    /// nil for what is no sign.
    package static func decodeSign(_ bytes: [UInt8]) -> Int64? {
        struct Sign: Codable { var term: Int64 }
        do {
            return try decoder.decode(Sign.self, from: Data(bytes)).term
        } catch {
            return nil
        }
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
