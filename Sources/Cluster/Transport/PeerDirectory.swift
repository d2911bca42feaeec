internal import Synchronization

/// The connections that this node makes to its peers, one for each node and purpose, made when they are needed.
///
/// A connection is to one life of a node: when the control log lists another one at that address, or none, it is closed, and what waits
/// for answers on it fails.
package actor PeerDirectory {
    private struct Key: Hashable {
        var node: NodeID
        var purpose: ConnectionPurpose
    }

    private typealias Waiter = CheckedContinuation<Result<PeerConnection, CallError>, Never>

    private nonisolated let transport: ClusterTransport
    private var own: NodeID?
    private var endpoints: [NodeID: Endpoint] = [:]
    private var connections: [Key: PeerConnection] = [:]
    /// Those who wait for a connection that is being made.
    private var waiters: [Key: [Waiter]] = [:]
    private nonisolated let datagrams: AsyncStream<Datagram>
    private nonisolated let outbox: AsyncStream<Datagram>.Continuation

    /// A call whose answer nobody waits for.
    private struct Datagram: Sendable {
        var path: String
        var body: [UInt8]
        var node: NodeID
        var onFailure: @Sendable () async -> Void
    }

    /// Datagrams that wait; more are dropped, as a network would.
    private static let datagramsMax = 4_096
    /// After this a datagram counts as lost.
    private static let datagramLimit = Duration.seconds(2)

    package init(_ transport: ClusterTransport) {
        self.transport = transport
        (datagrams, outbox) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.datagramsMax))
    }

    /// Which nodes there are, and where; and the life that this node is in: connections made in another one are closed.
    package func update(own: NodeID?, endpoints: [NodeID: Endpoint]) {
        if let own, self.own != own {
            self.own = own
            transport.setNode(own)
            close { _ in true }
        }
        self.endpoints = endpoints
        close { endpoints[$0.node] == nil }
    }

    private func close(where isStale: (Key) -> Bool) {
        for (key, connection) in connections where isStale(key) {
            connections[key] = nil
            connection.close(CallError(.stale, "\(key.node) is not a current node"))
        }
    }

    /// A usable connection to a node.
    ///
    /// - Throws: `unavailable` if it is not listed, cannot be reached, or is in another life; `refused` if the two do not belong together.
    package func connection(
        to node: NodeID, for purpose: ConnectionPurpose
    ) async throws(CallError) -> PeerConnection {
        let key = Key(node: node, purpose: purpose)
        if let known = connections[key], known.isUsable { return known }
        guard let endpoint = endpoints[node] else { throw CallError(.unavailable, "\(node) is not a current node") }
        if waiters[key] != nil {
            let result = await withCheckedContinuation { (waiter: Waiter) in waiters[key, default: []].append(waiter) }
            return try result.get()
        }
        waiters[key] = []
        let result: Result<PeerConnection, CallError>
        do throws(CallError) {
            result = .success(try await connect(to: endpoint, key))
        } catch {
            result = .failure(error)
        }
        if case .success(let connection) = result { connections[key] = connection }
        for waiter in waiters.removeValue(forKey: key) ?? [] { waiter.resume(returning: result) }
        return try result.get()
    }

    private func connect(to endpoint: Endpoint, _ key: Key) async throws(CallError) -> PeerConnection {
        let connection = try await transport.connect(to: endpoint, purpose: key.purpose)
        guard let peer = connection.peer?.node, peer == key.node else {
            let found = connection.peer.map { "\($0.node)" } ?? "somebody else"
            let error = CallError(.unavailable, "\(found) is at \(endpoint), not \(key.node)")
            connection.close(error)
            throw error
        }
        guard endpoints[key.node] != nil else {
            let error = CallError(.unavailable, "\(key.node) is not a current node any more")
            connection.close(error)
            throw error
        }
        return connection
    }

    /// Sends a message that may be lost; if it is known to be, `onFailure` hears of it. Never waits.
    package nonisolated func post(
        _ path: String, _ body: [UInt8], to node: NodeID, onFailure: @escaping @Sendable () async -> Void
    ) {
        outbox.yield(Datagram(path: path, body: body, node: node, onFailure: onFailure))
    }

    /// Delivers datagrams until the task is cancelled.
    package nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for await datagram in datagrams { group.addTask { await self.deliver(datagram) } }
            group.cancelAll()
        }
    }

    private func deliver(_ datagram: Datagram) async {
        do throws(CallError) {
            let connection = try await connection(to: datagram.node, for: .membership)
            _ = try await connection.call(datagram.path, datagram.body, within: Self.datagramLimit)
        } catch {
            await datagram.onFailure()
        }
    }
}
