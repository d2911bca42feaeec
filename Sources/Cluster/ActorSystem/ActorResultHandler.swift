internal import Distributed
internal import Synchronization

/// Takes what a distributed method returned or threw and makes it an answer.
package struct ActorResultHandler: DistributedTargetInvocationResultHandler {
    package typealias SerializationRequirement = Codable

    /// The answer, once the method is done.
    final class Answer: Sendable {
        private let outcome = Mutex<Result<[UInt8], CallError>?>(nil)

        func set(_ value: Result<[UInt8], CallError>) { outcome.withLock { $0 = value } }

        func take() throws(CallError) -> [UInt8] {
            guard let outcome = outcome.withLock({ $0 }) else {
                throw CallError(.internalFailure, "the method gave no answer")
            }
            return try outcome.get()
        }
    }

    let answer = Answer()
    private let table: ActorMethodTable
    private let limits: CBORValue.Limits

    init(table: ActorMethodTable, limits: CBORValue.Limits) {
        self.table = table
        self.limits = limits
    }

    package func onReturn<Success: Codable>(value: Success) async throws {
        do {
            answer.set(.success(try CBOREncoder(limits: limits).encode(value)))
        } catch {
            answer.set(.failure(Self.plain(error)))
        }
    }

    package func onReturnVoid() async throws {
        var writer = CBORWriter()
        writer.write(.null)
        answer.set(.success(writer.output))
    }

    package func onThrow<Failure: Error>(error: Failure) async throws {
        answer.set(.failure(encode(error)))
    }

    private func encode(_ error: any Error) -> CallError {
        // The transport's own errors keep their status: a method may fail because a call of its own did.
        if let error = error as? CallError { return error }
        guard let type = table.errorsByType[ObjectIdentifier(Swift.type(of: error))] else { return Self.plain(error) }
        do {
            guard let bytes = try type.encode(error) else { return Self.plain(error) }
            var writer = CBORWriter()
            writer.write(.map([("type", .text(type.name)), ("value", try CBORValue.decode(bytes))]))
            return CallError(.failed, "the method threw \(type.name)", payload: writer.output)
        } catch {
            return Self.plain(error)
        }
    }

    /// An error without an entry in the table: its description alone.
    private static func plain(_ error: any Error) -> CallError {
        (error as? CallError) ?? CallError(.failed, String(describing: error))
    }
}
