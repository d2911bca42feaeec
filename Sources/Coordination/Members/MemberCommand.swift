internal import Actors
internal import Dataflow
internal import FoundationEssentials

/// What the node that drives a generation's epochs asks of another one, as it travels: JSON, keys sorted.
///
/// The receiver does it only if `generation` is the one that it takes part in, as read back from the control log, and
/// reads that log on first if it has not come that far.
struct MemberRequest: Sendable, Codable {
    var generation: Int64
    var command: MemberCommand
}

enum MemberCommand: Sendable, Codable {
    /// Answers when the node takes part in the generation, and takes the edges that others open.
    case begin
    /// Opens the node's edges to the others, all of which have begun.
    case connect
    case openLane(LaneID)
    case closeLane(LaneID)
    case openFiles(name: String, FileTopicOptions, expected: [Int: FileMark])
    case closeFiles(name: String)
    case install(LaneSetup, into: LaneID)
    case remove(Set<String>, nodes: Set<OperatorID>)
    case adopt(Set<OperatorID>, tables: Set<String>, from: LaneID)
    case run(StepPlan)
    case facts
}

/// What a command answers.
enum MemberAnswer: Sendable, Codable {
    case done
    case reports([StepReport])
    case facts(MemberFacts)
    case failed(CoordinationError)
}

/// The rows of a relation's shards at an epoch.
struct RowsRequest: Sendable, Codable {
    var generation: Int64
    var kind: ShardSet.Kind
    var name: String
    var epoch: Int64
}

/// JSON of messages between nodes.
enum MemberCodec {
    static func encode(_ value: some Encodable) throws(CoordinationError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw CoordinationError(.refused, "the message cannot be encoded: \(error)")
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(CoordinationError) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw CoordinationError(.refused, "the message is not a \(type): \(error)")
        }
    }
}
