import Cluster
import Testing

/// Frames as an attacker writes them, without a library in the way.
private enum Raw {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [
            UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags, UInt8(stream >> 24),
            UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255),
        ] + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
    static let endHeaders: UInt8 = 4
    static let endStream: UInt8 = 1

    /// `:method POST`, `:scheme http`, `:path /`, `:authority x`: indexed fields of HPACK's static table, and one literal.
    static let request: [UInt8] = [0x83, 0x86, 0x84, 0x41, 0x01, UInt8(ascii: "x")]
}

/// Each row of the list of abuse: what is sent again and again, and how often a peer may before it is cut off.
struct Abuse: Sendable, CustomTestStringConvertible {
    let name: String
    /// Frames of the n-th round.
    let frames: @Sendable (UInt32) -> [UInt8]
    /// Rounds that are allowed at once.
    let allowed: Int
    var testDescription: String { name }

    static let all: [Abuse] = [
        Abuse(
            name: "rapid reset",
            frames: { round in
                let stream = round * 2 + 1
                return Raw.frame(Raw.headers, flags: Raw.endHeaders, stream: stream, Raw.request)
                    + Raw.frame(Raw.reset, stream: stream, Raw.number(8))
            }, allowed: 200),
        Abuse(
            name: "resets that the server is made to send (window overflow)",
            frames: { round in
                let stream = round * 2 + 1
                return Raw.frame(Raw.headers, flags: Raw.endHeaders, stream: stream, Raw.request)
                    + Raw.frame(Raw.windowUpdate, stream: stream, Raw.number(0x7fff_ffff))
            }, allowed: 200),
        Abuse(name: "pings", frames: { _ in Raw.frame(Raw.ping, [UInt8](repeating: 1, count: 8)) }, allowed: 20),
        Abuse(name: "settings", frames: { _ in Raw.frame(Raw.settings) }, allowed: 9),
        Abuse(
            name: "priorities",
            frames: { round in Raw.frame(Raw.priority, stream: 2 * round + 3, Raw.number(0) + [15]) }, allowed: 200),
        Abuse(name: "frames of unknown type", frames: { _ in Raw.frame(0x42, [1, 2, 3]) }, allowed: 200),
        Abuse(
            name: "empty data",
            frames: { round in
                (round == 0 ? Raw.frame(Raw.headers, flags: Raw.endHeaders, stream: 1, Raw.request) : [])
                    + Raw.frame(Raw.data, stream: 1)
            }, allowed: 200),
        Abuse(
            name: "window updates", frames: { _ in Raw.frame(Raw.windowUpdate, Raw.number(1)) }, allowed: 20_000),
    ]
}

