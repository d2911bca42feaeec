import Dataflow
import SQL

/// The types that the oracles use, by PostgreSQL's names.
enum SQLTypes {
    /// Values for pipelines, in PostgreSQL's text: few, so that they tie, small, so that sums are exact and do not overflow,
    /// and no two that SQL calls equal but prints differently.
    static let tame: [String: [String]] = [
        "boolean": ["t", "f"],
        "smallint": ["0", "1", "-1", "7", "300"],
        "integer": ["0", "1", "2", "-3", "40", "1000"],
        "bigint": ["0", "1", "-2", "5", "12", "99", "-1000"],
        "real": ["0", "0.5", "-1.25", "3", "64"],
        "double precision": ["0", "0.25", "-1.5", "3", "100.75", "-20"],
        "numeric": ["0", "1.5", "-2", "19.99"],
        "numeric(12,2)": ["0.00", "1.50", "-1.50", "19.99", "100.00", "-0.01"],
        "text": ["", "a", "b", "ab", "Zoë", "x_y", "b%", "a\\b", "it's"],
        "varchar(8)": ["", "a", "bb", "éé"],
        "char(4)": ["a   ", "bb  ", "abcd"],
        "bytea": ["\\x", "\\x00", "\\x61ff", "\\x7f"],
        "uuid": [
            "00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        "date": ["2024-01-01", "1999-12-31", "2024-02-29", "0044-03-15 BC"],
        "time": ["00:00:00", "12:34:56.789", "23:59:59.999999"],
        "timestamp": ["2024-01-01 00:00:00", "2024-01-01 00:00:10", "1969-12-31 23:59:59.5", "2024-02-29 12:00:00"],
        "timestamptz": ["2024-01-01 00:00:00+00", "2024-07-01 12:00:00.25+00", "1970-01-01 00:00:00+00"],
        "interval": ["00:00:00", "1 day", "-01:00:00", "1 mon 2 days", "3 years"],
        "jsonb": ["1", "\"a\"", "null", "[1, 2]", "{\"a\": 1}", "{\"a\": {\"b\": [true]}, \"b\": \"x\"}", "[]"],
        "integer[]": ["{}", "{1,2}", "{NULL}", "{3,1,2}"],
        "text[]": ["{}", "{a,b}", "{NULL,\"\"}", "{\"a b\"}"],
    ]

    /// Those of ``tame`` that the engine has so far, sorted.
    static let supported: [String] = tame.keys.sorted().filter { $0 != "numeric" && isSupported($0) }

    static func isSupported(_ type: String) -> Bool {
        do throws(SQLError) {
            for statement in try SQLCompiler.parse("CREATE TABLE t (a \(type))") {
                _ = try SQLCompiler.bind(statement, catalog: Catalog())
            }
            return true
        } catch {
            return false
        }
    }

    /// As SQL writes a type of the registry: its `character` is of any length.
    static func name(_ type: String) -> String {
        type == "character" ? "bpchar" : type == "character[]" ? "bpchar[]" : type
    }

    /// A value as an expression of the type in both dialects.
    static func literal(_ text: String, _ type: String) -> String {
        "CAST(\(quoted(text)) AS \(name(type)))"
    }

    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    static func isNumber(_ type: String) -> Bool {
        ["smallint", "integer", "bigint", "real", "double precision"].contains(type) || type.hasPrefix("numeric")
    }
}
