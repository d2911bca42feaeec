internal import Glibc

/// A file that belongs to one process, by a lock that the kernel gives back when the process ends, and that says which one it is.
final class LockFile: Sendable {
    /// Another process has the file: its number, if it is known.
    struct Held: Error {
        var pid: pid_t?
    }

    enum Holder: Equatable {
        case nobody
        case process(pid_t)
        /// Somebody whose process cannot be made out.
        case unknown
    }

    private let descriptor: Int32

    /// Whoever looks who holds a file holds it for a moment: a file is found taken only if it is so this many times in a row.
    private static let tries = 3
    private static let pause: Int32 = 20

    /// Makes the file if there is none, and takes it.
    ///
    /// - Throws: ``Held``; ``ConfigurationFailure`` if there can be no such file.
    init(_ path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ConfigurationFailure("\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        for number in 1...Self.tries where flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard number < Self.tries else {
                // The descriptor is this object's already, and closed with it.
                throw Held(pid: Self.written(descriptor))
            }
            poll(nil, 0, Self.pause)
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    deinit { close(descriptor) }

    /// Who holds a file now. A number in it counts only while the file is held, and only of a process that has it open: whatever a process
    /// has left behind that was killed, and whoever has its number today, is not taken for it.
    static func holder(_ path: String) -> Holder {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .nobody }
        defer { close(descriptor) }
        for number in 1...tries {
            if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return .nobody }
            if let pid = written(descriptor), hasOpen(pid, descriptor) { return .process(pid) }
            // It may have been taken just now, and not be written yet.
            if number < tries { poll(nil, 0, pause) }
        }
        return .unknown
    }

    private static func written(_ descriptor: Int32) -> pid_t? {
        var buffer = [UInt8](repeating: 0, count: 24)
        let size = pread(descriptor, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(size, 0)), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).first.flatMap { pid_t($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func hasOpen(_ pid: pid_t, _ descriptor: Int32) -> Bool {
        guard let wanted = target("/proc/self/fd/\(descriptor)"), let directory = opendir("/proc/\(pid)/fd") else {
            return false
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.first != ".", target("/proc/\(pid)/fd/\(name)") == wanted { return true }
        }
        return false
    }

    /// Where a symbolic link leads, as the kernel says it.
    private static func target(_ link: String) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let size = readlink(link, &buffer, buffer.count)
        return size > 0 ? buffer.prefix(size).map { UInt8(bitPattern: $0) } : nil
    }
}
