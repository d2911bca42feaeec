import Dataflow
import Foundation
import Testing

@testable import Node

/// What people see: tables, the place of an error, and how a console knows that a statement is whole.
@Suite struct ConsoleTests {
    // MARK: Tables

    @Test func columnsAreAlignedByTheWidthThatATerminalGivesThem() {
        let lines = TableText.lines(
            ["name", "n"], [["ada", "1"], ["日本語", "22"], ["é\u{301}", "333"], ["👩‍👩‍👧", "4"], ["", "5"]],
            isNumber: [false, true])
        #expect(
            lines == [
                "name   |   n",
                "-------+----",
                "ada    |   1",
                "日本語 |  22",
                "é\u{301}      | 333",
                "👩‍👩‍👧     |   4",
                "       |   5",
            ])
    }

    @Test(arguments: [
        ("abc", 3), ("日本", 4), ("ﬀ", 1), ("e\u{301}", 1), ("한", 2), ("🇩🇪", 2), ("ＡＢ", 4), ("", 0), ("→", 1),
    ])
    func widths(text: String, width: Int) {
        #expect(TableText.width(text) == width)
    }

    @Test func nullIsNotTheEmptyTextAndControlCharactersAreShown() {
        let builder = ColumnBuilder(type: .text, capacity: 4)
        for value: Datum in [.null, .text(""), .text("a\nb\tc"), .text("\u{1B}[31mred\u{7}")] { builder.append(value) }
        let result = QueryResult(
            columns: [ColumnSchema(name: "v", type: .text)], batches: [Delta(columns: [builder.finish()], count: 4)])
        #expect(TableText.lines(result).dropFirst(2) == ["NULL", "", "a⏎b c", "␛[31mred␇"])
        #expect(TableText.lines(result, rowsMax: 1).count == 3)
    }

    // MARK: The screen

    @Test func aPictureFitsTheScreen() {
        let screen = Screen(columns: 10, rows: 6)
        let picture = screen.fit([
            (0, ["head"]), (2, ["a", "b", "c"]), (1, ["\u{1B}[1mvery bold indeed\u{1B}[0m", "日本語日本語"]),
        ])
        #expect(picture == ["head", "a", "b", "\u{1B}[1mvery bold \u{1B}[0m", "日本語日本"])
        #expect(Screen(columns: 3, rows: 2).fit([(1, ["x"]), (0, ["abcdef", "y"])]) == ["abc"])
        #expect(Screen(columns: 3, rows: 0).fit([(0, ["x"])]).isEmpty)
    }

    // MARK: Errors

    @Test func aMarkStandsUnderThePlace() throws {
        let text = "SELECT a,\n       nope\nFROM t"
        let place = try #require(ErrorPlace(18, in: text))
        #expect(place.line == 2 && place.column == 8)
        #expect(place.lines("line 2: ") == ["line 2:        nope", "               ^"])
        #expect(ErrorPlace(1, in: "")?.lines("") == ["", "^"])
        #expect(ErrorPlace(5, in: "abc") == nil)
        #expect(ErrorPlace(0, in: "abc") == nil)
        // Positions count characters, the mark columns.
        #expect(ErrorPlace(4, in: "日本 x")?.lines("") == ["日本 x", "     ^"])
        #expect(ErrorPlace(4, in: "a\r\nb")?.lines("") == ["b", "^"])
        let long = String(repeating: "x", count: 500) + "!" + String(repeating: "y", count: 500)
        let lines = try #require(ErrorPlace(501, in: long)).lines("")
        #expect(lines[0].count < 110 && Array(lines[0])[lines[1].count - 1] == "!")
    }

    @Test func theClientShowsWhereAStatementIsWrong() {
        let body = #"{"code":"42703","message":"column \"nope\" does not exist","position":8,"hint":"try it"}"#
        #expect(
            NodeClient.message(body, about: "SELECT nope FROM t")
                == "column \"nope\" does not exist [42703]\nline 1: SELECT nope FROM t\n               ^\n  hint: try it"
        )
        #expect(NodeClient.message(body).hasSuffix("[42703] at character 8\n  hint: try it"))
        #expect(NodeClient.message("not JSON") == "not JSON")
    }

    // MARK: Statements

    @Test(arguments: [
        ("SELECT 1;", true), ("SELECT 1", false), ("SELECT ';", false), ("SELECT ';'", false), ("SELECT ';';", true),
        ("SELECT 'it''s;'", false), ("SELECT \"a;b\";", true), ("SELECT E'\\';';", true), ("SELECT E'\\';", false),
        ("SELECT '\\';", true), ("SELECT 1; -- done", true), ("SELECT 1 -- not;", false), ("SELECT /* ; */ 1", false),
        ("SELECT /* /* */ ; */ 1;", true), ("/* open ;", false), ("SELECT $$;$$", false), ("SELECT $a$ $$; $a$;", true),
        ("SELECT $1;", true), ("SELECT 1; SELECT 2", false), ("", false), (";", true),
    ]) func aStatementIsWholeAtItsSemicolon(text: String, isComplete: Bool) {
        var statement = StatementText()
        statement.add(text + "\n")
        #expect(statement.isComplete == isComplete)
        #expect(statement.text == text + "\n")
    }

    @Test func theHistoryHasAStatementOnOneLineWithoutItsComments() {
        var statement = StatementText()
        #expect(statement.isEmpty)
        for line in ["SELECT a, -- the first\n", "  'x\n", "y' /* and\n", " more */ FROM t;\n"] {
            #expect(!statement.isComplete)
            statement.add(line)
        }
        #expect(statement.isComplete)
        #expect(statement.line == "SELECT a,    'x\ny'   FROM t; ")
    }

    @Test func theHistoryIsForItsOwnersEyesAndBounded() throws {
        #expect(StatementHistory.path(["HOME": "/home/ada"]) == "/home/ada/.local/state/dataprism/history")
        #expect(StatementHistory.path(["HOME": "/h", "XDG_STATE_HOME": "/s"]) == "/s/dataprism/history")
        #expect(StatementHistory.path(["HOME": "/h", "XDG_STATE_HOME": "s"]) == "/h/.local/state/dataprism/history")
        #expect(StatementHistory.path([:]) == nil)
        let directory = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record("\(error)") } }
        let path = directory + "/state/history"
        let statements = ["SELECT 1;", "SELECT 'a\nb';", #"SELECT '\n\\';"#, "SELECT 'é日本';"]
        let first = try #require(StatementHistory(path: path))
        #expect(first.load().isEmpty)
        for statement in statements.prefix(2) { first.append(statement) }
        let second = try #require(StatementHistory(path: path))
        for statement in statements.dropFirst(2) { second.append(statement) }
        #expect(second.load() == statements)
        for number in 0..<StatementHistory.statementsMax { first.append("SELECT \(number);") }
        let kept = first.load()
        #expect(
            kept.count == StatementHistory.statementsMax && kept.last == "SELECT \(StatementHistory.statementsMax - 1);"
        )
        #expect(kept.first == "SELECT 0;" && first.load() == kept)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(StatementHistory(path: "/proc/nowhere/history") == nil)
    }
}
