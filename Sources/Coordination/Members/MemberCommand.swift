package import Actors
internal import Cluster
package import Dataflow
internal import FoundationEssentials

/// What the node that drives a generation's epochs asks of another one, as it travels: JSON, keys sorted.
///
/// The receiver does it only if `generation` is the one that it takes part in, as read back from the control log, and
/// reads that log on first if it has not come that far.
package struct MemberRequest: Sendable, Codable {
    package var generation: Int64
    package var command: MemberCommand
    /// A field of the next version, which version 1 neither writes nor reads.
    package var note: String?

    package init(generation: Int64, command: MemberCommand) {
        self.generation = generation
        self.command = command
        note = WireVersions.isNext ? "next" : nil
    }
}

package enum MemberCommand: Sendable, Codable {
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
package enum MemberAnswer: Sendable, Codable {
    case done
    case reports([StepReport])
    case facts(MemberFacts)
    case failed(CoordinationError)
}

/// The rows of a relation's shards at an epoch.
package struct RowsRequest: Sendable, Codable {
    package var generation: Int64
    package var kind: ShardSet.Kind
    package var name: String
    package var epoch: Int64

    package init(generation: Int64, kind: ShardSet.Kind, name: String, epoch: Int64) {
        self.generation = generation
        self.kind = kind
        self.name = name
        self.epoch = epoch
    }
}

/// JSON of messages between nodes.
package enum MemberCodec {
    package static func encode(_ value: some Encodable) throws(CoordinationError) -> [UInt8] {
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

    package static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(CoordinationError)
        -> Value
    {
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
