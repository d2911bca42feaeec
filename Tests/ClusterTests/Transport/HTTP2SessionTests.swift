import Cluster
import Testing

/// Two sessions joined by memory: what one outputs the other reads, in pieces of a chosen size.
private struct Wire: ~Copyable {
    var client: HTTP2Session
    var server: HTTP2Session
    var toClient: [HTTP2Event] = []
    /// What the server met, bodies copied out.
    var serverLog: [String] = []
    var clientLog: [String] = []
    var serverBodies: [HTTP2StreamID: [UInt8]] = [:]
    var clientBodies: [HTTP2StreamID: [UInt8]] = [:]
    /// Streams whose bytes the server does not give back.
    var stalled: Set<HTTP2StreamID> = []

    init(limits: TransportLimits = TransportLimits()) {
        client = HTTP2Session(role: .client, limits: limits, now: 0)
        server = HTTP2Session(role: .server, limits: limits, now: 0)
    }

    /// Moves bytes both ways until nothing moves.
    mutating func pump(pieces: Int = 4096, now: Int64 = 0) throws {
        var isMoving = true
        while isMoving {
            isMoving = false
            while let bytes = try client.withOutput({ Array($0) }) {
                isMoving = true
                try deliver(bytes, pieces: pieces, now: now, toServer: true)
            }
            while let bytes = try server.withOutput({ Array($0) }) {
                isMoving = true
                try deliver(bytes, pieces: pieces, now: now, toServer: false)
            }
            note(server.takeEvents(), atServer: true)
            note(client.takeEvents(), atServer: false)
        }
    }

    private mutating func deliver(_ bytes: [UInt8], pieces: Int, now: Int64, toServer: Bool) throws {
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            start += piece.count
            try piece.withUnsafeBytes { piece in
                var events: [HTTP2Event] = []
                if toServer {
                    try server.receive(piece, now: now, into: &events)
                } else {
                    try client.receive(piece, now: now, into: &events)
                }
                note(events, atServer: toServer)
            }
        }
    }

    private mutating func note(_ events: [HTTP2Event], atServer: Bool) {
        for event in events {
            var line: String?
            switch event {
            case .headers(let stream, let headers, let isEnd):
                let path = headers.first { $0.name == ":path" || $0.name == ":status" }?.value ?? ""
                line = "headers \(stream) \(path)\(isEnd ? " end" : "")"
            case .body(let stream, let bytes):
                if atServer {
                    serverBodies[stream, default: []] += Array(bytes)
                    if !stalled.contains(stream) { server.consume(bytes.count, of: stream) }
                } else {
                    clientBodies[stream, default: []] += Array(bytes)
                    client.consume(bytes.count, of: stream)
                }
            case .end(let stream): line = "end \(stream)"
            case .closed(let stream, let code): line = "closed \(stream) \(code)"
            case .goAway(let last, let code, let reason): line = "goaway \(last) \(code) \(reason)"
            case .pong(let number): line = "pong \(number)"
            case .settings: break
            }
            if let line { if atServer { serverLog.append(line) } else { clientLog.append(line) } }
        }
    }
}

private func head(_ path: String) -> [HTTP2Header] {
    [
        HTTP2Header(":method", "POST"), HTTP2Header(":scheme", "http"), HTTP2Header(":authority", "test"),
        HTTP2Header(":path", path),
    ]
}

private let answerHead = [HTTP2Header(":status", "200")]

/// The protocol without sockets: both sides in memory, every byte under the test's control.
@Suite(.timeLimit(.minutes(1)))
struct HTTP2SessionTests {
    @Test("a request and its answer, in pieces of any size", arguments: [1, 7, 4096])
    func call(pieces: Int) throws {
        var wire = Wire()
        let stream = try wire.client.submitRequest(head("/a"), endOfStream: false)
        wire.client.enqueue(Array("question".utf8), on: stream)
        wire.client.end(stream)
        try wire.pump(pieces: pieces)
        #expect(wire.serverLog == ["headers 1 /a", "end 1"])
        #expect(wire.serverBodies[1] == Array("question".utf8))
        wire.server.submitResponse(answerHead, on: 1, endOfStream: false)
        wire.server.enqueue(Array("ans".utf8), on: 1)
        wire.server.enqueue(Array("wer".utf8), on: 1)
        wire.server.end(1)
        try wire.pump(pieces: pieces)
        #expect(wire.clientBodies[1] == Array("answer".utf8))
        #expect(wire.clientLog == ["headers 1 200", "end 1", "closed 1 0"])
        #expect(wire.serverLog.last == "closed 1 0")
    }

