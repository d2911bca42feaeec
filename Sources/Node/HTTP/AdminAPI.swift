internal import Cluster
internal import Coordination
internal import Dataflow
internal import Foundation
internal import Hummingbird

/// The operator's interface of a cluster, `/admin/v1`: any node answers, and takes what is asked.
struct AdminAPI {
    let coordinator: Coordinator

    func add(to router: Router<NodeRequestContext>) {
        router.get("/admin/v1/cluster") { request, _ in
            try Self.json(await ask(request) { await coordinator.clusterStatus() })
        }
        router.get("/admin/v1/workers") { request, _ in
            try Self.json(["workers": await ask(request) { await coordinator.workerLines() }])
        }
        router.get("/admin/v1/connectors") { request, _ in
            try Self.json(["connectors": await ask(request) { await coordinator.connectorLines() }])
        }
        router.get("/admin/v1/epochs") { request, _ in
            try Self.json(["epochs": await ask(request) { await coordinator.epochLines() }])
        }
        router.get("/admin/v1/lag") { request, _ in try await lag(request) }
        router.get("/admin/v1/pipeline") { request, _ in
            try Self.json(["relations": await ask(request) { DeployedRelation.all(of: await coordinator.catalog().0) }])
        }
        router.get("/admin/v1/history") { request, _ in try await history(request) }
        router.post("/admin/v1/nodes/{node}/drain") { request, context in
            try await perform(.drain(try name(context), true), request)
        }
        router.post("/admin/v1/nodes/{node}/undrain") { request, context in
            try await perform(.drain(try name(context), false), request)
        }
        router.post("/admin/v1/nodes/{node}/remove") { request, context in
            let isForced = try Self.flag("force", request)
            return try await perform(.remove(try name(context), isForced: isForced), request, also: ["force"])
        }
        router.post("/admin/v1/nodes/{node}/lead") { request, context in
            try await perform(.moveLead(try name(context)), request)
        }
        router.post("/admin/v1/topics/{topic}/trim") { request, context in try await trim(request, context) }
        router.post("/admin/v1/rebalance") { request, _ in try await perform(.rebalance, request) }
    }

    /// What takes no parameters.
    private func ask<Value: Sendable>(_ request: Request, _ body: () async throws -> Value) async throws -> Value {
        try HTTPAPI.check(request, single: [], repeated: [])
        return try await body()
    }

    private func name(_ context: NodeRequestContext) throws -> NodeName {
        let text = try HTTPAPI.decoded(context.parameters.require("node"))
        guard let name = NodeName(text) else {
            throw Failure(
                .notFound, "there is no node \"\(text.prefix(80))\"", hint: "GET /admin/v1/cluster lists them.")
        }
        return name
    }

    /// `true` or `false`, and nothing that might be meant for either; false if it is not given.
    private static func flag(_ name: String, _ request: Request) throws -> Bool {
        switch request.uri.queryParameters.get(name) {
        case nil, "false": return false
        case "true": return true
        case .some(let text):
            throw Failure(.badRequest(name), "\(name)=\(text.prefix(40)) is neither true nor false")
        }
    }

    private func perform(
        _ action: AdminAction, _ request: Request, also parameters: Set<String> = []
    ) async throws -> Response {
        try HTTPAPI.check(request, single: parameters.union(["reason"]), repeated: [])
        let reason = request.uri.queryParameters.get("reason") ?? "an operator asked for it"
        guard reason.utf8.count <= 200 else {
            throw Failure(.badRequest("reason"), "reason has \(reason.utf8.count) bytes; the limit is 200")
        }
        guard reason == TableText.printable(reason) else {
            throw Failure(.badRequest("reason"), "reason holds control characters; the history shows it on one line")
        }
        let isDone: Bool
        do throws(CoordinationError) {
            isDone = try await coordinator.perform(action, reason: reason)
        } catch {
            throw Failure(error)
        }
        return HTTPAPI.json(isDone ? "{\"result\":\"accepted\"}" : "{\"result\":\"nothing to move\"}")
    }

    private func lag(_ request: Request) async throws -> Response {
        try HTTPAPI.check(request, single: [], repeated: [])
        let lines: [LagLine]
        do throws(CoordinationError) {
            lines = try await coordinator.lagLines()
        } catch {
            throw Failure(error)
        }
        return try Self.json(["partitions": lines])
    }

    /// Deletes a partition's records below an offset, unless a view needs them.
    private func trim(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        try HTTPAPI.check(request, single: ["partition", "below"], repeated: [])
        let topic = try HTTPAPI.decoded(context.parameters.require("topic"))
        func number(_ name: String) throws -> Int64 {
            let text = request.uri.queryParameters.get(name) ?? ""
            guard let number = Int64(text), number >= 0 else {
                throw Failure(.badRequest(name), "\(name)=\(text.prefix(40)) is not a whole number from 0")
            }
            return number
        }
        let (partition, below) = (try number("partition"), try number("below"))
        guard partition <= Int64(Int32.max) else {
            throw Failure(.badRequest("partition"), "topic \"\(topic.prefix(80))\" has no partition \(partition)")
        }
        do throws(CoordinationError) {
            try await coordinator.trim(topic: topic, partition: Int(partition), below: below)
        } catch {
            throw Failure(error)
        }
        return HTTPAPI.json("{\"result\":\"trimmed\"}")
    }

    private struct History: Encodable {
        var entries: [ControlHistory.Entry]
        var version: Int64
        var relations: [String]
        var nodes: [String]
        var generation: Int64
    }

    private func history(_ request: Request) async throws -> Response {
        try HTTPAPI.check(request, single: ["as_of"], repeated: [])
        var asOf: Int64?
        if let text = request.uri.queryParameters.get("as_of") {
            guard let offset = Int64(text), offset >= 0 else {
                throw Failure(.badRequest("as_of"), "as_of=\(text.prefix(40)) is not a whole number from 0")
            }
            asOf = offset
        }
        let found: (entries: [ControlHistory.Entry], state: ControlState)
        do throws(CoordinationError) {
            found = try await coordinator.history(asOf: asOf)
        } catch {
            throw Failure(error)
        }
        let state = found.state
        return try Self.json(
            History(
                entries: found.entries, version: state.version, relations: state.catalog.ordered.map(\.name),
                nodes: state.cluster.lives.map { "\($0.node)" }, generation: state.cluster.generation))
    }

    private static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return HTTPAPI.json(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
