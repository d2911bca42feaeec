/// A header field of HTTP/2: a lower-case name and a value.
package struct HTTP2Header: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The number of a stream on its connection: odd ones are the client's.
package typealias HTTP2StreamID = Int32

/// What a session met in the bytes that it was given, in their order.
package enum HTTP2Event {
    /// A complete header block: a request, the head of an answer, or trailers.
    case headers(HTTP2StreamID, [HTTP2Header], endOfStream: Bool)
    /// Bytes of a body. They lie in the input and are valid until it goes away. Each must be given back by
    /// ``HTTP2Session/consume(_:of:)`` before the peer may send as many again.
    case body(HTTP2StreamID, UnsafeRawBufferPointer)
    /// The peer has ended its side.
    case end(HTTP2StreamID)
    /// The stream is gone; nothing more comes for it. `code` is an HTTP/2 error code, 0 after an orderly end.
    case closed(HTTP2StreamID, code: UInt32)
    /// The peer takes no new streams above `lastStream`.
    case goAway(lastStream: HTTP2StreamID, code: UInt32, reason: String)
    /// The answer to the ping of that number.
    case pong(UInt64)
    /// Settings of the peer have arrived.
    case settings
}

/// Error codes on the wire: HTTP/2's own, and ours from 0x1000 on.
package enum HTTP2ErrorCode {
    package static let none: UInt32 = 0
    package static let protocolError: UInt32 = 1
    package static let internalError: UInt32 = 2
    package static let refusedStream: UInt32 = 7
    package static let cancel: UInt32 = 8
    package static let enhanceYourCalm: UInt32 = 11
    /// Ours: a status of ``CallStatus`` as the reason of a reset.
    package static let statusBase: UInt32 = 0x1000

    /// The code that says `status`.
    package static func of(_ status: CallStatus) -> UInt32 {
        switch status {
        case .cancelled, .deadlineExceeded: cancel
        case .overloaded: refusedStream
        default: statusBase + UInt32(status.rawValue)
        }
    }

    /// The status that a stream reset with `code` ends with.
    package static func status(of code: UInt32) -> CallStatus {
        switch code {
        case cancel: .cancelled
        case refusedStream, enhanceYourCalm: .overloaded
        case protocolError: .corrupt
        case statusBase...: CallStatus(rawValue: Int(code - statusBase)) ?? .internalFailure
        default: .unavailable
        }
    }
}
