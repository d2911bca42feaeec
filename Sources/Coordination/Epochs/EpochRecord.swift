package import Log

/// A record of `_dataprism.epochs`: epoch *e* covers the records below *F(e)*, for ever.
///
/// It is durable before any answer at *e* is given. For a virtual topic it is what fixes the end.
package struct EpochRecord: Hashable, Sendable, Codable {
    package var epoch: Int64
    package var frontier: Frontier
    /// The control version that the epoch's graph comes from.
    package var controlVersion: Int64
    /// The assignment of vnodes to workers; 1 as long as there is one node.
    package var generation: Int64
    /// The coordinator's writer epoch in the log: a record with a lower term than one before it does not count.
    package var term: Int64

    package init(epoch: Int64, frontier: Frontier, controlVersion: Int64, generation: Int64, term: Int64) {
        self.epoch = epoch
        self.frontier = frontier
        self.controlVersion = controlVersion
        self.generation = generation
        self.term = term
    }

    /// Whether the record may follow `previous`.
    package func follows(_ previous: EpochRecord?) -> Bool {
        guard let previous else { return epoch >= 1 }
        return epoch == previous.epoch + 1 && term >= previous.term && frontier.covers(previous.frontier)
    }
}

extension EpochRecord {
    private enum Keys: String, CodingKey {
        case epoch, frontier, controlVersion, generation, term
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        let token = try values.decode(String.self, forKey: .frontier)
        guard let frontier = Frontier(token: token) else {
            throw DecodingError.dataCorruptedError(
                forKey: .frontier, in: values, debugDescription: "not a frontier: \(token)")
        }
        self.init(
            epoch: try values.decode(Int64.self, forKey: .epoch), frontier: frontier,
            controlVersion: try values.decode(Int64.self, forKey: .controlVersion),
            generation: try values.decode(Int64.self, forKey: .generation),
            term: try values.decode(Int64.self, forKey: .term))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(epoch, forKey: .epoch)
        try values.encode(frontier.token, forKey: .frontier)
        try values.encode(controlVersion, forKey: .controlVersion)
        try values.encode(generation, forKey: .generation)
        try values.encode(term, forKey: .term)
    }
}
