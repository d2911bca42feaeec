/// A stream of frames on its connection.
struct OpenStream {
    let stream: ByteStream
    let receiver: StreamReceiver
    var assembler: FrameAssembler
    var hasFinished = false
}

/// Streams of frames, the same on both sides once they are open.
extension HTTP2Handler {
    func register(_ stream: ByteStream, _ id: HTTP2StreamID, _ receiver: StreamReceiver) {
        streams[id] = OpenStream(
            stream: stream, receiver: receiver,
            assembler: FrameAssembler(frameBytesMax: limits.frameBytesMax, windowBytes: windowBytes))
        streamIDs[ObjectIdentifier(stream)] = id
        shared.counters.update { $0.streamsOpened += 1 }
    }

    /// Takes over what threads have asked of the stream since the last time.
    func service(_ stream: ByteStream) {
        // Not open yet: the opening services it. Closed: nothing to do.
        guard let id = streamIDs[ObjectIdentifier(stream)] else { return }
        let outgoing = stream.takeOutgoing()
        if let code = outgoing.resetCode {
            session.reset(id, code: code)
            byteStreamFailed(
                id, CallError(HTTP2ErrorCode.status(of: code), "this side reset the stream \(stream.path)"))
            return
        }
        for chunk in outgoing.chunks { session.enqueue(chunk, on: id) }
        if outgoing.credit > 0 { session.consume(outgoing.credit, of: id) }
        if outgoing.finishes { session.end(id) }
    }

    func reportProgress(of id: HTTP2StreamID, _ count: Int) {
        guard let entry = streams[id] else { return }
        if entry.stream.wrote(count) { entry.receiver.onWritable() }
    }

    func receiveFrames(_ bytes: UnsafeRawBufferPointer, of id: HTTP2StreamID) {
        var frames: [ReceivedFrame] = []
        var failure: CallError?
        var released = 0
        do throws(CallError) {
            released = try streams[id]?.assembler.append(bytes, to: &frames) ?? 0
        } catch {
            failure = error
        }
        if released > 0 { session.consume(released, of: id) }
        if !frames.isEmpty, let receiver = streams[id]?.receiver {
            let count = frames.count
            shared.counters.update { $0.framesReceived += count }
            for frame in frames { receiver.onFrame(frame) }
        }
        if let failure {
            session.reset(id, code: HTTP2ErrorCode.of(failure.status))
            byteStreamFailed(id, failure)
        }
    }

    /// The peer has ended its side.
    func streamFinished(_ id: HTTP2StreamID) {
        guard let entry = streams[id], !entry.hasFinished else { return }
        streams[id]?.hasFinished = true
        if entry.assembler.isWithinFrame {
            session.reset(id, code: HTTP2ErrorCode.of(.corrupt))
            byteStreamFailed(id, CallError(.corrupt, "the stream \(entry.stream.path) ends within a frame"))
        } else {
            entry.receiver.onFinish()
        }
    }

    func byteStreamClosed(_ id: HTTP2StreamID, code: UInt32) {
        guard let entry = streams[id] else { return }
        if code == HTTP2ErrorCode.none && entry.hasFinished {
            forget(id)
            entry.receiver.onClose(nil)
        } else {
            let status = connection.isUsable ? HTTP2ErrorCode.status(of: code) : .unavailable
            byteStreamFailed(id, CallError(status, "the peer reset the stream \(entry.stream.path) with code \(code)"))
        }
    }

    func byteStreamFailed(_ id: HTTP2StreamID, _ reason: CallError) {
        guard let entry = streams[id] else { return }
        forget(id)
        entry.receiver.onClose(reason)
    }

    private func forget(_ id: HTTP2StreamID) {
        guard let entry = streams.removeValue(forKey: id) else { return }
        streamIDs[ObjectIdentifier(entry.stream)] = nil
        entry.stream.markClosed()
    }
}
