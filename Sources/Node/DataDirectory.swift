internal import Foundation

/// A node's data directory: it belongs to one process, by a lock that the kernel gives back when the process ends.
final class DataDirectory: Sendable {
    let path: String
    /// Drawn once, and kept as long as the directory is: whoever has it is the same node.
    let id: String
    private let descriptor: Int32

    /// Makes the directory if there is none, and locks it.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ConfigurationFailure("data directory \(path) cannot be made: \(error.localizedDescription)")
        }
        let lockPath = path + "/lock"
        descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ConfigurationFailure("\(lockPath) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var buffer = [UInt8](repeating: 0, count: 24)
            let size = pread(descriptor, &buffer, buffer.count, 0)
            let pid = String(decoding: buffer.prefix(max(size, 0)), as: UTF8.self).trimmingCharacters(
                in: .whitespacesAndNewlines)
            close(descriptor)
            throw ConfigurationFailure(
                "data directory \(path) is in use by process \(pid.isEmpty ? "(unknown)" : pid); stop it, or use another --data"
            )
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        do {
            id = try Self.identity(path + "/id")
        } catch {
            close(descriptor)
            throw ConfigurationFailure("\(path)/id cannot be read or written: \(error.localizedDescription)")
        }
    }

    private static func identity(_ path: String) throws -> String {
        if let known = FileManager.default.contents(atPath: path) {
            let text = String(decoding: known, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if !text.isEmpty { return text }
        }
        var random = SystemRandomNumberGenerator()
        let id = String(random.next() as UInt64, radix: 16) + String(random.next() as UInt64, radix: 16)
        try Data((id + "\n").utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        return id
    }

    deinit { close(descriptor) }
}
