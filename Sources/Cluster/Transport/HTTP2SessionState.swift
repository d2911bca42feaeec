internal import CNghttp2

/// What the callbacks of one nghttp2 session read and write. It lives as long as its ``HTTP2Session``.
final class HTTP2SessionState {
    private let headerBytesMax: Int
    /// Nanoseconds; set before nghttp2 reads, so that no callback asks a clock.
    var now: Int64
    var events: [HTTP2Event] = []
    /// Body bytes received and not yet given back to the connection's window.
    var bodyBytes = 0
    var bodies: [HTTP2StreamID: OutboundBody] = [:]
    var progress: [HTTP2StreamID: Int] = [:]
    /// Streams that this side resets by its own will: those do not count against the peer.
    var ownResets: Set<HTTP2StreamID> = []
    /// Streams that exist, or will once their HEADERS are sent.
    var open: Set<HTTP2StreamID> = []
    private(set) var fault: String?
    var isTerminated = false

    private var fields: [HTTP2Header] = []
    private var fieldBytes = 0
    private var resets: RateBudget
    private var settings: RateBudget
    private var pings: RateBudget
    private var strays: RateBudget
    private var windowUpdates: RateBudget

    init(limits: TransportLimits, now: Int64) {
        headerBytesMax = limits.headerBytesMax
        self.now = now
        resets = RateBudget(limits.resets, now: now)
        settings = RateBudget(limits.settings, now: now)
        pings = RateBudget(limits.pings, now: now)
        strays = RateBudget(limits.strayFrames, now: now)
        windowUpdates = RateBudget(limits.windowUpdates, now: now)
    }

    /// Frame types above CONTINUATION, but for the three extensions that nghttp2 could read itself.
    static let unknownTypes: [UInt8] = (10...255).filter { ![0x0a, 0x0c, 0x10].contains($0) }

