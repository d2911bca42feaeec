internal import Distributed
internal import Synchronization

/// The distributed actors of this node by name, and what is known of other nodes' lives.
final class ActorDirectory: Sendable {
    private struct WeakActor {
        weak var actor: (any DistributedActor)?
    }

    private struct Watch {
        var node: NodeID
        var continuation: AsyncStream<ActorTermination>.Continuation
    }

    private struct State {
        var node: NodeID
        var actors: [String: WeakActor] = [:]
        var made = 0
        /// Per name the newest life heard of, and whether it has ended.
        var lives: [NodeName: (life: Incarnation, hasEnded: Bool)] = [:]
        var watches: [Int: Watch] = [:]
        var nextWatch = 0
    }

    private let state: Mutex<State>

    init(node: NodeID) { state = Mutex(State(node: node)) }

    var node: NodeID {
        get { state.withLock { $0.node } }
        set { state.withLock { $0.node = newValue } }
    }

    // MARK: - Actors

    /// A name for an actor that is being made: the one wished for, else one by its type and a number.
    func assign(_ wished: String?, type: String) -> ClusterActorID {
        state.withLock { state in
            state.made += 1
            let name = wished ?? "\(type)-\(state.made)"
            precondition(state.actors[name]?.actor == nil, "the name \(name) is taken by another actor of this node")
            return ClusterActorID(node: state.node, name: name)
        }
    }

    func add(_ actor: any DistributedActor, name: String) {
        state.withLock { $0.actors[name] = WeakActor(actor: actor) }
    }

    func remove(_ id: ClusterActorID) {
        state.withLock { state in
            if state.actors[id.name]?.actor == nil { state.actors[id.name] = nil }
        }
    }

    func actor(named name: String) -> (any DistributedActor)? { state.withLock { $0.actors[name]?.actor } }

    // MARK: - Lives

    /// Why no call can reach that life of a node any more; nil while nothing says so.
    func ended(_ node: NodeID) -> ActorTermination? { state.withLock { Self.ended(node, $0) } }

    private static func ended(_ node: NodeID, _ state: State) -> ActorTermination? {
        guard let known = state.lives[node.name] else { return nil }
        if known.life > node.incarnation { return .replaced(by: known.life) }
        return known.life == node.incarnation && known.hasEnded ? .removed : nil
    }

    /// A life has been seen, or has ended. Older news than what is known change nothing.
    func note(_ node: NodeID, hasEnded: Bool) {
        let ready = state.withLock { state -> [(Watch, ActorTermination)] in
            if let known = state.lives[node.name] {
                guard node.incarnation >= known.life else { return [] }
                state.lives[node.name] = (
                    node.incarnation, hasEnded || (known.life == node.incarnation && known.hasEnded)
                )
            } else {
                state.lives[node.name] = (node.incarnation, hasEnded)
            }
            var ready: [(Watch, ActorTermination)] = []
            for (number, watch) in state.watches where watch.node.name == node.name {
                if let reason = Self.ended(watch.node, state) {
                    ready.append((watch, reason))
                    state.watches[number] = nil
                }
            }
            return ready
        }
        for (watch, reason) in ready {
            watch.continuation.yield(reason)
            watch.continuation.finish()
        }
    }

    /// Gives the reason once, when the life ends or has ended, and finishes.
    func watch(_ node: NodeID) -> AsyncStream<ActorTermination> {
        let (stream, continuation) = AsyncStream<ActorTermination>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let (number, reason) = state.withLock { state -> (Int, ActorTermination?) in
            if let reason = Self.ended(node, state) { return (0, reason) }
            state.nextWatch += 1
            state.watches[state.nextWatch] = Watch(node: node, continuation: continuation)
            return (state.nextWatch, nil)
        }
        if let reason {
            continuation.yield(reason)
            continuation.finish()
        } else {
            continuation.onTermination = { _ in self.state.withLock { $0.watches[number] = nil } }
        }
        return stream
    }
}
