import Coordination
import Foundation
import Hummingbird
import Log
import Logging
import Simulation
import Testing

@testable import Node

/// The document against the routes that the server has, both ways; the bug: one of them is forgotten when the other changes.
@Suite struct OpenAPITests {
    private func routes() -> Set<String> {
        let coordinator = Coordinator(
            log: MemoryLog(), configuration: CoordinatorConfiguration(workers: 1), logger: Logger(label: "test"))
        let api = HTTPAPI(gateway: Gateway(coordinator: coordinator), settings: TestNode.settings("/nowhere"))
        return Set(api.router().routes.map { "\($0.method.rawValue) \($0.path.description)" })
    }

    @Test func theDocumentHasTheRoutesAndNoOthers() {
        let documented = OpenAPIDocument.paths.flatMap { path, methods in methods.map { "\($0) \(path)" } }
        #expect(documented.count > 8)
        #expect(Set(documented) == routes())
    }

    @Test func everyReferenceAndParameterIsThere() throws {
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(OpenAPIDocument.text.utf8)) as? [String: Any])
        let components = try #require(document["components"] as? [String: [String: Any]])
        for (path, operations) in try #require(document["paths"] as? [String: [String: [String: Any]]]) {
            for (method, operation) in operations {
                #expect(operation["operationId"] is String, "\(method) \(path)")
                #expect((operation["responses"] as? [String: Any])?["421"] != nil, "\(method) \(path)")
                let parameters = operation["parameters"] as? [[String: Any]] ?? []
                let named = parameters.compactMap { $0["in"] as? String == "path" ? $0["name"] as? String : nil }
                let inPath = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                    String($0.dropFirst().dropLast())
                }
                #expect(named == inPath)
            }
        }
        for part in OpenAPIDocument.text.components(separatedBy: "\"$ref\":\"#/components/").dropFirst() {
            let names = part.prefix { $0 != "\"" }.split(separator: "/").map(String.init)
            #expect(components[names[0]]?[names[1]] != nil, "\(names)")
        }
    }

    @Test(arguments: [
        ("/sql", ["POST"]), ("/views/x", ["GET"]), ("/views/x/y", []), ("/topics/a/records", ["POST"]), ("/", []),
        ("/topics/a/other", []),
    ]) func methodsOfAPath(path: String, methods: [String]) {
        #expect(OpenAPIDocument.methods(of: path) == methods)
    }
}
