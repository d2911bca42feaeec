internal import Foundation

/// The terminal that standard output is, and how lines fit into it.
struct Screen: Sendable {
    var columns: Int
    var rows: Int

    /// As the terminal says at the moment; 80 by 24 if it does not.
    static var current: Screen {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return Screen(columns: 80, rows: 24)
        }
        return Screen(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// The line's beginning, as much as fits; signs for bold and the like take no room, and are closed.
    func clip(_ line: String) -> String {
        var clipped = ""
        var width = 0
        var isSign = false
        for character in line {
            if character == "\u{1B}" { isSign = true }
            if isSign {
                clipped.append(character)
                if character == "m" { isSign = false }
                continue
            }
            width += TableText.width(String(character))
            guard width <= columns else {
                return clipped + (line.contains("\u{1B}") ? "\u{1B}[0m" : "")
            }
            clipped.append(character)
        }
        return clipped
    }

    /// A picture of these parts: each is shown whole as far as it fits, the more important ones (smaller numbers) first; at least
    /// one row stays free below, so that nothing scrolls.
    func fit(_ parts: [(importance: Int, lines: [String])]) -> [String] {
        var left = rows - 1
        var counts = [Int](repeating: 0, count: parts.count)
        for index in parts.indices.sorted(by: { parts[$0].importance < parts[$1].importance }) {
            counts[index] = min(parts[index].lines.count, max(0, left))
            left -= counts[index]
        }
        return zip(parts, counts).flatMap { $0.lines.prefix($1) }.map(clip)
    }
}
