package import Actors
internal import Cluster

/// Asks another node, over a data connection, for the rows that its shards of a relation hold at an epoch: CBOR.
/// The answer is the bytes of deltas (`DeltaCodec`), one after the other.
package struct RowsRequest: Sendable, Hashable, Codable {
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

    package func encoded() throws(CoordinationError) -> [UInt8] {
        do {
            return try CBOREncoder().encode(self)
        } catch {
            throw CoordinationError(.refused, "the rows of \"\(name)\" cannot be asked for: \(error)")
        }
    }

    package init(_ bytes: [UInt8]) throws(CoordinationError) {
        do {
            self = try CBORDecoder().decode(Self.self, from: bytes)
        } catch {
            throw CoordinationError(.refused, "the message asks for no rows: \(error)")
        }
    }
}