    @Test("a receiver that gives nothing back stops its stream at the window, and no other stream")
    func stall() throws {
        var limits = TransportLimits()
        limits.controlWindowBytes = 100_000
        // Smaller than what the stalled stream alone would take if its bytes counted on the connection.
        limits.connectionWindowBytes = 120_000
        var wire = Wire(limits: limits)
        let slow = try wire.client.submitRequest(head("/slow"), endOfStream: false)
        let quick = try wire.client.submitRequest(head("/quick"), endOfStream: false)
        wire.stalled = [slow]
        try wire.pump()
        wire.client.enqueue([UInt8](repeating: 1, count: 300_000), on: slow)
        wire.client.enqueue([UInt8](repeating: 2, count: 1_000_000), on: quick)
        try wire.pump()
        #expect(wire.serverBodies[slow]?.count == 100_000)
        #expect(wire.serverBodies[quick]?.count == 1_000_000)
        #expect(wire.client.queuedBytes(of: slow) == 200_000)
        #expect(wire.client.takeProgress() == [slow: 100_000, quick: 1_000_000])
        wire.stalled = []
        wire.server.consume(100_000, of: slow)
        try wire.pump()
        #expect(wire.serverBodies[slow]?.count == 300_000)
    }

    @Test("reset drops what is queued and closes both sides")
    func reset() throws {
        var wire = Wire()
        let stream = try wire.client.submitRequest(head("/a"), endOfStream: false)
        try wire.pump()
        wire.client.enqueue([1, 2, 3], on: stream)
        wire.client.reset(stream, code: HTTP2ErrorCode.of(.stale))
        try wire.pump()
        #expect(wire.serverBodies[stream] == nil)
        #expect(wire.serverLog.last == "closed 1 \(HTTP2ErrorCode.of(.stale))")
        #expect(wire.clientLog.last == "closed 1 \(HTTP2ErrorCode.of(.stale))")
        let code = HTTP2ErrorCode.of(.stale)
        #expect(HTTP2ErrorCode.status(of: code) == .stale)
    }

    @Test("drain lets open streams end and refuses new ones")
    func drain() throws {
        var wire = Wire()
        let stream = try wire.client.submitRequest(head("/a"), endOfStream: false)
        try wire.pump()
        wire.server.beginDrain(reason: "test")
        try wire.pump()
        #expect(wire.clientLog == ["goaway 1 0 test"])
        let late = try wire.client.submitRequest(head("/late"), endOfStream: true)
        wire.client.enqueue([9], on: stream)
        wire.client.end(stream)
        try wire.pump()
        #expect(wire.clientLog.contains("closed \(late) \(HTTP2ErrorCode.refusedStream)"))
        #expect(wire.serverBodies[stream] == [9])
        wire.server.submitResponse(answerHead, on: stream, endOfStream: true)
        try wire.pump()
        #expect(wire.clientLog.last == "closed 1 0")
        let isServerFinished = wire.server.isFinished
        let isClientFinished = wire.client.isFinished
        #expect(isServerFinished && isClientFinished)
    }

    @Test("a ping is answered")
    func ping() throws {
        var wire = Wire()
        wire.client.ping(0x0102_0304_0506_0708)
        try wire.pump()
        #expect(wire.clientLog == ["pong \(0x0102_0304_0506_0708 as UInt64)"])
    }

    @Test(
        "bytes that are not HTTP/2 throw",
        arguments: ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{03}\u{01}garbage garbage garbage"])
    func garbage(text: String) throws {
        var server = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        let bytes = Array(text.utf8)
        var status: CallStatus?
        do throws(CallError) {
            var events: [HTTP2Event] = []
            _ = bytes.count
            let result: Result<Void, CallError> = bytes.withUnsafeBytes { bytes in
                do throws(CallError) {
                    try server.receive(bytes, now: 0, into: &events)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        } catch {
            status = error.status
        }
        #expect(status == .corrupt)
    }
}
