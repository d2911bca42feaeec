import Coordination
import Foundation
import Testing

@testable import Node

/// The interface for operators by HTTP, and what its commands make of answers.
@Suite(.timeLimit(.minutes(2))) struct AdminTests {
    @Test func everyReportIsThereOnANodeAlone() async throws {
        try await TestNode.with { node in
            let token = try #require(try await node.push("events", #"{"id":1}"#).json["token"] as? String)
            _ = try await node.sql("SELECT id FROM all_events", after: token)
            func lines(_ name: String, _ key: String) async throws -> [[String: Any]] {
                let answer = try await node.send("GET", "/admin/v1/\(name)")
                #expect(answer.status == 200, "\(answer.body)")
                return try #require(answer.json[key] as? [[String: Any]])
            }
            let workers = try await lines("workers", "workers")
            #expect(workers.count == 2 && workers.compactMap { $0["vnodes"] as? Int }.reduce(0, +) == 256)
            let connectors = try await lines("connectors", "connectors")
            #expect(connectors.compactMap { $0["table"] as? String } == ["docs", "events"])
            #expect(connectors.allSatisfy { $0["state"] as? String == "passive" })
            let epochs = try await lines("epochs", "epochs")
            #expect(epochs.count == 1 && epochs[0]["lag"] as? Int == 0 && epochs[0]["drives"] as? Bool == true)
            let lag = try await lines("lag", "partitions")
            #expect(lag.count == 3)
            let events = try #require(lag.first { $0["topic"] as? String == "events" })
            #expect(events["end"] as? Int == 1 && events["covered"] as? Int == 1 && events["lag"] as? Int == 0)
        }
    }

    @Test(arguments: [
        ("GET", "cluster?x=1", "parameter"), ("GET", "workers?node=a", "parameter"),
        ("GET", "lag?topic=t", "parameter"),
        ("GET", "epochs?a", "parameter"), ("GET", "connectors?table=t", "parameter"),
        ("GET", "history?asof=1", "parameter"), ("GET", "history?as_of=1&as_of=2", "parameter"),
        ("GET", "history?as_of=-1", "as_of"), ("GET", "history?as_of=9999999", "refused"),
        ("POST", "nodes/c/drain?reasn=typo", "parameter"), ("POST", "nodes/c/drain?force=true", "parameter"),
        ("POST", "nodes/c/remove?forced=true", "parameter"), ("POST", "nodes/c/remove?force=yes", "force"),
        ("POST", "nodes/c/remove?force=TRUE", "force"), ("POST", "nodes/c/remove?force", "force"),
        ("POST", "rebalance?reason=a%1B%5B31m", "reason"), ("POST", "rebalance?reason=a%0Ab", "reason"),
        ("POST", "topics/events/trim?partition=0&belov=3", "parameter"),
        ("POST", "topics/events/trim?partition=0", "below"),
        // The name is decoded: what is refused is that this node is alone.
        ("POST", "nodes/%63/drain", "refused"), ("POST", "nodes/%FF/drain", "path"),
    ]) func whatIsMistypedIsRefused(method: String, path: String, code: String) async throws {
        try await TestNode.with { node in
            node.expectError(try await node.send(method, "/admin/v1/\(path)"), 400, code: code)
        }
    }

    @Test func aReasonHasALimit() async throws {
        try await TestNode.with { node in
            let long = String(repeating: "r", count: 201)
            node.expectError(
                try await node.send("POST", "/admin/v1/nodes/c/drain?reason=\(long)"), 400, code: "reason")
        }
    }

    @Test func anErrorWithJSONIsTheNodes() {
        let body = #"{"code":"not_found","message":"there is no node \"zz\" (a, b, c are)","hint":"look"}"#
        let failure = CommandFailure(answer: body + "\n")
        #expect(failure.json == body)
        #expect(failure.description == "there is no node \"zz\" (a, b, c are) [not_found]\n  hint: look")
        #expect(CommandFailure(answer: "<html>").json == nil && CommandFailure("x").json == nil)
    }

    @Test func anAnswersControlCharactersDoNotReachTheTerminal() {
        let body = #"{"code":"c","message":"a\u001b[31mb\u009bc\u202ed","hint":"\u0007"}"#
        #expect(NodeClient.message(body) == "a␛[31mb�c�d [c]\n  hint: ␇")
        #expect(TableText.printable("👩‍👩‍👧 é\u{301}") == "👩‍👩‍👧 é\u{301}")
    }
}
