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
            answer.set(.failure(ActorMethodTable.plain(error)))
        }
    }

    package func onReturnVoid() async throws {
        answer.set(.success(CBORValue.null.written))
    }

    package func onThrow<Failure: Error>(error: Failure) async throws {
        answer.set(.failure(table.answer(to: error)))
    }
}
