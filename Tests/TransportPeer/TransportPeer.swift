import Cluster
import Dispatch
import Glibc
import Logging
import NIOCore
import NIOPosix

/// A node's cluster port alone, for peers that are not ours: `TransportPeer` listens on a free port of loopback, prints it, serves
/// `/echo` and counts the frames of `/frames` until its input ends, then drains and prints what it counted as one line.
@main
struct TransportPeer {
    static func main() async throws {
        guard let name = NodeName("peer") else { preconditionFailure("not a name") }
        var routes = TransportRoutes()
        routes.call("/echo") { _, body in body }
        routes.stream("/frames") { stream, _ in
            StreamReceiver(
                onFrame: { stream.consumed($0.credit) }, onFinish: { stream.finish() }, onClose: { _ in })
        }
        var limits = TransportLimits()
        limits.handshakeTimeout = .seconds(CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 5 : 5)
        let transport = try ClusterTransport(
            TransportConfiguration(
                local: HandshakeLocal(clusterID: "c-peer", node: NodeID(name, Incarnation(1))),
                listen: Endpoint(host: "127.0.0.1", port: 0), limits: limits),
            routes: routes, group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "peer") { StreamLogHandler.standardError(label: $0) })
        let endpoint = try await transport.start()
        say("listening \(endpoint.port)")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await transport.run() }
            group.addTask {
                await inputEnd()
                await transport.shutDown()
            }
            await group.waitForAll()
        }
        let counts = transport.counts
        say(
            "{\"accepted\": \(counts.connectionsAccepted), \"refused\": \(counts.connectionsRefused), "
                + "\"abused\": \(counts.connectionsAbused), \"overLimit\": \(counts.connectionsOverLimit), "
                + "\"served\": \(counts.callsServed), \"frames\": \(counts.framesReceived), \"open\": \(counts.connections)}"
        )
    }

    /// Writes a line past the buffer of `print`, which a pipe's reader would wait for.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        precondition(written == bytes.count, "cannot write to standard output")
    }

    /// Waits on a thread of its own until standard input ends.
    private static func inputEnd() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var byte: UInt8 = 0
                while read(STDIN_FILENO, &byte, 1) > 0 {}
                continuation.resume()
            }
        }
    }
}