    static func install(in callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
            guard let header, let context else { return 0 }
            HTTP2SessionState.of(context).began(header.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame, let context else { return 0 }
            HTTP2SessionState.of(context).beganHeaders(frame)
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameCount, value, valueCount, _, context in
            guard let name, let value, let context else { return 0 }
            return HTTP2SessionState.of(context).header(
                UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: valueCount)
            )
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame, let context else { return 0 }
            HTTP2SessionState.of(context).received(frame)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, context in
            guard let bytes, let context else { return 0 }
            let state = HTTP2SessionState.of(context)
            state.bodyBytes += count
            state.events.append(.body(stream, UnsafeRawBufferPointer(start: bytes, count: count)))
            return 0
        }
        nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in NGHTTP2_ERR_CANCEL.rawValue }
        nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(callbacks) { _, _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
        nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
            _, _, _, connection, stream, most, _ in
            // As much as the peer takes in one frame and the windows allow.
            Int(min(connection, stream, Int32(clamping: most)))
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame, let context else { return 0 }
            HTTP2SessionState.of(context).sent(frame)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, context in
            guard let frame, let context else { return 0 }
            // A request that was never sent has no stream that nghttp2 could close.
            if frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue),
                frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
            {
                HTTP2SessionState.of(context).closed(frame.pointee.hd.stream_id, code: HTTP2ErrorCode.refusedStream)
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            guard let context else { return 0 }
            HTTP2SessionState.of(context).closed(stream, code: code)
            return 0
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer) -> HTTP2SessionState {
        Unmanaged<HTTP2SessionState>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: - Receiving

    /// The head of any frame, of unknown type too: here floods of frames that carry nothing are counted.
    private func began(_ header: nghttp2_frame_hd) {
        let isEmptyData =
            header.type == UInt8(NGHTTP2_DATA.rawValue) && header.length == 0
            && header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) == 0
        switch UInt32(header.type) {
        case NGHTTP2_WINDOW_UPDATE.rawValue: spend(\.windowUpdates, "WINDOW_UPDATE frames")
        case NGHTTP2_PRIORITY.rawValue: spend(\.strays, "frames that carry nothing")
        case (NGHTTP2_CONTINUATION.rawValue + 1)...: spend(\.strays, "frames that carry nothing")
        default: if isEmptyData { spend(\.strays, "frames that carry nothing") }
        }
    }

    private func beganHeaders(_ frame: UnsafePointer<nghttp2_frame>) {
        fields = []
        fieldBytes = 0
        if frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue), frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            open.insert(frame.pointee.hd.stream_id)
        }
    }

    private func header(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Int32 {
        fieldBytes += name.count + value.count + 32
        guard fieldBytes <= headerBytesMax else {
            end(for: "a header block of more than \(headerBytesMax) bytes")
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        fields.append(HTTP2Header(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        return 0
    }

    private func received(_ frame: UnsafePointer<nghttp2_frame>) {
        let head = frame.pointee.hd
        let endsStream = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        let isAck = head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
        switch UInt32(head.type) {
        case NGHTTP2_HEADERS.rawValue:
            events.append(.headers(head.stream_id, fields, endOfStream: endsStream))
            fields = []
        case NGHTTP2_DATA.rawValue:
            if endsStream { events.append(.end(head.stream_id)) }
        case NGHTTP2_RST_STREAM.rawValue:
            spend(\.resets, "stream resets")
        case NGHTTP2_SETTINGS.rawValue:
            guard !isAck else { return }
            spend(\.settings, "SETTINGS frames")
            events.append(.settings)
        case NGHTTP2_PING.rawValue:
            if isAck {
                let number = withUnsafeBytes(of: frame.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
                events.append(.pong(UInt64(littleEndian: number)))
            } else {
                spend(\.pings, "PING frames")
            }
        case NGHTTP2_GOAWAY.rawValue:
            let frame = frame.pointee.goaway
            let text = UnsafeBufferPointer(start: frame.opaque_data, count: min(frame.opaque_data_len, 128))
            events.append(
                .goAway(
                    lastStream: frame.last_stream_id, code: frame.error_code,
                    reason: String(decoding: text, as: UTF8.self)))
        default:
            break
        }
    }

    private func closed(_ stream: HTTP2StreamID, code: UInt32) {
        guard open.remove(stream) != nil else { return }
        bodies[stream] = nil
        progress[stream] = nil
        events.append(.closed(stream, code: code))
    }

    // MARK: - Sending

    /// A reset that we send and did not decide on was provoked by the peer.
    private func sent(_ frame: UnsafePointer<nghttp2_frame>) {
        guard UInt32(frame.pointee.hd.type) == NGHTTP2_RST_STREAM.rawValue else { return }
        if ownResets.remove(frame.pointee.hd.stream_id) == nil { spend(\.resets, "stream resets") }
    }

    /// Fills a DATA frame from what is queued.
    fileprivate func readBody(
        of stream: HTTP2StreamID, into target: UnsafeMutableRawBufferPointer, flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard let (count, isAtEnd) = bodies[stream]?.read(into: target) else {
            // Reset meanwhile: the frame is not sent.
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        if isAtEnd { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        guard count > 0 || isAtEnd else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        if count > 0 { progress[stream, default: 0] += count }
        return count
    }

    // MARK: - Budgets

    private func spend(_ budget: ReferenceWritableKeyPath<HTTP2SessionState, RateBudget>, _ what: String) {
        if !self[keyPath: budget].take(now: now) { end(for: "too many \(what)") }
    }

    private func end(for reason: String) {
        if fault == nil { fault = reason }
    }
}

/// nghttp2 asks for the next bytes of a stream's body.
func readBodyCallback(
    _: OpaquePointer?, _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int,
    _ flags: UnsafeMutablePointer<UInt32>?, _: UnsafeMutablePointer<nghttp2_data_source>?,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let buffer, let flags, let context else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
    return Unmanaged<HTTP2SessionState>.fromOpaque(context).takeUnretainedValue().readBody(
        of: stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: count), flags: flags)
}

/// The bytes of one stream's body that wait to be sent, as they were given: nothing is copied until nghttp2 takes it.
struct OutboundBody {
    private var chunks: [[UInt8]] = []
    /// The first chunk not sent, and how much of it was.
    private var head = 0
    private var offset = 0
    private(set) var byteCount = 0
    private var isEnded = false
    private var isDeferred = false

    mutating func append(_ chunk: [UInt8]) {
        guard !isEnded else { return }
        chunks.append(chunk)
        byteCount += chunk.count
    }

    mutating func finish() { isEnded = true }

    /// Whether nghttp2 had found nothing to send and has to be told that there is something.
    mutating func takeDeferral() -> Bool {
        let wasDeferred = isDeferred
        isDeferred = false
        return wasDeferred
    }

    /// Moves bytes out: how many, and whether they are the last.
    mutating func read(into target: UnsafeMutableRawBufferPointer) -> (count: Int, isAtEnd: Bool) {
        var filled = 0
        while head < chunks.count && filled < target.count {
            let length = min(chunks[head].count - offset, target.count - filled)
            chunks[head].withUnsafeBytes { chunk in
                UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + length])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[offset..<offset + length]))
            }
            filled += length
            offset += length
            if offset == chunks[head].count {
                chunks[head] = []
                head += 1
                offset = 0
            }
        }
        if head == chunks.count || head > 64 {
            chunks.removeFirst(head)
            head = 0
        }
        byteCount -= filled
        let isAtEnd = isEnded && byteCount == 0
        isDeferred = filled == 0 && !isAtEnd
        return (filled, isAtEnd)
    }
}
