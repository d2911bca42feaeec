import Foundation
import Log
import Testing

@testable import Node

/// What a request is answered with, over real connections: the statuses of wrong requests, and that what is refused is refused whole.
@Suite(.timeLimit(.minutes(2))) struct HTTPStatusTests {
    @Test func everyErrorHasItsStatusAndAJSONBody() async throws {
        try await TestNode.with { node in
            node.expectError(try await node.send("GET", "/nowhere"), 404, code: "not_found")
            for path in ["/views/%2e%2e%2fetc", "/topics/%00/records", "//sql", "/sql/x", "/views/%252e"] {
                #expect([400, 404, 405].contains(try await node.send("GET", path).status), "\(path)")
            }
            node.expectError(try await node.push("unknown", "{}"), 404, code: "not_found")
            node.expectError(try await node.push(String(repeating: "t", count: 300), "{}"), 404)
            node.expectError(try await node.send("GET", "/views/unknown"), 404, code: "not_found")
            node.expectError(try await node.sql("SELECT * FROM unknown"), 404, code: "42P01")
            node.expectError(try await node.sql("SELEC 1"), 400, code: "42601")
            node.expectError(try await node.sql("SELECT 1/0"), 422, code: "22012")
            node.expectError(try await node.send("POST", "/sql", body: [0xFF, 0xFE]), 400, code: "22021")
            node.expectError(try await node.send("GET", "/views/names?limit=-1"), 400)
            node.expectError(try await node.send("GET", "/views/names?order=name%20sideways"), 400)
            node.expectError(try await node.send("GET", "/views/names?where=1%3D1%29;%20SELECT%20%281"), 400)
            node.expectError(try await node.send("GET", "/views/names?after=nonsense"), 400)
            node.expectError(try await node.send("GET", "/views/names?timeout=1e400"), 400)
            node.expectError(try await node.sql(String(repeating: " ", count: (1 << 20) + 1)), 413)
            let created = try await node.sql("CREATE MATERIALIZED VIEW names AS SELECT 1 AS one")
            node.expectError(created, 409, code: "42P07")
            let error = try await node.sql("SELECT\n  nope FROM names").json
            #expect(error["position"] as? Int == 10)
            #expect(error["hint"] != nil || error["message"] as? String == "column \"nope\" does not exist")
        }
    }

    @Test(arguments: [
        ("DELETE", "/sql", "POST"), ("POST", "/views", "GET"), ("PUT", "/views/names", "GET"),
        ("GET", "/topics/events/records", "POST"), ("PATCH", "/metrics", "GET"), ("HEAD", "/status", "GET"),
    ])
    func anotherMethodIsNotAllowed(method: String, path: String, allowed: String) async throws {
        try await TestNode.with { node in
            let answer = try await node.send(method, path)
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == allowed)
        }
    }

    @Test func anotherHostIsMisdirected() async throws {
        try await TestNode.with { node in
            for host in ["evil.example", "evil.example:7070", "127.0.0.1.evil.example", "localhost.evil"] {
                node.expectError(
                    try await node.send("GET", "/healthz", headers: ["host": host]), 421, code: "misdirected")
            }
            for host in ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80"] {
                #expect(try await node.send("GET", "/healthz", headers: ["host": host]).status == 200, "\(host)")
            }
        }
    }

    @Test func aHeaderAboveTheLimitIsRefused() async throws {
        try await TestNode.with { node in
            let fits = String(repeating: "x", count: 15 << 10)
            #expect(try await node.send("GET", "/healthz", headers: ["x-long": fits]).status == 200)
            for size in [16 << 10, 200 << 10] {
                let long = String(repeating: "x", count: size)
                node.expectError(try await node.send("GET", "/healthz", headers: ["x-long": long]), 431)
                node.expectError(try await node.send("GET", "/views/names?where=" + long), 431)
            }
            var many: [String: String] = [:]
            for index in 0..<300 { many["x-\(index)"] = String(repeating: "y", count: 60) }
            #expect(try await node.send("GET", "/healthz", headers: many).status == 431)
        }
    }

    @Test(arguments: [
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        "POST /sql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        "POST /sql HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc",
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\n\r\n",
        "nonsense\r\n\r\n",
    ]) func whatIsNotHTTPIsRefusedAndTheConnectionClosed(request: String) async throws {
        try await TestNode.with { node in
            // Read to the end of the connection: that there is one is part of the test.
            let answer = try await Wire.exchange(port: node.port, Array(request.utf8))
            #expect(answer.status == 400 || answer.status == 0, "\(answer)")
        }
    }

    @Test func aBodyAboveTheLimitIsNotReadOn() async throws {
        try await TestNode.with { node in
            let head = "POST /topics/events/records HTTP/1.1\r\nhost: localhost\r\n"
            let length = head + "content-length: \(TestNode.bodyBytesMax + 1)\r\n\r\n"
            node.expectError(try await Wire.exchange(port: node.port, Array(length.utf8)), 413, code: "too_large")
            let line = Array((#"{"id":1}"# + "\n").utf8)
            let content = Array(repeating: line, count: 4096).flatMap { $0 }
            let chunk = Array((String(content.count, radix: 16) + "\r\n").utf8) + content + [13, 10]
            let endless = try await Wire.exchange(
                port: node.port, Array((head + "transfer-encoding: chunked\r\n\r\n").utf8),
                then: .again(chunk, most: 100_000))
            node.expectError(endless, 413, code: "too_large")
            #expect(try await node.sql("SELECT count(*) AS n FROM all_events").body == "{\"n\":0}\n")
        }
    }

    /// The bug that this would catch: half a body is stored, as if it had been the whole.
    @Test func aBodyCutOffIsNotStored() async throws {
        try await TestNode.with { node in
            let head = "POST /topics/events/records HTTP/1.1\r\nhost: localhost\r\n"
            let line = #"{"id":1}"# + "\n"
            for request in [
                head + "content-length: 100\r\n\r\n" + line,
                head + "transfer-encoding: chunked\r\n\r\n9\r\n" + line + "\r\n",
                head + "transfer-encoding: chunked\r\n\r\n9\r\n" + line + "\r\nxyz\r\n",
                head + "transfer-encoding: chunked\r\n\r\n20\r\n" + line,
            ] {
                let answer = try await Wire.exchange(port: node.port, Array(request.utf8), then: .end)
                #expect(answer.status != 200, "\(answer)")
            }
            let good = try await node.push("events", #"{"id":2}"#)
            let rows = try await node.sql("SELECT id FROM all_events", after: good.json["token"] as? String)
            #expect(rows.body == "{\"id\":2}\n")
        }
    }

    @Test func aBodyThatDoesNotComeInTimeIsGivenUp() async throws {
        try await TestNode.with(bodyTime: .milliseconds(50)) { node in
            let head = "POST /topics/events/records HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"
            node.expectError(try await Wire.exchange(port: node.port, Array(head.utf8)), 408, code: "request_timeout")
        }
    }

    @Test func theSameKeyWithAnotherBodyIsAConflict() async throws {
        try await TestNode.with { node in
            let key = ["idempotency-key": "k1"]
            let first = try await node.push("events", #"{"id":1}"#, headers: key)
            let again = try await node.push("events", #"{"id":1}"#, headers: key)
            #expect(first.status == 200 && again.status == 200)
            #expect(first.json["token"] as? String == again.json["token"] as? String)
            #expect(again.json["repeated"] as? Bool == true)
            node.expectError(try await node.push("events", #"{"id":2}"#, headers: key), 409, code: "conflict")
            // Compressed, the same records are the same body.
            let packed = try await node.send(
                "POST", "/topics/events/records",
                headers: ["idempotency-key": "k1", "content-encoding": "gzip"], body: gzip(Array(#"{"id":1}"#.utf8)))
            #expect(packed.json["repeated"] as? Bool == true)
            let long = ["idempotency-key": String(repeating: "k", count: 129)]
            node.expectError(try await node.push("events", "{}", headers: long), 400)
            let rows = try await node.sql("SELECT id FROM all_events", after: first.json["token"] as? String)
            #expect(rows.body == "{\"id\":1}\n")
        }
    }

    @Test func compressedBodiesAreTakenUpToTheLimitOfWhatTheyHold() async throws {
        try await TestNode.with { node in
            let lines = (0..<1000).map { #"{"id":\#($0)}"# }.joined(separator: "\n")
            let packed = gzip(Array(lines.utf8))
            func push(_ body: [UInt8], _ encoding: String) async throws -> Wire.Answer {
                try await node.send(
                    "POST", "/topics/events/records", headers: ["content-encoding": encoding], body: body)
            }
            let members = gzip(Array(lines.prefix(2000).utf8)) + gzip(Array(lines.dropFirst(2000).utf8))
            var token = ""
            for (body, encoding) in [
                (packed, "gzip"), (packed, "GZIP"), (members, "x-gzip"), (zstd(Array(lines.utf8)), "zstd"),
            ] {
                let answer = try await push(body, encoding)
                #expect(answer.status == 200 && answer.json["records"] as? Int == 1000, "\(encoding): \(answer)")
                token = answer.json["token"] as? String ?? ""
            }
            let sum = try await node.sql("SELECT count(*) AS n, sum(id) AS s FROM all_events", after: token)
            #expect(sum.body == "{\"n\":4000,\"s\":1998000}\n")
            let bomb = [UInt8](repeating: 0x20, count: 64 << 20)
            node.expectError(try await push(gzip(bomb), "gzip"), 413, code: "too_large")
            node.expectError(try await push(zstd(bomb), "zstd"), 413, code: "too_large")
            node.expectError(try await push(Array(packed.dropLast(9)), "gzip"), 400)
            node.expectError(try await push(Array(zstd(Array(lines.utf8)).dropLast(9)), "zstd"), 400)
            node.expectError(try await push(Array(lines.utf8), "gzip"), 400)
            node.expectError(try await push(packed, "br"), 415, code: "unsupported_encoding")
            node.expectError(try await push(packed, "gzip, gzip"), 415)
        }
    }

    @Test func aQueryThatRunsTooLongOrReadsTooLateIsRefused() async throws {
        try await TestNode.with { node in
            let token = try #require(try await node.push("events", #"{"id":1}"#).json["token"] as? String)
            #expect(try await node.sql("SELECT id FROM all_events", after: token).body == "{\"id\":1}\n")
            // A frontier that nothing will ever reach: never an older answer.
            let future = try await node.send(
                "GET", "/views/all_events?timeout=0.01&after=\(Frontier([TopicPartition("events", 0): 1_000]).token)")
            node.expectError(future, 504, code: "timeout")
            // Partitions that nothing reads do not count.
            let foreign = Frontier([TopicPartition("elsewhere", 0): 1_000]).token
            #expect(try await node.send("GET", "/views/all_events?timeout=0.01&after=\(foreign)").status == 200)
        }
    }
}
