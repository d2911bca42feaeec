import Dataflow
import Foundation
import Testing

@testable import Node

/// Nasty records (RELIABILITY's list for ingest): each becomes a row or a dead letter, never both, never neither, and the stream goes on.
@Suite(.timeLimit(.minutes(2))) struct IngestTests {
    private static let nested = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
    private static let wide = (0..<10_000).map { #""c\#($0)":\#($0)"# }.joined(separator: ",")

    /// Lines with what they become: the row's JSON, or nil for a dead letter.
    private static let cases: [(line: [UInt8], row: String?)] =
        [
            (
                #"{"id":9223372036854775807}"#,
                #"{"id":9223372036854775807,"name":null,"at":null,"amount":null,"ratio":null}"#
            ),
            (
                #"{"id":-9223372036854775808}"#,
                #"{"id":-9223372036854775808,"name":null,"at":null,"amount":null,"ratio":null}"#
            ),
            (#"{"id":9223372036854775808}"#, nil),
            (#"{"id":18446744073709551616}"#, nil),
            (#"{"id":-0,"amount":-0}"#, #"{"id":0,"name":null,"at":null,"amount":0,"ratio":null}"#),
            (#"{"id":1.5}"#, nil),
            (#"{"id":true}"#, nil),
            (#"{"ratio":1e400}"#, nil),
            (#"{"amount":1e400}"#, nil),
            // The nearest double is zero.
            (#"{"ratio":1e-400}"#, #"{"id":null,"name":null,"at":null,"amount":null,"ratio":0}"#),
            (
                #"{"amount":123456789012345678901234567890.12}"#,
                #"{"id":null,"name":null,"at":null,"amount":123456789012345678901234567890.12,"ratio":null}"#
            ),
            (#"{"name":"\u0000"}"#, nil),
            (#"{"name":"\ud800"}"#, nil),
            (#"{"name":"\ud83d\ude00"}"#, #"{"id":null,"name":"😀","at":null,"amount":null,"ratio":null}"#),
            (#"{"id":1,"other":\#(nested)}"#, nil),
            (nested, nil),
            (#"{\#(wide),"id":5}"#, #"{"id":5,"name":null,"at":null,"amount":null,"ratio":null}"#),
            (
                #"{"at":"9999-12-31 23:59:59.999999"}"#,
                #"{"id":null,"name":null,"at":"9999-12-31 23:59:59.999999","amount":null,"ratio":null}"#
            ),
            (
                #"{"at":"0001-01-01"}"#,
                #"{"id":null,"name":null,"at":"0001-01-01 00:00:00","amount":null,"ratio":null}"#
            ),
            (
                #"{"at":"2016-12-31 23:59:60"}"#,
                #"{"id":null,"name":null,"at":"2017-01-01 00:00:00","amount":null,"ratio":null}"#
            ),
            (#"{"at":"infinity"}"#, #"{"id":null,"name":null,"at":"infinity","amount":null,"ratio":null}"#),
            (#"{"at":"2026-02-30"}"#, nil),
            (#"{"at":"2026-01-01 24:00:01"}"#, nil),
            (#"{"id":1"#, nil), ("{}}", nil), ("nonsense", nil), ("[]", nil), ("null", nil),
            ("{}", #"{"id":null,"name":null,"at":null,"amount":null,"ratio":null}"#),
        ].map { (Array($0.0.utf8), $0.1) } + [(Array(#"{"name":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), nil)]

    @Test func eachNastyRecordIsARowOrADeadLetterAndTheStreamGoesOn() async throws {
        try await TestNode.with { node in
            var body: [UInt8] = []
            for (line, _) in Self.cases { body += line + [0x0A] }
            body += Array(#"{"id":77,"name":"last"}"#.utf8)
            let answer = try await node.send("POST", "/topics/events/records", body: body)
            #expect(answer.status == 200)
            #expect(answer.json["records"] as? Int == Self.cases.count + 1)
            let refused = (answer.json["errors"] as? [[String: Any]] ?? []).compactMap { $0["line"] as? Int }
            let dead = Self.cases.indices.filter { Self.cases[$0].row == nil }
            #expect(refused == dead.map { $0 + 1 })
            let token = try #require(answer.json["token"] as? String)
            let rows = try await node.sql("SELECT * FROM all_events", after: token)
            let expected =
                Self.cases.compactMap(\.row) + [#"{"id":77,"name":"last","at":null,"amount":null,"ratio":null}"#]
            #expect(rows.body.split(separator: "\n").map(String.init).sorted() == expected.sorted())
            let letters = try await node.sql(
                "SELECT _offset, reason FROM \"events.dead\" ORDER BY _offset", after: token)
            let offsets = letters.body.split(separator: "\n").compactMap {
                OrderedRow($0)?["_offset"].flatMap { Int($0) }
            }
            #expect(offsets == dead)
            #expect(!letters.body.contains("\"reason\":\"\""))
        }
    }

    @Test func linesEndInAnyWay() async throws {
        try await TestNode.with { node in
            let answer = try await node.push(
                "events", "\u{FEFF}{\"id\":1}\r\n\r\n\n  \t\n{\"id\":2}\r\nnonsense\n{\"id\":3}")
            #expect(answer.json["records"] as? Int == 4)
            let errors = answer.json["errors"] as? [[String: Any]] ?? []
            #expect(errors.count == 1 && errors[0]["line"] as? Int == 6 && errors[0]["code"] as? String == "malformed")
            let token = try #require(answer.json["token"] as? String)
            #expect(try await node.sql("SELECT sum(id) AS s FROM all_events", after: token).body == "{\"s\":6}\n")
            for empty in ["", "\n", "\u{FEFF}", "\r\n\r\n"] {
                let none = try await node.push("events", empty)
                #expect(none.status == 200 && none.json["records"] as? Int == 0, "\(none)")
            }
        }
    }

    @Test func aRecordMayHaveAsManyBytesAsTheLimitAndNoMore() async throws {
        try await TestNode.with { node in
            let frame = #"{"id":1,"name":""}"#.utf8.count
            func line(_ size: Int, _ letter: String) -> String {
                #"{"id":1,"name":"\#(String(repeating: letter, count: size - frame))"}"#
            }
            let limit = SourceDecoder.recordBytesMax
            let answer = try await node.push(
                "events", line(limit, "a") + "\n" + line(limit + 1, "b") + "\n" + line(100, "c"))
            #expect(answer.json["records"] as? Int == 3)
            let errors = answer.json["errors"] as? [[String: Any]] ?? []
            #expect(errors.count == 1 && errors[0]["line"] as? Int == 2)
            #expect(errors[0]["code"] as? String == "too_large")
            let token = try #require(answer.json["token"] as? String)
            let lengths = try await node.sql("SELECT length(name) AS n FROM all_events ORDER BY n", after: token)
            #expect(lengths.body == "{\"n\":\(100 - frame)}\n{\"n\":\(limit - frame)}\n")
            let dead = try await node.sql("SELECT reason, length(record) AS n FROM \"events.dead\"", after: token)
            #expect(dead.body == "{\"reason\":\"too_large\",\"n\":\(SourceDecoder.deadRecordBytesMax)}\n")
        }
    }

    @Test func aKeyMayBeAMegabyteLong() async throws {
        try await TestNode.with { node in
            let key = String(repeating: "k", count: 1_000_000)
            _ = try await node.push("docs", "{\"key\":\"\(key)\",\"v\":1}")
            let answer = try await node.push("docs", "{\"key\":\"\(key)\",\"v\":2}\n{\"key\":\"x\",\"v\":3}")
            let token = try #require(answer.json["token"] as? String)
            let rows = try await node.sql("SELECT length(key) AS n, v FROM all_docs ORDER BY n", after: token)
            #expect(rows.body == "{\"n\":1,\"v\":3}\n{\"n\":1000000,\"v\":2}\n")
            let deleted = try await node.push("docs", "{\"_deleted\":true,\"key\":\"\(key)\"}")
            let after = try #require(deleted.json["token"] as? String)
            #expect(try await node.sql("SELECT count(*) AS n FROM all_docs", after: after).body == "{\"n\":1}\n")
            let one = try await node.send("GET", "/views/all_docs?key=x")
            #expect(one.body == "{\"key\":\"x\",\"v\":3}\n")
            #expect(one.headers["dataprism-epoch"] != nil && one.headers["dataprism-frontier"] != nil)
        }
    }
}
