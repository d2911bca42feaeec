package import Distributed

/// A call of a distributed method on the wire: a CBOR map.
///
/// ```
/// {"to": {"node": {"name", "incarnation"}, "name"}, "method": text, "arguments": [item]}
/// ```
/// The answer is the result's item alone, null for none. An error is `{"type": text, "value": item}`, with
/// ``CallStatus/failed``. Keys that a build does not know are ignored; a changed signature gets a new method name.
/// The next version adds a key `note`, which version 1 neither writes nor reads.
package struct ActorCall {
    package static let path = "/dataprism/actor"
    /// Arguments of one method.
    package static let argumentsMax = 16

    package var target: ClusterActorID
    package var method: String
    package var arguments: [CBORValue]

    package init(target: ClusterActorID, method: String, arguments: [CBORValue]) {
        self.target = target
        self.method = method
        self.arguments = arguments
    }

    /// - Throws: `tooLarge` over the limit.
    package func encoded(limits: CBORValue.Limits) throws(CallError) -> [UInt8] {
        let node: [(String, CBORValue)] = [
            ("name", .text(target.node.name.text)), ("incarnation", CBORValue(target.node.incarnation.rawValue)),
        ]
        var fields: [(String, CBORValue)] = [
            ("to", .map([("node", .map(node)), ("name", .text(target.name))])), ("method", .text(method)),
            ("arguments", .array(arguments)),
        ]
        if WireVersions.isNext { fields.append(("note", .text("next"))) }
        let bytes = CBORValue.map(fields).written
        guard bytes.count <= limits.bytesMax else {
            throw CallError(
                .tooLarge, "a call of \(method) of \(bytes.count) bytes exceeds the limit of \(limits.bytesMax)")
        }
        return bytes
    }

    /// - Throws: `invalidArgument` or `tooLarge`.
    package static func decode(_ bytes: [UInt8], limits: CBORValue.Limits) throws(CallError) -> ActorCall {
        guard case .map(let entries) = try CBORValue.decode(bytes, limits: limits) else {
            throw CallError(.invalidArgument, "a call that is not a map")
        }
        let fields = Dictionary(entries) { first, _ in first }
        guard let to = fields["to"], case .text(let method)? = fields["method"],
            case .array(let arguments)? = fields["arguments"]
        else { throw CallError(.invalidArgument, "a call without to, method or arguments") }
        guard arguments.count <= argumentsMax else {
            throw CallError(
                .invalidArgument, "a call with \(arguments.count) arguments; at most \(argumentsMax) are taken")
        }
        let target: ClusterActorID
        do {
            target = try CBORDecoder().decode(ClusterActorID.self, from: to)
        } catch {
            throw CallError(.invalidArgument, "a call to no actor: \(error)")
        }
        guard target.name.utf8.count <= ClusterActorID.nameBytesMax else {
            throw CallError(.invalidArgument, "a call to an actor whose name has \(target.name.utf8.count) bytes")
        }
        return ActorCall(target: target, method: method, arguments: arguments)
    }
}

/// Collects the arguments of a call of ours.
package struct ActorInvocationEncoder: DistributedTargetInvocationEncoder {
    package typealias SerializationRequirement = Codable

    private(set) var arguments: [CBORValue] = []
    private let limits: CBORValue.Limits

    init(limits: CBORValue.Limits) { self.limits = limits }

    package mutating func recordGenericSubstitution<Value>(_ type: Value.Type) throws {
        throw CallError(.invalidArgument, "generic distributed methods are not called across nodes")
    }

    package mutating func recordArgument<Value: Codable>(_ argument: RemoteCallArgument<Value>) throws {
        arguments.append(try CBOREncoder(limits: limits).item(argument.value))
    }

    package mutating func recordErrorType<Failure: Error>(_ type: Failure.Type) throws {}
    package mutating func recordReturnType<Value: Codable>(_ type: Value.Type) throws {}
    package mutating func doneRecording() throws {}
}

/// Hands out the arguments of a call that came.
package struct ActorInvocationDecoder: DistributedTargetInvocationDecoder {
    package typealias SerializationRequirement = Codable

    private let arguments: [CBORValue]
    private var next = 0

    init(arguments: [CBORValue]) { self.arguments = arguments }

    package mutating func decodeGenericSubstitutions() throws -> [any Any.Type] { [] }

    package mutating func decodeNextArgument<Argument: Codable>() throws -> Argument {
        guard next < arguments.count else {
            throw CallError(.invalidArgument, "a call with \(arguments.count) arguments; the method takes more")
        }
        defer { next += 1 }
        return try CBORDecoder().decode(Argument.self, from: arguments[next])
    }

    // The caller knows these types; they are not taken from a message.
    package mutating func decodeErrorType() throws -> (any Any.Type)? { nil }
    package mutating func decodeReturnType() throws -> (any Any.Type)? { nil }
}
