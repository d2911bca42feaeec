internal import Foundation
internal import Glibc

/// What was typed in earlier sessions: a file in the user's state directory, for its owner's eyes only, a statement a line.
///
/// Several sessions may append at once. Line ends inside of a statement are `\n`, backslashes are doubled.
struct StatementHistory {
    private let path: String

    /// Statements kept; the file is cut to these when a session begins.
    static let statementsMax = 1000
    /// A larger file is not a history of ours.
    private static let bytesMax = 16 << 20

    /// Makes the file if it is not there; nil if it cannot be written.
    init?(path: String) {
        self.path = path
        let folder = URL(filePath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            return nil
        }
        guard let descriptor = open() else { return nil }
        close(descriptor)
    }

    /// In the user's state directory.
    static func path(_ environment: [String: String]) -> String? {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/dataprism/history" }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return home + "/.local/state/dataprism/history"
    }

    private func open() -> Int32? {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        guard fchmod(descriptor, 0o600) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// The statements, oldest first; cuts the file where there are more than are kept.
    func load() -> [String] {
        let lines: [Substring]
        do {
            let content = try Data(contentsOf: URL(filePath: path))
            guard content.count <= Self.bytesMax else { return [] }
            lines = String(decoding: content, as: UTF8.self).split(separator: "\n")
            guard lines.count > Self.statementsMax else { return lines.map(Self.decode) }
            let kept = lines.suffix(Self.statementsMax).joined(separator: "\n") + "\n"
            try Data(kept.utf8).write(to: URL(filePath: path + ".new"))
            guard chmod(path + ".new", 0o600) == 0, rename(path + ".new", path) == 0 else { return [] }
        } catch {
            // A console without history is still one.
            return []
        }
        return lines.suffix(Self.statementsMax).map(Self.decode)
    }

    /// Adds one statement at once, so that a session that is killed has kept it.
    func append(_ statement: String) {
        guard let descriptor = open() else { return }
        defer { close(descriptor) }
        let line = Array((Self.encode(statement) + "\n").utf8)
        _ = write(descriptor, line, line.count)
    }

    private static func encode(_ statement: String) -> String {
        statement.replacing("\\", with: "\\\\").replacing("\r\n", with: "\\n").replacing("\n", with: "\\n")
    }

    private static func decode(_ line: Substring) -> String {
        var text = ""
        var rest = line
        while let character = rest.popFirst() {
            guard character == "\\", let next = rest.popFirst() else {
                text.append(character)
                continue
            }
            text.append(next == "n" ? "\n" : next)
        }
        return text
    }
}
