internal import Actors
internal import Dataflow
internal import Log
internal import Logging

/// Why a virtual file topic is not read any more.
struct StoppedSource {
    var message: String
    /// Records that its frontier covers were not read, so what reads it has no rows at any later epoch. Otherwise its rows up to there
    /// are right, and stay.
    var isLost: Bool
}

/// Sources that have stopped: only what reads them is concerned; everything else goes on.
///
/// A file that was changed cannot give its records again. While the node runs, its topic's end stays at the frontier: views over it keep
/// the rows that they have, go on with their other sources, and say that they are stale. Where records below the frontier are
/// missing (after a restart, or when the file changes between the choice of an epoch's end and its reading), no rows could be
/// the answer, so reads of what depends on them are refused with the reason.
extension Coordinator {
    /// A topic is not read on from here.
    func stop(_ frontierName: String, _ message: String, isLost: Bool) {
        if let known = stoppedSources[frontierName], known.isLost || !isLost { return }
        let first = stoppedSources[frontierName]?.message ?? message
        stoppedSources[frontierName] = StoppedSource(message: first, isLost: isLost)
        logger.error(
            "a source has stopped", metadata: ["topic": "\(frontierName)", "error": "\(first)", "lost": "\(isLost)"])
    }

    /// Takes over what lanes met; a shorter step than planned loses what reads the topic.
    func noteFailures(_ stepReports: [StepReport]) {
        for report in stepReports {
            for partition in report.failures.keys.sorted() {
                guard let failure = report.failures[partition] else { continue }
                stop(partition.topic, failure.message, isLost: failure.isShort)
            }
        }
    }

    /// Tables that have stopped among a relation and all that it reads, with the reason.
    func stoppedTables(under name: String) -> [(table: String, source: StoppedSource)] {
        guard !stoppedSources.isEmpty else { return [] }
        var found: [(table: String, source: StoppedSource)] = []
        var seen: Set<String> = [name]
        var open = [name]
        while let next = open.popLast() {
            guard let relation = state.catalog[next] else { continue }
            if case .table(let schema) = relation.kind, let topic = state.topics[schema.topic],
                let source = stoppedSources[topic.frontierName]
            {
                found.append((next, source))
            }
            for dependency in relation.dependencies where seen.insert(dependency).inserted { open.append(dependency) }
        }
        return found.sorted { $0.table < $1.table }
    }

    /// Why a relation has no rows to answer with; nil if it has.
    func lostReason(_ name: String) -> String? {
        if let message = failedBuilds[name] { return message }
        guard let lost = stoppedTables(under: name).first(where: { $0.source.isLost }) else { return nil }
        return "its source \"\(lost.table)\" has stopped: \(lost.source.message)"
    }

    /// Refuses what cannot be answered.
    func checkNotLost(_ name: String) throws(CoordinationError) {
        guard let reason = lostReason(name) else { return }
        throw CoordinationError(.sourceFailed, "\"\(name)\" cannot be answered: \(reason)")
    }

    /// A new relation would have to read what cannot be read again.
    func checkReadable(_ deployments: [Deployment]) throws(CoordinationError) {
        for deployment in deployments {
            if case .table(let schema) = deployment.relation.kind, let topic = state.topics[schema.topic],
                let source = stoppedSources[topic.frontierName]
            {
                throw CoordinationError(
                    .sourceFailed, "topic \"\(schema.topic)\" cannot be read again: \(source.message)")
            }
            for name in deployment.relation.dependencies {
                if let reason = lostReason(name) {
                    throw CoordinationError(.sourceFailed, "\"\(name)\" cannot be read: \(reason)")
                }
                guard let relation = state.catalog[name] else { continue }
                // The rows of a stale view are right as far as they go; a table would be read from the start again.
                if case .materializedView = relation.kind { continue }
                if let stopped = stoppedTables(under: name).first {
                    throw CoordinationError(
                        .sourceFailed, "\"\(stopped.table)\" cannot be read again: \(stopped.source.message)")
                }
            }
        }
    }
}
