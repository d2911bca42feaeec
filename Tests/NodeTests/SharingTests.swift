import Foundation
import Testing

@testable import Node

/// What views share shows in neither of them: rows, row errors, a drop; and queries over tables beside those over views.
@Suite(.timeLimit(.minutes(2))) struct SharingTests {
    private func rows(_ node: TestNode, _ sql: String, after: String? = nil) async throws -> [String] {
        let answer = try await node.sql(sql, after: after)
        #expect(answer.status == 200, "\(answer.body)")
        return answer.body.split(separator: "\n").map(String.init).sorted()
    }

    @Test func aCountOfNothingIsSharedBeforeTheFirstRecord() async throws {
        try await TestNode.with { node in
            let view = "AS SELECT count(*) AS n FROM events"
            _ = try await rows(node, "CREATE MATERIALIZED VIEW a \(view)")
            #expect(try await rows(node, "SELECT n FROM a") == [#"{"n":0}"#])
            _ = try await rows(node, "CREATE MATERIALIZED VIEW b \(view)")
            #expect(
                try await rows(node, "EXPLAIN CREATE MATERIALIZED VIEW c \(view)").joined().contains("(shared with a)"))
            #expect(try await rows(node, "SELECT n FROM b") == [#"{"n":0}"#])
            let answer = try await node.push("events", "{\"id\":1}\n{\"id\":2}")
            let token = try #require(answer.json["token"] as? String)
            #expect(try await rows(node, "SELECT n FROM b", after: token) == [#"{"n":2}"#])
            #expect(try await rows(node, "SELECT n FROM a", after: token) == [#"{"n":2}"#])
        }
    }

    @Test func rowErrorsOfWhatViewsShareAreInTheDeadLettersOfEach() async throws {
        try await TestNode.with { node in
            let view = "AS SELECT name, sum(10 / id) AS s FROM events GROUP BY name"
            _ = try await rows(node, "CREATE MATERIALIZED VIEW a \(view)")
            var token = try #require(
                try await node.push("events", "{\"id\":0,\"name\":\"x\"}\n{\"id\":5,\"name\":\"y\"}").json["token"]
                    as? String)
            _ = try await rows(node, "CREATE MATERIALIZED VIEW b \(view)")
            let dead = "SELECT count(*) AS n FROM"
            #expect(try await rows(node, "\(dead) \"a.dead\"", after: token) == [#"{"n":1}"#])
            #expect(try await rows(node, "\(dead) \"b.dead\"", after: token) == [#"{"n":1}"#])
            token = try #require(try await node.push("events", #"{"id":0,"name":"z"}"#).json["token"] as? String)
            #expect(try await rows(node, "\(dead) \"a.dead\"", after: token) == [#"{"n":2}"#])
            #expect(try await rows(node, "\(dead) \"b.dead\"", after: token) == [#"{"n":2}"#])
            _ = try await rows(node, "DROP MATERIALIZED VIEW a")
            token = try #require(
                try await node.push("events", "{\"id\":0,\"name\":\"z\"}\n{\"id\":2,\"name\":\"y\"}").json["token"]
                    as? String)
            #expect(try await rows(node, "\(dead) \"b.dead\"", after: token) == [#"{"n":3}"#])
            #expect(try await rows(node, "SELECT name, s FROM b", after: token) == [#"{"name":"y","s":7}"#])
        }
    }

    @Test func queriesReadTablesBesideViews() async throws {
        try await TestNode.with { node in
            var token = try #require(
                try await node.push("events", "{\"id\":1,\"name\":\"x\"}\n{\"id\":2,\"name\":\"x\"}").json["token"]
                    as? String)
            #expect(
                try await rows(
                    node, "SELECT e.id, n.n FROM events e JOIN names n ON n.name = e.name WHERE e.id > 1", after: token)
                    == [#"{"id":2,"n":2}"#])
            let docs = "{\"key\":\"a\",\"v\":1}\n{\"key\":\"b\",\"v\":2}\n{\"key\":\"a\",\"v\":3}"
            token = try #require(try await node.push("docs", docs).json["token"] as? String)
            #expect(
                try await rows(node, "SELECT key, v FROM docs", after: token)
                    == [#"{"key":"a","v":3}"#, #"{"key":"b","v":2}"#])
        }
    }

    @Test func explainAnalyzeTellsOfTheQueryAndOfTheViewsBelow() async throws {
        try await TestNode.with { node in
            let token = try #require(
                try await node.push("events", "{\"id\":1,\"name\":\"x\"}\n{\"id\":2,\"name\":\"x\"}").json["token"]
                    as? String)
            let lines = try await node.sql("EXPLAIN ANALYZE SELECT name FROM names WHERE n > 1", after: token).body
                .split(separator: "\n").map(String.init)
            #expect(lines.contains { $0.contains("Filter") && $0.contains("rows in 1, out 1, ") }, "\(lines)")
            #expect(
                lines.contains { $0.contains("Maintaining names, since its operators were installed:") }, "\(lines)")
            #expect(lines.contains { $0.contains("aggregate: rows in 2, out 1, ") }, "\(lines)")
        }
    }
}
