/// How a call or a stream between nodes failed.
///
/// The raw values are part of the wire format: never reused or renumbered. A value that this build does not know is
/// read as ``internalFailure``.
package enum CallStatus: Int, Sendable, CaseIterable {
    /// The caller gave up.
    case cancelled = 1
    case deadlineExceeded = 2
    /// The peer has no method of that name.
    case unknownMethod = 3
    case invalidArgument = 4
    /// The hand-shake failed: another cluster, version, secret or identity.
    case refused = 5
    /// There is no connection, or it ended before the answer. The call may or may not have run.
    case unavailable = 6
    /// A message is larger than the limit.
    case tooLarge = 7
    /// A limit on waiting calls, streams or connections was reached; nothing ran.
    case overloaded = 8
    /// The message names a generation, incarnation or version that has passed.
    case stale = 9
    /// The method threw; the payload is its error, encoded.
    case failed = 10
    /// A defect at the peer, or an answer that cannot be read.
    case internalFailure = 11
    /// Bytes that break the protocol or fail their checksum.
    case corrupt = 12
}

/// The typed error of calls and streams.
package struct CallError: Error, Equatable, CustomStringConvertible {
    package var status: CallStatus
    /// What was attempted, the value and the limit.
    package var message: String
    /// With ``CallStatus/failed``: the method's own error, encoded by whoever serves it.
    package var payload: [UInt8]

    package init(_ status: CallStatus, _ message: String, payload: [UInt8] = []) {
        self.status = status
        self.message = message
        self.payload = payload
    }

    package var description: String { "\(message) [\(status)]" }
}
