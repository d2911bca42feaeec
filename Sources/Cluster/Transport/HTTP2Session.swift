internal import CNghttp2

/// One side of an HTTP/2 connection: bytes in, events and bytes out. It knows no socket, clock or thread.
///
/// A wrapper of libnghttp2, which does the protocol; this type adds the budgets that nghttp2 1.52 lacks. Rules:
/// - Whoever owns it calls ``receive(_:now:into:)`` with what came, then ``withOutput(_:)`` until it gives nothing.
/// - The connection's window is reopened as soon as bytes arrive; a stream's only by ``consume(_:of:)``.
///   So one stalled stream never starves the others.
/// - A peer that exceeds a budget gets GOAWAY with ENHANCE_YOUR_CALM; ``fault`` then says which. Resets by the peer
///   and resets that the peer provoked from us are one budget.
/// - After a thrown error, or once ``isFinished``, the connection has to be closed.
package struct HTTP2Session: ~Copyable {
    package enum Role: Sendable {
        case client, server
    }

    private let session: OpaquePointer
    private let role: Role
    private let state: HTTP2SessionState

    /// Makes a session whose first output is the preface and its settings.
    ///
    /// - Parameter now: nanoseconds of a monotonic clock.
    package init(role: Role, limits: TransportLimits, now: Int64) {
        self.role = role
        state = HTTP2SessionState(limits: limits, now: now)
        var callbacks: OpaquePointer?
        precondition(nghttp2_session_callbacks_new(&callbacks) == 0, "nghttp2: out of memory")
        defer { nghttp2_session_callbacks_del(callbacks) }
        HTTP2SessionState.install(in: callbacks)
        var option: OpaquePointer?
        precondition(nghttp2_option_new(&option) == 0, "nghttp2: out of memory")
        defer { nghttp2_option_del(option) }
        nghttp2_option_set_no_auto_window_update(option, 1)
        nghttp2_option_set_no_closed_streams(option, 1)
        nghttp2_option_set_max_continuations(option, limits.continuationsMax)
        nghttp2_option_set_max_settings(option, limits.settingsEntriesMax)
        nghttp2_option_set_max_outbound_ack(option, limits.acknowledgementsMax)
        nghttp2_option_set_stream_reset_rate_limit(
            option, UInt64(limits.resets.burst), UInt64(limits.resets.perSecond))
        // Types that nghttp2 does not know are shown to us, who count and drop them.
        for type in HTTP2SessionState.unknownTypes { nghttp2_option_set_user_recv_extension_type(option, type) }
        let context = Unmanaged.passUnretained(state).toOpaque()
        var made: OpaquePointer?
        switch role {
        case .client: precondition(nghttp2_session_client_new2(&made, callbacks, context, option) == 0)
        case .server: precondition(nghttp2_session_server_new2(&made, callbacks, context, option) == 0)
        }
        guard let made else { preconditionFailure("nghttp2: no session") }
        session = made
        submitSettings(
            streamsMax: role == .server ? limits.strangerStreamsMax : 0, windowBytes: limits.controlWindowBytes,
            headerBytesMax: limits.headerBytesMax, dataFrameBytes: TransportLimits.leastDataFrameBytes)
        nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindowBytes))
    }

    deinit {
        nghttp2_session_del(session)
    }

    // MARK: - Bytes

    /// Reads what came from the peer and appends what it means to `events`.
    ///
    /// - Throws: `corrupt` when the bytes are not HTTP/2, `overloaded` when the peer reads no answers. Close then.
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer, now: Int64, into events: inout [HTTP2Event]
    ) throws(CallError) {
        state.now = now
        let read = nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        events.append(contentsOf: takeEvents())
        reopenConnectionWindow()
        stopIfOverBudget()
        guard read >= 0 else {
            let status: CallStatus = read == Int(NGHTTP2_ERR_FLOODED.rawValue) ? .overloaded : .corrupt
            throw CallError(status, "cannot read HTTP/2 from the peer: \(Self.text(of: read))")
        }
    }

    /// Lends the next bytes to send; nil when there are none now. They are valid within `body` only.
    package mutating func withOutput<Result>(
        _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(CallError) -> Result? {
        var bytes: UnsafePointer<UInt8>?
        let length = nghttp2_session_mem_send(session, &bytes)
        stopIfOverBudget()
        guard length >= 0 else {
            throw CallError(.internalFailure, "cannot write HTTP/2: \(Self.text(of: length))")
        }
        guard length > 0, let bytes else { return nil }
        return body(UnsafeRawBufferPointer(start: bytes, count: length))
    }

    /// What has happened since: output ends streams too. ``receive(_:now:into:)`` gives these first.
    package mutating func takeEvents() -> [HTTP2Event] {
        let events = state.events
        state.events = []
        return events
    }

    /// Whether nothing more will be read or written.
    package var isFinished: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    /// Why the session was ended for the peer's fault; nil while it was not.
    package var fault: String? { state.fault }

    /// Streams open in either direction.
    package var openStreams: Int { state.open.count }

    private func reopenConnectionWindow() {
        guard state.bodyBytes > 0 else { return }
        nghttp2_session_consume_connection(session, state.bodyBytes)
        state.bodyBytes = 0
    }

    /// A callback may not end the session while it sends, so the budgets are looked at after each call.
    private func stopIfOverBudget() {
        guard state.fault != nil, !state.isTerminated else { return }
        state.isTerminated = true
        nghttp2_session_terminate_session(session, HTTP2ErrorCode.enhanceYourCalm)
    }

    // MARK: - Streams

    /// Opens a stream, as the client. Its body follows by ``enqueue(_:on:)`` unless `endOfStream`.
    package mutating func submitRequest(
        _ headers: [HTTP2Header], endOfStream: Bool
    ) throws(CallError) -> HTTP2StreamID {
        let stream = Self.withFields(headers) { fields, count in
            guard !endOfStream else { return nghttp2_submit_request(session, nil, fields, count, nil, nil) }
            var provider = Self.bodyProvider
            return nghttp2_submit_request(session, nil, fields, count, &provider, nil)
        }
        guard stream > 0 else {
            throw CallError(.unavailable, "cannot open a stream: \(Self.text(of: Int(stream)))")
        }
        state.open.insert(stream)
        if !endOfStream { state.bodies[stream] = OutboundBody() }
        return stream
    }

    /// Answers a stream, as the server.
    package mutating func submitResponse(
        _ headers: [HTTP2Header], on stream: HTTP2StreamID, endOfStream: Bool
    ) {
        // An answer to a stream that has just been reset goes nowhere; nghttp2 says so and nothing is lost.
        if !endOfStream { state.bodies[stream] = OutboundBody() }
        let result = Self.withFields(headers) { fields, count in
            guard !endOfStream else { return nghttp2_submit_response(session, stream, fields, count, nil) }
            var provider = Self.bodyProvider
            return nghttp2_submit_response(session, stream, fields, count, &provider)
        }
        if result != 0 { state.bodies[stream] = nil }
    }

    /// Queues bytes of a stream's body. The caller bounds the queue (``queuedBytes(of:)``).
    package mutating func enqueue(_ bytes: [UInt8], on stream: HTTP2StreamID) {
        guard !bytes.isEmpty, state.bodies[stream]?.append(bytes) != nil else { return }
        resume(stream)
    }

    /// Ends our side of a stream after what is queued.
    package mutating func end(_ stream: HTTP2StreamID) {
        guard state.bodies[stream]?.finish() != nil else { return }
        resume(stream)
    }

    private func resume(_ stream: HTTP2StreamID) {
        guard state.bodies[stream]?.takeDeferral() == true else { return }
        nghttp2_session_resume_data(session, stream)
    }

    /// Bytes of a stream's body that are queued and not yet output.
    package func queuedBytes(of stream: HTTP2StreamID) -> Int { state.bodies[stream]?.byteCount ?? 0 }

    /// Per stream, the bytes of its body that were output since the last call.
    package mutating func takeProgress() -> [HTTP2StreamID: Int] {
        let progress = state.progress
        state.progress.removeAll(keepingCapacity: true)
        return progress
    }

    /// Lets the peer send `count` more bytes on the stream.
    package mutating func consume(_ count: Int, of stream: HTTP2StreamID) {
        nghttp2_session_consume_stream(session, stream, count)
    }

    /// Ends a stream at once. What is queued on it is dropped.
    package mutating func reset(_ stream: HTTP2StreamID, code: UInt32) {
        state.ownResets.insert(stream)
        state.bodies[stream] = nil
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code)
    }

    // MARK: - The connection

    /// Changes what the peer may do: concurrent streams that it opens, the window of each stream, and what one DATA frame holds.
    package mutating func submitSettings(
        streamsMax: Int, windowBytes: Int, headerBytesMax: Int, dataFrameBytes: Int
    ) {
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(streamsMax)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(windowBytes)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(headerBytesMax)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_FRAME_SIZE.rawValue), value: UInt32(dataFrameBytes)),
        ]
        if role == .client {
            entries.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), &entries, entries.count)
    }

    /// Asks the peer for a sign of life; its answer is ``HTTP2Event/pong(_:)`` with the same number.
    package mutating func ping(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { bytes in
            _ = nghttp2_submit_ping(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Tells the peer that new streams are refused from now on; those open go on to their end.
    package mutating func beginDrain(reason: String) {
        let last = nghttp2_session_get_last_proc_stream_id(session)
        var text = Array(reason.utf8.prefix(128))
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, HTTP2ErrorCode.none, &text, text.count)
    }

    /// Ends the connection: GOAWAY with `code`, then ``isFinished``.
    package mutating func terminate(code: UInt32) {
        guard !state.isTerminated else { return }
        state.isTerminated = true
        nghttp2_session_terminate_session(session, code)
    }

    // MARK: - C

    private static var bodyProvider: nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source(fd: 0), read_callback: readBodyCallback)
    }

    private static func text(of code: Int) -> String {
        String(cString: nghttp2_strerror(Int32(truncatingIfNeeded: code)))
    }

    /// Lends the headers as nghttp2 wants them: all names and values in one block of memory.
    private static func withFields<Result>(
        _ headers: [HTTP2Header], _ body: (UnsafePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        var bytes: [UInt8] = []
        for header in headers {
            bytes.append(contentsOf: header.name.utf8)
            bytes.append(contentsOf: header.value.utf8)
        }
        // One byte more, so that there is a base address.
        bytes.append(0)
        return bytes.withUnsafeMutableBufferPointer { bytes in
            guard var next = bytes.baseAddress else { preconditionFailure("empty header block") }
            var fields: [nghttp2_nv] = []
            for header in headers {
                let value = next + header.name.utf8.count
                fields.append(
                    nghttp2_nv(
                        name: next, value: value, namelen: header.name.utf8.count, valuelen: header.value.utf8.count,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                next = value + header.value.utf8.count
            }
            return fields.withUnsafeBufferPointer { fields in
                guard let base = fields.baseAddress else { preconditionFailure("empty header block") }
                return body(base, fields.count)
            }
        }
    }
}
