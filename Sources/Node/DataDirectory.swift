internal import Foundation

/// A node's data directory: it belongs to one process, by a lock that the kernel gives back when the process ends.
final class DataDirectory: Sendable {
    let path: String
    /// Drawn once, and kept as long as the directory is: whoever has it is the same node.
    let id: String
    private let lock: LockFile

    /// Makes the directory if there is none, and locks it.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ConfigurationFailure("data directory \(path) cannot be made: \(error.localizedDescription)")
        }
        do {
            lock = try LockFile(path + "/lock")
        } catch let held as LockFile.Held {
            throw ConfigurationFailure(
                "data directory \(path) is in use by process \(held.pid.map { "\($0)" } ?? "(unknown)"); stop it, or use another --data"
            )
        }
        do {
            id = try Self.identity(path + "/id")
        } catch {
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
}
