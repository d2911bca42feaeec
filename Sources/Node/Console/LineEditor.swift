internal import CEdit
internal import Foundation

/// Lines typed by a person, with editing and history (libedit), or read from a pipe.
struct LineEditor {
    let isInteractive = isatty(STDIN_FILENO) == 1
    private let history: StatementHistory?

    /// Recalls the statements of earlier sessions, if there is a place where they are kept.
    init() {
        let path = StatementHistory.path(ProcessInfo.processInfo.environment)
        history = isInteractive ? path.flatMap { StatementHistory(path: $0) } : nil
        guard isInteractive else { return }
        using_history()
        stifle_history(Int32(StatementHistory.statementsMax))
        for statement in history?.load() ?? [] { add_history(statement) }
    }

    /// The next line with its newline; nil at the end of input.
    func line(isContinued: Bool) -> String? {
        guard isInteractive else { return readLine(strippingNewline: false) }
        guard let text = readline(isContinued ? "        -> " : "dataprism=> ") else { return nil }
        defer { free(text) }
        return String(cString: text) + "\n"
    }

    /// Puts a statement, as one line, into the history of this session and of later ones.
    func remember(_ line: String) {
        let entry = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard isInteractive, !entry.isEmpty else { return }
        add_history(entry)
        history?.append(entry)
    }
}
