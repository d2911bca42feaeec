package import Logging
internal import Synchronization

/// What every log line of a node carries: which life it is, the generation that it takes part in and the newest committed epoch.
package final class LogFields: Sendable {
    private struct Values {
        var node = ""
        var generation: Int64 = 0
        var epoch: Int64 = 0
    }

    private let values = Mutex(Values())

    package init() {}

    /// For a logger: it looks at the values only when a line is written.
    package var provider: Logger.MetadataProvider {
        Logger.MetadataProvider { [self] in
            let values = values.withLock { $0 }
            guard !values.node.isEmpty else { return [:] }
            return [
                "node": "\(values.node)", "generation": "\(values.generation)", "epoch": "\(values.epoch)",
            ]
        }
    }

    func set(node: String, generation: Int64) {
        values.withLock {
            $0.node = node
            $0.generation = generation
        }
    }

    func set(epoch: Int64) { values.withLock { $0.epoch = epoch } }
}
