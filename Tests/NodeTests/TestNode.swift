import Coordination
import Foundation
import Glibc
import Hummingbird
import Log
import Logging
import Testing

@testable import Node

/// A node in this process: its HTTP server on a port of the system's choosing, its log in a directory that is removed afterwards.
struct TestNode: Sendable {
    let port: Int
    let directory: String
    let coordinator: Coordinator

    static let pipeline = """
        CREATE TABLE events (id bigint, name text, at timestamp, amount numeric, ratio double precision)
            WITH (connector = 'http', partitions = '1');
        CREATE TABLE docs (key text PRIMARY KEY, v bigint) WITH (connector = 'http', partitions = '2');
        CREATE MATERIALIZED VIEW all_events AS SELECT id, name, at, amount, ratio FROM events;
        CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n FROM events GROUP BY name;
        CREATE MATERIALIZED VIEW all_docs AS SELECT key, v FROM docs;
        """

    /// Bodies of at most this many bytes are taken.
    static let bodyBytesMax = 4 << 20

    static func with(
        bodyTime: Duration = .seconds(60), _ body: @Sendable (TestNode) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record("\(error)") } }
        let log = try EmbeddedLog(directory: directory)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let coordinator = Coordinator(
            log: log, configuration: CoordinatorConfiguration(workers: 2), logger: logger)
        var api = HTTPAPI(gateway: Gateway(coordinator: coordinator), settings: settings(directory))
        api.limits = HTTPAPI.Limits(bodyBytesMax: bodyBytesMax, bodyTime: bodyTime)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let application = HTTPServer.application(api, logger: logger) { listening.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            group.addTask { try await application.runService(gracefulShutdownSignals: []) }
            var port = 0
            for await value in ports {
                port = value
                break
            }
            #expect(await coordinator.waitUntilReady(atMost: .seconds(30)))
            _ = try await Gateway(coordinator: coordinator).execute(pipeline)
            try await body(TestNode(port: port, directory: directory, coordinator: coordinator))
            group.cancelAll()
        }
        await log.close()
    }

    static func settings(_ directory: String) -> NodeSettings {
        NodeSettings(
            data: directory, log: directory, host: "127.0.0.1", port: 0, workers: 2, isInsecure: false)
    }

    /// A request on a connection of its own, which asks the server to close it afterwards.
    func send(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> Wire.Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nconnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !headers.keys.contains("host") { head += "host: 127.0.0.1:\(port)\r\n" }
        if let body { head += "content-length: \(body.count)\r\n" }
        return try await Wire.exchange(port: port, Array((head + "\r\n").utf8) + (body ?? []))
    }

    func push(
        _ topic: String, _ text: String, headers: [String: String] = [:]
    ) async throws -> Wire.Answer {
        try await send("POST", "/topics/\(topic)/records", headers: headers, body: Array(text.utf8))
    }

    func sql(_ text: String, after: String? = nil) async throws -> Wire.Answer {
        try await send("POST", "/sql" + (after.map { "?after=\($0)" } ?? ""), body: Array(text.utf8))
    }

    /// An error is JSON with a code and a message, and tells nothing of the machine.
    func expectError(
        _ answer: Wire.Answer, _ status: Int, code: String? = nil, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(answer.body)", sourceLocation: location)
        #expect(answer.headers["content-type"] == "application/json", sourceLocation: location)
        let fields = answer.json
        #expect((fields["message"] as? String)?.isEmpty == false, sourceLocation: location)
        #expect(fields["code"] is String, sourceLocation: location)
        if let code { #expect(fields["code"] as? String == code, sourceLocation: location) }
        for trace in [directory, "/Sources/", ".swift", "sqlite"] {
            #expect(!answer.body.contains(trace), sourceLocation: location)
        }
    }
}

/// HTTP by the byte, over a socket.
enum Wire {
    struct Answer: Sendable {
        var status = 0
        /// Lower-case names.
        var headers: [String: String] = [:]
        var body = ""

        var json: [String: Any] {
            do {
                return try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] ?? [:]
            } catch {
                Issue.record("not JSON: \(body.prefix(300))")
                return [:]
            }
        }
    }

    struct Failure: Error { var reason: String }

    /// What is sent after the first bytes.
    enum Rest: Sendable {
        case nothing
        /// The sending side is closed, as by a client that dies.
        case end
        /// These bytes again and again until the server ends the connection, at most so many times.
        case again([UInt8], most: Int)
    }

    /// Sends bytes on a new connection and reads what comes until the server closes it.
    static func exchange(port: Int, _ bytes: [UInt8], then rest: Rest = .nothing) async throws -> Answer {
        let result: Result<[UInt8], Failure> = await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: Result { () throws(Failure) in try talk(port, bytes, rest) }) }
                .start()
        }
        return try parse(result.get())
    }

    private static func talk(_ port: Int, _ bytes: [UInt8], _ rest: Rest) throws(Failure) -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(reason: "connect: \(errno)") }
        var received: [UInt8] = []
        var pending = bytes
        var sent = 0
        var repeats = 0
        var isSending = true
        while true {
            if isSending, sent == pending.count {
                switch rest {
                case .nothing: isSending = false
                case .end:
                    shutdown(descriptor, Int32(SHUT_WR))
                    isSending = false
                case .again(let more, let most):
                    guard repeats < most else { throw Failure(reason: "the server took all \(most) repetitions") }
                    repeats += 1
                    pending = more
                    sent = 0
                }
            }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN) | (isSending ? Int16(POLLOUT) : 0), revents: 0)
            guard poll(&poller, 1, 30_000) > 0 else {
                throw Failure(reason: "nothing for 30 s after \(received.count) bytes")
            }
            if poller.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count <= 0 { return received }
                received += buffer[..<count]
            } else if poller.revents & Int16(POLLOUT) != 0 {
                let count = pending[sent...].withUnsafeBytes {
                    Glibc.send(
                        descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
                if count > 0 { sent += count } else if errno != EAGAIN { isSending = false }
            }
        }
    }

    /// The first answer; an empty one if the connection was closed without.
    private static func parse(_ bytes: [UInt8]) throws(Failure) -> Answer {
        guard !bytes.isEmpty else { return Answer() }
        guard let end = (0..<max(0, bytes.count - 3)).first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) })
        else {
            throw Failure(reason: "no end of the header: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        var answer = Answer(status: Int(lines[0].split(separator: " ")[1]) ?? 0)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        var rest = bytes[(end + 4)...]
        guard answer.headers["transfer-encoding"] == "chunked" else {
            let length = answer.headers["content-length"].flatMap { Int($0) } ?? rest.count
            answer.body = String(decoding: rest.prefix(length), as: UTF8.self)
            return answer
        }
        var body: [UInt8] = []
        while let newline = rest.firstIndex(of: 10) {
            let size =
                Int(
                    String(decoding: rest[..<newline], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
                    radix: 16)
                ?? 0
            if size == 0 { break }
            body += rest[(newline + 1)...].prefix(size)
            rest = rest[(newline + 1)...].dropFirst(size + 2)
        }
        answer.body = String(decoding: body, as: UTF8.self)
        return answer
    }
}
