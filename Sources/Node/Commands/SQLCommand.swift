internal import ArgumentParser
internal import Foundation
internal import SQL

/// `dataprism sql`.
struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Runs SQL on a node; without -c and -f it is a console.",
        discussion: """
            In the console a statement may have several lines and ends with ';'. \\d lists what there is, \\d NAME its columns, \\q leaves.
            What was typed is remembered in ~/.local/state/dataprism/history (or below $XDG_STATE_HOME).

            Examples:
              dataprism sql
              dataprism sql -c 'SELECT * FROM revenue ORDER BY total DESC LIMIT 5'
              dataprism sql -f more-views.sql --url http://127.0.0.1:7070
              echo 'SELECT * FROM revenue;' | dataprism sql --json
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Statements to run.", valueName: "sql"))
    var command: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("A file of statements to run.", valueName: "file"))
    var file: String?

    @OptionGroup var flags: ClientFlags

    func run() async throws {
        if let command {
            guard try await executeAll(command) else { throw ExitCode(1) }
        } else if let file {
            let text: String
            do {
                text = try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                throw CommandFailure("\(file): cannot be read: \(error.localizedDescription)")
            }
            guard try await executeAll(text) else { throw ExitCode(1) }
        } else {
            guard try await console() else { throw ExitCode(1) }
        }
    }

    /// Runs statements to the first that is refused, and prints the answer of each query. Statements between queries go to the node as
    /// one text, so that what they create becomes active together.
    private func executeAll(_ text: String) async throws -> Bool {
        let statements: [ParsedStatement]
        do throws(SQLError) {
            statements = try SQLCompiler.parse(text)
        } catch {
            // The node says what is wrong with it.
            return try await execute(text)
        }
        var group: [String] = []
        for statement in statements {
            var line = StatementText()
            line.add(statement.text)
            let word = line.line.drop { $0 == "(" || $0.isWhitespace }.prefix { $0.isLetter }.lowercased()
            guard ["select", "with", "values", "table", "show", "explain"].contains(word) else {
                group.append(statement.text)
                continue
            }
            if !group.isEmpty, try await !execute(group.joined(separator: ";\n")) { return false }
            group = []
            guard try await execute(statement.text) else { return false }
        }
        if group.isEmpty, !statements.isEmpty { return true }
        return try await execute(group.isEmpty ? text : group.joined(separator: ";\n"))
    }

    /// Prints the answer; false if the node refused.
    private func execute(_ text: String) async throws -> Bool {
        let started = ContinuousClock.now
        let answer = try await flags.client.request("POST", "/sql", body: text)
        guard answer.status == 200 else {
            let message = flags.json ? answer.body : "dataprism: \(NodeClient.message(answer.body, about: text))"
            FileHandle.standardError.write(Data((message.trimmingCharacters(in: .newlines) + "\n").utf8))
            return false
        }
        if let stale = answer.headers["dataprism-stale"] {
            let names = stale.split(separator: ",").map { $0.removingPercentEncoding ?? String($0) }
            let notice = "notice: stale: \(names.joined(separator: ", ")) has stopped; dataprism status says why"
            FileHandle.standardError.write(Data("dataprism: \(notice)\n".utf8))
        }
        if flags.json {
            print(answer.body, terminator: "")
            return true
        }
        let rows = answer.body.split(separator: "\n").compactMap { OrderedRow($0) }
        if let first = rows.first, first.names == ["result"], answer.headers["dataprism-epoch"] == nil {
            for row in rows { print(row["result"] ?? "") }
            return true
        }
        if let first = rows.first {
            let numbers = first.names.indices.map { index in
                rows.allSatisfy { $0.values[index] == nil || $0.isNumber[index] }
            }
            for line in TableText.lines(
                first.names, rows.map { $0.values.map { $0 ?? TableText.null } }, isNumber: numbers)
            { print(line) }
        }
        let milliseconds = Int((ContinuousClock.now - started) / .milliseconds(1))
        let epoch = answer.headers["dataprism-epoch"].map { ", epoch \($0)" } ?? ""
        print("(\(rows.count) row\(rows.count == 1 ? "" : "s"), \(milliseconds) ms\(epoch))")
        return true
    }

    /// Statements line by line, to the end of input; false if they came from a pipe and one was refused.
    private func console() async throws -> Bool {
        let editor = LineEditor()
        if editor.isInteractive {
            print("dataprism sql on \(flags.client.url): statements end with ';', \\d lists views, \\q leaves")
        }
        var statement = StatementText()
        var isRight = true
        while let line = editor.line(isContinued: !statement.isEmpty) {
            if editor.isInterrupted {
                // Ctrl-C drops what was typed, as in psql.
                statement = StatementText()
                continue
            }
            let trimmed = line.trimmingCharacters(in: .whitespacesAndNewlines)
            if statement.isEmpty, trimmed.hasPrefix("\\") {
                if trimmed == "\\q" { return isRight }
                editor.remember(trimmed)
                if let text = Self.shortcut(trimmed) {
                    isRight = try await answer(text, editor) && isRight
                } else {
                    print("unknown: \(trimmed); there are \\d, \\d NAME, \\dv, \\dt and \\q")
                }
                continue
            }
            statement.add(line)
            if statement.isComplete {
                editor.remember(statement.line)
                isRight = try await answer(statement.text, editor) && isRight
                statement = StatementText()
            } else if statement.isEmpty, trimmed.isEmpty {
                statement = StatementText()
            }
        }
        if editor.isInteractive { print("") }
        if !statement.isEmpty { isRight = try await answer(statement.text, editor) && isRight }
        return editor.isInteractive || isRight
    }

    /// Executes; a node that does not answer is no reason for a person's console to end.
    private func answer(_ text: String, _ editor: LineEditor) async throws -> Bool {
        do {
            guard editor.isInteractive else { return try await executeAll(text) }
            return try await withThrowingTaskGroup(of: Bool?.self) { group in
                group.addTask { try await executeAll(text) }
                group.addTask {
                    await LineEditor.interrupted()
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let isRight = first else {
                    print("cancelled")
                    return false
                }
                return isRight
            }
        } catch is CancellationError where editor.isInteractive {
            return false
        } catch let failure as CommandFailure where editor.isInteractive {
            FileHandle.standardError.write(Data("dataprism: \(failure)\n".utf8))
            return false
        }
    }

    private static func shortcut(_ text: String) -> String? {
        let words = text.split(separator: " ")
        switch words.first {
        case "\\d" where words.count == 2: return "SHOW \(words[1])"
        case "\\d", "\\dv": return "SHOW VIEWS"
        case "\\dt": return "SHOW TABLES"
        default: return nil
        }
    }
}