/// The server's session against hand-made frames: abuse is cut off by GOAWAY, and what is allowed is not.
@Suite(.timeLimit(.minutes(1)))
struct RawFrameTests {
    /// Sends `bytes`; nil while the session lives, else why it ends.
    private static func send(_ bytes: [UInt8], to session: inout HTTP2Session, now: Int64) -> String? {
        let result: Result<Void, CallError> = bytes.withUnsafeBytes { bytes in
            do throws(CallError) {
                var events: [HTTP2Event] = []
                try session.receive(bytes, now: now, into: &events)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result { return error.message }
        return session.fault
    }

    private static func output(of session: inout HTTP2Session) -> [UInt8] {
        var all: [UInt8] = []
        do throws(CallError) {
            while let bytes = try session.withOutput({ Array($0) }) { all += bytes }
        } catch {
            Issue.record("output failed: \(error)")
        }
        return all
    }

    @Test("a flood ends the connection, its allowance does not", arguments: Abuse.all)
    func flood(abuse: Abuse) {
        var limits = TransportLimits()
        limits.strangerStreamsMax = 1_000_000
        var session = HTTP2Session(role: .server, limits: limits, now: 0)
        #expect(Self.send(Raw.preface + Raw.frame(Raw.settings), to: &session, now: 0) == nil)
        _ = Self.output(of: &session)
        for round in 0..<abuse.allowed {
            let fault = Self.send(abuse.frames(UInt32(round)), to: &session, now: 0)
            _ = Self.output(of: &session)
            #expect(fault == nil && session.fault == nil, "cut off after \(round) rounds of \(abuse.allowed)")
            if fault != nil { return }
        }
        var rounds = abuse.allowed
        var goAway: [UInt8] = []
        while rounds < 2 * abuse.allowed + 50 && session.fault == nil {
            _ = Self.send(abuse.frames(UInt32(rounds)), to: &session, now: 0)
            goAway += Self.output(of: &session)
            rounds += 1
        }
        goAway += Self.output(of: &session)
        #expect(session.fault != nil, "not cut off after \(rounds) rounds")
        // The last frame out: GOAWAY with ENHANCE_YOUR_CALM.
        #expect(Array(goAway.suffix(4)) == Raw.number(11) && goAway.suffix(17).dropFirst(3).first == 7)
        let isFinished = session.isFinished
        #expect(isFinished)
    }

    @Test("the allowance comes back with time")
    func refill() {
        var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        #expect(Self.send(Raw.preface + Raw.frame(Raw.settings), to: &session, now: 0) == nil)
        for second in 0..<100 as Range<Int64> {
            for _ in 0..<10 {
                let ping = Raw.frame(Raw.ping, [UInt8](repeating: 1, count: 8))
                #expect(Self.send(ping, to: &session, now: second * 1_000_000_000) == nil)
                _ = Self.output(of: &session)
            }
        }
    }

    @Test("more CONTINUATION frames than the limit end the connection")
    func continuations() {
        var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        var bytes = Raw.preface + Raw.frame(Raw.settings) + Raw.frame(Raw.headers, stream: 1, [0x83])
        for _ in 0..<9 { bytes += Raw.frame(Raw.continuation, stream: 1, [0x83]) }
        #expect(Self.send(bytes, to: &session, now: 0) != nil)
    }

    @Test("a header block over the limit ends the connection")
    func headerSize() {
        var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        // A literal without indexing of 100 bytes, a hundred and seventy times, over two frames.
        var block = Raw.request
        for _ in 0..<170 {
            block += [0x00, 0x01, UInt8(ascii: "a"), 100] + [UInt8](repeating: UInt8(ascii: "v"), count: 100)
        }
        let bytes =
            Raw.preface + Raw.frame(Raw.settings)
            + Raw.frame(Raw.headers, stream: 1, Array(block[..<16_000]))
            + Raw.frame(Raw.continuation, flags: Raw.endHeaders, stream: 1, Array(block[16_000...]))
        #expect(Self.send(bytes, to: &session, now: 0)?.contains("16384") == true)
    }

    @Test("more entries of settings than the limit end the connection")
    func settingsEntries() {
        var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        let entries = (0..<33).flatMap { _ in [0, 3, 0, 0, 0, 100] as [UInt8] }
        _ = Self.send(Raw.preface + Raw.frame(Raw.settings, entries), to: &session, now: 0)
        _ = Self.output(of: &session)
        let isFinished = session.isFinished
        #expect(isFinished)
    }

    @Test("a frame longer than the session takes ends the connection")
    func frameSize() {
        var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
        let bytes =
            Raw.preface + Raw.frame(Raw.settings) + Raw.frame(Raw.data, stream: 1, [UInt8](repeating: 0, count: 20_000))
        _ = Self.send(bytes, to: &session, now: 0)
        _ = Self.output(of: &session)
        let isFinished = session.isFinished
        #expect(isFinished)
    }

    @Test("more streams at once than the limit are refused")
    func streams() {
        var limits = TransportLimits()
        limits.strangerStreamsMax = 4
        var session = HTTP2Session(role: .server, limits: limits, now: 0)
        var bytes = Raw.preface + Raw.frame(Raw.settings)
        for stream in 0..<6 as Range<UInt32> {
            bytes += Raw.frame(Raw.headers, flags: Raw.endHeaders, stream: 2 * stream + 1, Raw.request)
        }
        #expect(Self.send(bytes, to: &session, now: 0) == nil)
        let output = Self.output(of: &session)
        let refused = Raw.frame(Raw.reset, stream: 9, Raw.number(7)) + Raw.frame(Raw.reset, stream: 11, Raw.number(7))
        #expect(output.suffix(26) == refused[...])
        #expect(session.openStreams == 4)
    }

    @Test("random bytes after the preface never trap", arguments: [1, 2, 3, 4] as [UInt64])
    func noise(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        for _ in 0..<500 {
            var session = HTTP2Session(role: .server, limits: TransportLimits(), now: 0)
            var bytes = Raw.preface + Raw.frame(Raw.settings)
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                let payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    UInt8.random(in: .min ... .max, using: &generator)
                }
                bytes += Raw.frame(
                    UInt8.random(in: 0...12, using: &generator), flags: UInt8.random(in: 0...63, using: &generator),
                    stream: UInt32.random(in: 0...7, using: &generator), payload)
            }
            _ = Self.send(bytes, to: &session, now: 0)
            _ = Self.output(of: &session)
        }
    }
}

/// A small generator of reproducible numbers.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
