/// Who calls, and until when the answer is of use.
package struct CallContext: Sendable {
    package let path: String
    package let peer: PeerIdentity
    package let purpose: ConnectionPurpose
    /// What was left of the caller's deadline when the call was read.
    package let timeout: Duration
}

/// What a node serves to its peers: a fixed table of paths, complete before the transport starts.
package struct TransportRoutes: Sendable {
    /// Serves one call. It runs in a task of its own, which is cancelled when the caller gives up, its deadline passes or its
    /// connection ends.
    package typealias CallHandler = @Sendable (CallContext, [UInt8]) async throws(CallError) -> [UInt8]
    /// Takes a stream that a peer opens, with the metadata that it was opened with, or refuses it. Runs on the event loop and
    /// must not block.
    package typealias StreamAcceptor = @Sendable (ByteStream, [UInt8]) throws(CallError) -> StreamReceiver

    private(set) var calls: [String: CallHandler] = [:]
    private(set) var streams: [String: StreamAcceptor] = [:]

    package init() {}

    /// Serves the calls to `path`, which begins with a slash.
    package mutating func call(_ path: String, _ handler: @escaping CallHandler) {
        precondition(path.hasPrefix("/") && isFree(path), "the path \(path) is taken or does not begin with a slash")
        calls[path] = handler
    }

    /// Takes the streams that are opened with `path`.
    package mutating func stream(_ path: String, _ acceptor: @escaping StreamAcceptor) {
        precondition(path.hasPrefix("/") && isFree(path), "the path \(path) is taken or does not begin with a slash")
        streams[path] = acceptor
    }

    private func isFree(_ path: String) -> Bool {
        calls[path] == nil && streams[path] == nil && !WirePath.reserved.contains(path)
    }
}

/// Paths and header names of the transport itself; frozen.
enum WirePath {
    static let hello = "/dataprism/hello"
    static let proof = "/dataprism/proof"
    /// Answers anybody, before the hand-shake too, and says nothing.
    static let health = "/healthz"
    static let reserved: Set<String> = [hello, proof, health]

    static let status = "dp-status"
    static let message = "dp-message"
    static let timeout = "dp-timeout-ms"
    static let metadata = "dp-metadata"

    /// Metadata of a stream as a header value: hexadecimal.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text += String(byte >> 4, radix: 16)
            text += String(byte & 15, radix: 16)
        }
        return text
    }

    /// The reverse of ``hexadecimal(_:)``; nil when the text is something else.
    static func bytes(ofHexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    /// The HTTP status that tells other HTTP clients what ``status`` tells ours.
    static func httpStatus(of status: CallStatus) -> String {
        switch status {
        case .unknownMethod: "404"
        case .invalidArgument, .corrupt: "400"
        case .refused: "403"
        case .tooLarge: "413"
        case .overloaded: "429"
        case .stale: "409"
        case .unavailable: "503"
        case .cancelled, .deadlineExceeded, .failed, .internalFailure: "500"
        }
    }

    /// A message that can stand in a header: no control characters, no white space at its ends, at most 512 bytes.
    static func headerText(_ message: String) -> String {
        var bytes = message.utf8.prefix(512).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes.drop { $0 == 0x20 }, as: UTF8.self)
    }
}
