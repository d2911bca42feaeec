package import Cluster

/// How one process becomes, stays and ceases to be a node: a value without I/O.
///
/// The process appends a `Join`, is a node once it reads it back as accepted, acts on a generation once it reads that
/// back, and when its life turns out to have ended it drops all work and begins another one. It never trusts its memory
/// of what it appended: only the fold counts, so lost answers, duplicates and delays of the log change nothing.
///
/// ```
/// outside ──Join appended──► joining ──read back──► living ──its end read back──► outside (again, or gone if it left)
/// ```
package struct NodeLife: Sendable {
    package enum Event: Sendable, Equatable {
        /// The log was read up to what was its end at `began`, of this node's clock; the fold is handed over with it.
        case folded(began: Instant)
        case tick
        /// The process wants to stop: it hands over what it owns first.
        case leave(reason: String)
    }

    package enum Effect: Sendable, Equatable {
        /// Append to the control log. Whether it counts shows when it is read back.
        case append(ClusterRecord)
        /// This life has begun: take part in membership, answer probes.
        case began(NodeID)
        /// This life is over: refuse its streams, drop its work, forget its memberships.
        case ended(NodeID)
        /// A generation was read back: stop what belongs to earlier ones, then do what it says.
        case adopt(Assignment)
        /// The name cannot be had, and why; it is tried again.
        case refused(String)
        /// The life that wanted to leave has ended; the process may stop.
        case left
    }

    /// Times are in microseconds.
    package struct Settings: Sendable, Equatable {
        /// An append that has not been read back by then is repeated.
        package var appendTimeout: Int64 = 1_500_000
        /// After the end of a life, before the next one is begun: doubled each time up to ``rejoinMost``, and from the
        /// beginning once a life has lasted that long. Bounds what a flapping node costs the others.
        package var rejoinFirst: Int64 = 100_000
        package var rejoinMost: Int64 = 5_000_000
        /// A leaving node that still owns something by then leaves all the same.
        package var drainTimeout: Int64 = 30_000_000
        /// A node that has not read the log for this long answers nothing: what it thinks may be over.
        package var lease: Int64 = 5_000_000

        package init() {}
    }

    package enum Phase: Sendable, Equatable {
        case outside(rejoin: Instant)
        case joining(nonce: String, retry: Instant)
        case living(NodeID)
        case gone
    }

    package let name: NodeName
    package let directory: String
    package let description: NodeDescription
    package let settings: Settings
    package private(set) var phase: Phase
    /// The newest generation that was read back in this life; 0 before the first.
    package private(set) var generation: Int64 = 0
    /// The log was known up to its end at this time of the local clock.
    package private(set) var lastRead: Instant?
    private var rejoinDelay: Int64
    private var lifeBegan: Instant?
    private var leaving: (reason: String, giveUp: Instant)?
    private var nextAppend: Instant
    private var refusal: String?
    /// The newest life of the name when this process last wanted to join.
    private var expected: Incarnation?

    package init(
        name: NodeName, directory: String, description: NodeDescription, settings: Settings = Settings(), now: Instant
    ) {
        self.name = name
        self.directory = directory
        self.description = description
        self.settings = settings
        phase = .outside(rejoin: now)
        rejoinDelay = settings.rejoinFirst
        nextAppend = now
    }

    /// This life; nil while there is none.
    package var own: NodeID? {
        if case .living(let node) = phase { return node }
        return nil
    }

    /// When ``Event/tick`` is due.
    package var deadline: Instant {
        switch phase {
        case .outside(let rejoin): lastRead == nil ? .never : rejoin
        case .joining(_, let retry): retry
        case .living: leaving == nil ? .never : nextAppend
        case .gone: .never
        }
    }

    /// Whether the node may answer anybody now: it lives, and has known the log's end within its lease.
    ///
    /// To be asked after an answer is computed, immediately before it is sent, with a clock that counts suspended time.
    package func holdsLease(now: Instant) -> Bool {
        guard own != nil, let lastRead else { return false }
        return now - lastRead < settings.lease
    }

    package mutating func handle(
        _ event: Event, cluster: ClusterState, now: Instant, using rng: inout some RandomNumberGenerator
    ) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .folded(let began):
            lastRead = max(lastRead ?? began, began)
        case .tick:
            break
        case .leave(let reason):
            if leaving == nil {
                leaving = (reason, now + settings.drainTimeout)
                nextAppend = now
            }
        }
        // Nothing is decided before the log has been read once.
        guard lastRead != nil else { return [] }
        follow(cluster, now: now, using: &rng, into: &effects)
        return effects
    }

    /// What the fold says about this process, and what to do about it.
    private mutating func follow(
        _ cluster: ClusterState, now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if case .living(let node) = phase, !cluster.isCurrent(node) {
            end(node, now: now, using: &rng, into: &effects)
        }
        switch phase {
        case .outside(let rejoin):
            if leaving != nil {
                phase = .gone
                effects.append(.left)
            } else if now >= rejoin {
                join(nonce: Self.nonce(using: &rng), cluster, now: now, into: &effects)
            }
        case .joining(let nonce, let retry):
            if let life = cluster.life(named: name), life.nonce == nonce {
                begin(life.node, now: now, into: &effects)
                live(life.node, cluster, now: now, into: &effects)
            } else if leaving != nil, refusal != nil || now >= retry {
                // Its name is another's, or its record was lost: there is no life to end.
                phase = .gone
                effects.append(.left)
            } else if now >= retry {
                // Another life of the name since, maybe of this very record, and over before it was read: that record is spent.
                let isSpent = cluster.newest(name) != expected
                join(nonce: isSpent ? Self.nonce(using: &rng) : nonce, cluster, now: now, into: &effects)
            }
        case .living(let node):
            live(node, cluster, now: now, into: &effects)
        case .gone:
            break
        }
    }

    private mutating func join(nonce: String, _ cluster: ClusterState, now: Instant, into effects: inout [Effect]) {
        phase = .joining(nonce: nonce, retry: now + settings.appendTimeout)
        if let current = cluster.life(named: name), current.directory != directory {
            let reason = "\(current.node) has another data directory; remove it first"
            if refusal != reason { effects.append(.refused(reason)) }
            refusal = reason
            return
        }
        refusal = nil
        expected = cluster.newest(name)
        effects.append(
            .append(
                .join(
                    ClusterRecord.Join(
                        name: name, directory: directory, nonce: nonce, after: expected,
                        description: description))))
    }

    private mutating func begin(_ node: NodeID, now: Instant, into effects: inout [Effect]) {
        phase = .living(node)
        lifeBegan = now
        generation = 0
        effects.append(.began(node))
    }

    private mutating func end(
        _ node: NodeID, now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if let lifeBegan, now - lifeBegan >= settings.rejoinMost { rejoinDelay = settings.rejoinFirst }
        phase = .outside(rejoin: now + Int64.random(in: rejoinDelay / 2...rejoinDelay, using: &rng))
        rejoinDelay = min(settings.rejoinMost, rejoinDelay * 2)
        lifeBegan = nil
        generation = 0
        effects.append(.ended(node))
    }

    private mutating func live(
        _ node: NodeID, _ cluster: ClusterState, now: Instant, into effects: inout [Effect]
    ) {
        if let assignment = cluster.assignment, assignment.generation > generation {
            generation = assignment.generation
            effects.append(.adopt(assignment))
        }
        guard let leaving, now >= nextAppend else { return }
        nextAppend = now + settings.appendTimeout
        let isOwner = cluster.assignment?.contains(node) ?? false
        let isAlone = !cluster.lives.contains { $0.node != node && $0.isAdmitted && !$0.isDraining }
        if !isOwner || isAlone || now >= leaving.giveUp {
            effects.append(
                .append(.leave(ClusterRecord.Leave(author: node.incarnation, reason: leaving.reason))))
        } else if cluster.life(node.incarnation)?.isDraining == false {
            effects.append(
                .append(
                    .drain(
                        ClusterRecord.Drain(
                            life: node.incarnation, isDraining: true, author: node.incarnation, reason: leaving.reason))
                ))
        } else {
            // The next generation without it is awaited.
            nextAppend = now + settings.appendTimeout / 8
        }
    }

    /// 128 random bits, as text.
    private static func nonce(using rng: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for _ in 0..<2 {
            var bits = rng.next()
            for _ in 0..<16 {
                text.append(digits[Int(bits & 15)])
                bits >>= 4
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
