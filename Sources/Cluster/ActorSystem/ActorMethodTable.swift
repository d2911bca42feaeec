package import Distributed

/// The distributed methods and error types that may cross the wire, by names of our own.
///
/// A name on the wire is looked up here and nowhere else: neither a mangled symbol nor a type's name is ever taken from a
/// message. Names stay when types are renamed, and are never reused.
package struct ActorMethodTable: Sendable {
    struct Method: Sendable {
        let name: String
        /// The compiler's name of the method's accessor.
        let identifier: String
        /// The actor type that has it: the accessor must run on no other.
        let actor: ObjectIdentifier
    }

    struct ErrorType: Sendable {
        let name: String
        let decode: @Sendable (CBORValue) throws -> any Error
        let encode: @Sendable (any Error) throws -> [UInt8]?
    }

    private(set) var byName: [String: Method] = [:]
    private(set) var byIdentifier: [String: Method] = [:]
    private(set) var errorsByName: [String: ErrorType] = [:]
    private(set) var errorsByType: [ObjectIdentifier: ErrorType] = [:]

    package init() {}

    /// The names of all methods on the wire, sorted.
    package var methodNames: [String] { byName.keys.sorted() }

    /// Adds one method: `call` calls it on the proxy that it gets, with any arguments. Nothing is sent.
    package mutating func method<Act: DistributedActor>(
        _ name: String, of type: Act.Type, _ call: @Sendable (Act) async throws -> Void
    ) async where Act.ActorSystem == ClusterActorSystem {
        let identifier = await ClusterActorSystem.identifier(of: type, call)
        precondition(byName[name] == nil && byIdentifier[identifier] == nil, "the method \(name) is in the table twice")
        let method = Method(name: name, identifier: identifier, actor: ObjectIdentifier(type))
        byName[name] = method
        byIdentifier[identifier] = method
    }

    /// Adds one error type that methods throw. Others reach the caller as ``CallError`` with their description.
    package mutating func error<Failure: Error & Codable>(_ name: String, _ type: Failure.Type) {
        precondition(errorsByName[name] == nil, "the error \(name) is in the table twice")
        let entry = ErrorType(
            name: name, decode: { try CBORDecoder().decode(Failure.self, from: $0) },
            encode: { error in
                guard let error = error as? Failure else { return nil }
                return try CBOREncoder().encode(error)
            })
        errorsByName[name] = entry
        errorsByType[ObjectIdentifier(type)] = entry
    }
}
