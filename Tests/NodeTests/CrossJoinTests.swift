import Testing

/// `a CROSS JOIN b` in a view, where b must have one row.
@Suite(.timeLimit(.minutes(2))) struct CrossJoinTests {
    private func rows(_ node: TestNode, _ sql: String, after: String? = nil) async throws -> [String] {
        let answer = try await node.sql(sql, after: after)
        #expect(answer.status == 200, "\(answer.body)")
        return answer.body.split(separator: "\n").map(String.init).sorted()
    }

    private func push(_ node: TestNode, _ topic: String, _ text: String) async throws -> String {
        try #require(try await node.push(topic, text).json["token"] as? String)
    }

    @Test func aSecondRowIsAnErrorWhetherItsColumnsAreAskedForOrNot() async throws {
        try await TestNode.with { node in
            _ = try await rows(
                node,
                """
                CREATE MATERIALIZED VIEW wide AS SELECT id, v FROM events CROSS JOIN docs;
                CREATE MATERIALIZED VIEW narrow AS SELECT id FROM events CROSS JOIN docs
                """)
            let wide = [#"{"id":1,"v":7}"#, #"{"id":2,"v":7}"#]
            let narrow = [#"{"id":1}"#, #"{"id":2}"#]
            _ = try await push(node, "events", "{\"id\":1}\n{\"id\":2}")
            var token = try await push(node, "docs", #"{"key":"a","v":7}"#)
            #expect(try await rows(node, "SELECT * FROM wide", after: token) == wide)
            #expect(try await rows(node, "SELECT * FROM narrow", after: token) == narrow)
            token = try await push(node, "docs", #"{"key":"b","v":8}"#)
            for view in ["wide", "narrow"] {
                #expect(try await rows(node, "SELECT * FROM \(view)", after: token) == [])
                let dead = try await rows(node, "SELECT * FROM \"\(view).dead\"", after: token)
                #expect(dead.count == 1 && dead[0].contains("21000") && dead[0].contains("CROSS JOIN"), "\(dead)")
            }
            token = try await push(node, "docs", #"{"key":"b","_deleted":true}"#)
            #expect(try await rows(node, "SELECT * FROM wide", after: token) == wide)
            #expect(try await rows(node, "SELECT * FROM narrow", after: token) == narrow)
        }
    }
}
