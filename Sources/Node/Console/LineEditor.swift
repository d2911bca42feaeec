internal import CEdit
internal import Foundation

/// Lines typed by a person, with editing and history (libedit), or read from a pipe.
final class LineEditor {
    let isInteractive = isatty(STDIN_FILENO) == 1
    /// The line returned last was ended by Ctrl-C, and is empty.
    private(set) var isInterrupted = false
    private let history: StatementHistory?

    /// Recalls the statements of earlier sessions, if there is a place where they are kept.
    init() {
        let path = StatementHistory.path(ProcessInfo.processInfo.environment)
        history = isInteractive ? path.flatMap { StatementHistory(path: $0) } : nil
        guard isInteractive else { return }
        edit_catch_interrupts()
        using_history()
        stifle_history(Int32(StatementHistory.statementsMax))
        for statement in history?.load() ?? [] { add_history(statement) }
    }

    /// The next line with its newline; nil at the end of input.
    func line(isContinued: Bool) -> String? {
        guard isInteractive else { return readLine(strippingNewline: false) }
        var interrupted: Int32 = 0
        let text = edit_line(isContinued ? "        -> " : "dataprism=> ", &interrupted)
        isInterrupted = interrupted != 0
        if isInterrupted { return "" }
        guard let text else { return nil }
        defer { free(text) }
        return String(cString: text) + "\n"
    }

    /// How often Ctrl-C is looked for while a statement runs.
    private static let interruptPoll = Duration.milliseconds(50)

    /// Returns once Ctrl-C is typed while no line is read, or the task is cancelled.
    static func interrupted() async {
        let before = edit_interrupt_count()
        while edit_interrupt_count() == before {
            do { try await Task.sleep(for: interruptPoll) } catch { return }
        }
    }

    /// Puts a statement, as one line, into the history of this session and of later ones.
    func remember(_ line: String) {
        let entry = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard isInteractive, !entry.isEmpty else { return }
        add_history(entry)
        history?.append(entry)
    }
}
