package import Cluster

/// A node's part of the epochs of a cluster: what it restores, processes and reports in the generation that it has read
/// back. A value without I/O.
///
/// Reports are sent again until the coordinator's next message shows that it has them, and a long restore says that it is
/// under way. A message of another generation changes nothing; ``GenerationGate`` refuses it before it comes here.
package struct EpochFollower: Sendable {
    package enum Event: Sendable, Equatable {
        /// A generation was read back, in which this node takes part or not.
        case adopted(generation: Int64, takesPart: Bool)
        /// The life has ended.
        case ended
        /// The coordinator's term has changed: it does not know what this node has done.
        case coordinatorChanged
        /// State is restored and replayed to the last recorded epoch.
        case restored(generation: Int64, epoch: Int64)
        /// `committed` is the last epoch of the generation that is known to be, negative before the first.
        case begin(epoch: Int64, fixed: Int64, committed: Int64, generation: Int64)
        /// The workers are done with the epoch.
        case processed(epoch: Int64, generation: Int64)
        case commit(epoch: Int64, generation: Int64)
        case tick
    }

    package enum Effect: Sendable, Equatable {
        /// Stop what belongs to earlier generations and restore this one.
        case restore(generation: Int64)
        /// Stop what belongs to earlier generations: this node has no part in the new one.
        case rest
        /// With the frontier that the coordinator of term `fixed` has fixed.
        case process(epoch: Int64, generation: Int64, fixed: Int64)
        case reportReady(generation: Int64, epoch: Int64)
        case reportWorking(generation: Int64)
        case reportDone(epoch: Int64, generation: Int64)
        /// Queries may see the epoch.
        case serve(epoch: Int64, generation: Int64)
    }

    package enum Phase: Sendable, Equatable {
        case resting
        case restoring
        /// Restored; the coordinator may not know.
        case ready
        case processing(epoch: Int64)
        /// Done with the epoch; the coordinator may not know.
        case done(epoch: Int64)
        /// The last epoch is committed.
        case settled
    }

    /// Microseconds between repeated reports.
    package let reportInterval: Int64
    package private(set) var phase = Phase.resting
    package private(set) var generation: Int64 = 0
    /// The epoch that this node's state is at: restored or processed last.
    package private(set) var position: Int64 = 0
    /// The newest epoch that queries may see here; it never goes back, also not in a new generation.
    package private(set) var committed: Int64 = 0
    private var nextReport = Instant.never

    package init(reportInterval: Int64 = 500_000) {
        self.reportInterval = reportInterval
    }

    /// When ``Event/tick`` is due.
    package var deadline: Instant {
        switch phase {
        case .resting, .settled: .never
        case .restoring, .ready, .processing, .done: nextReport
        }
    }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .adopted(let generation, let takesPart):
            guard generation > self.generation else { return [] }
            self.generation = generation
            phase = takesPart ? .restoring : .resting
            nextReport = now + reportInterval
            return [takesPart ? .restore(generation: generation) : .rest]
        case .ended:
            phase = .resting
            generation = 0
            return [.rest]
        case .coordinatorChanged:
            return coordinatorChanged(now: now)
        case .restored(let generation, let epoch):
            guard generation == self.generation, phase == .restoring else { return [] }
            phase = .ready
            position = epoch
            nextReport = now + reportInterval
            return [.reportReady(generation: generation, epoch: epoch)]
        case .begin(let epoch, let fixed, let committed, let generation):
            return generation == self.generation ? begin(epoch, fixed: fixed, committed: committed, now: now) : []
        case .processed(let epoch, let generation):
            guard generation == self.generation, phase == .processing(epoch: epoch) else { return [] }
            phase = .done(epoch: epoch)
            position = epoch
            nextReport = now + reportInterval
            return [.reportDone(epoch: epoch, generation: generation)]
        case .commit(let epoch, let generation):
            return generation == self.generation ? commit(epoch) : []
        case .tick:
            return tick(now: now)
        }
    }

    private mutating func coordinatorChanged(now: Instant) -> [Effect] {
        switch phase {
        case .resting, .restoring, .processing: return []
        case .ready, .done, .settled:
            phase = .ready
            nextReport = now + reportInterval
            return [.reportReady(generation: generation, epoch: position)]
        }
    }

    private mutating func begin(_ epoch: Int64, fixed: Int64, committed: Int64, now: Instant) -> [Effect] {
        switch phase {
        case .resting, .restoring: return []
        case .ready, .settled:
            guard epoch != position else { return [.reportDone(epoch: epoch, generation: generation)] }
            guard epoch > position else { return [] }
            phase = .processing(epoch: epoch)
            nextReport = now + reportInterval
            return [.process(epoch: epoch, generation: generation, fixed: fixed)]
        case .processing: return []
        case .done(let last):
            if epoch == last { return [.reportDone(epoch: epoch, generation: generation)] }
            guard epoch > last else { return [] }
            phase = .processing(epoch: epoch)
            nextReport = now + reportInterval
            let process = Effect.process(epoch: epoch, generation: generation, fixed: fixed)
            // The commit's message was lost, unless this is a replay, in which others may be behind.
            guard committed >= last, last > self.committed else { return [process] }
            self.committed = last
            return [.serve(epoch: last, generation: generation), process]
        }
    }

    private mutating func commit(_ epoch: Int64) -> [Effect] {
        switch phase {
        case .resting, .restoring: return []
        case .processing(let running) where epoch >= running: return []
        case .processing, .ready, .done, .settled: break
        }
        // A late copy of an earlier epoch's commit settles nothing: what was done since is still to be reported.
        if case .processing = phase {} else if epoch >= position { phase = .settled }
        guard epoch > committed else { return [] }
        committed = epoch
        return [.serve(epoch: epoch, generation: generation)]
    }

    private mutating func tick(now: Instant) -> [Effect] {
        guard now >= nextReport else { return [] }
        nextReport = now + reportInterval
        switch phase {
        case .resting, .settled: return []
        case .restoring, .processing: return [.reportWorking(generation: generation)]
        case .ready: return [.reportReady(generation: generation, epoch: position)]
        case .done(let epoch): return [.reportDone(epoch: epoch, generation: generation)]
        }
    }
}
