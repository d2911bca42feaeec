import Glibc
import Synchronization

/// Tells all processes that use a log directory that something was appended: a committer touches a file, inotify wakes the rest.
final class ChangeNotifier: Sendable {
    private let watchers = Watchers()
    private let file: Int32
    /// One end of a pipe: writing to it, or closing it, ends the watching thread, which owns the other end.
    private let stopWrite: Int32

    init(path: String) throws(LogError) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let inotify = inotify_init1(Int32(O_CLOEXEC))
        var ends: [Int32] = [-1, -1]
        let piped = pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stopWrite = ends[1]
        guard file >= 0, inotify >= 0, piped == 0, inotify_add_watch(inotify, path, UInt32(IN_MODIFY)) >= 0 else {
            let reason = String(cString: strerror(errno))
            // What would have been the thread's.
            Glibc.close(inotify)
            Glibc.close(ends[0])
            throw LogError(.storage, "cannot watch \(path): \(reason)")
        }
        let (stop, watchers) = (ends[0], watchers)
        startThread("log-notify") {
            Self.watch(inotify, stop, watchers)
            Glibc.close(inotify)
            Glibc.close(stop)
        }
    }

    deinit {
        Glibc.close(file)
        Glibc.close(stopWrite)
    }

    /// After a commit.
    func signal() {
        var byte: UInt8 = 1
        // A failure costs a late notice, never a record: readers look at the log itself.
        _ = pwrite(file, &byte, 1, 0)
    }

    func stream() -> AsyncStream<Void> { watchers.stream() }

    func close() {
        watchers.close()
        var byte: UInt8 = 1
        _ = write(stopWrite, &byte, 1)
    }

    private static func watch(_ inotify: Int32, _ stop: Int32, _ watchers: Watchers) {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while true {
                var polled = [
                    pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                ]
                guard poll(&polled, 2, -1) > 0 else { continue }
                if polled[1].revents != 0 { return }
                _ = read(inotify, buffer.baseAddress, buffer.count)
                watchers.yield()
            }
        }
    }
}

/// Those who want to know of appends.
private final class Watchers: Sendable {
    private struct State {
        var continuations: [Int: AsyncStream<Void>.Continuation] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.continuations[state.next] = continuation
            return state.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.continuations[number] = nil } }
        return stream
    }

    func yield() {
        let continuations = state.withLock { Array($0.continuations.values) }
        for continuation in continuations { continuation.yield() }
    }

    func close() {
        let continuations = state.withLock { state in
            state.isClosed = true
            return Array(state.continuations.values)
        }
        for continuation in continuations { continuation.finish() }
    }
}
