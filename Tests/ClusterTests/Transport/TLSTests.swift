import Cluster
import Foundation
import Testing

/// Certificates made by the openssl command in a folder of their own, gone with the fixture.
private final class Certificates {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("dataprism-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try authority("ca")
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            Issue.record("cannot remove \(folder.path): \(error)")
        }
    }

    private func run(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    func authority(_ name: String) throws {
        try run(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).pem -days 2 -subj /CN=\(name)"
        )
    }

    /// A certificate; `days` of −1 has expired.
    func issue(_ file: String, uri: String?, by authority: String = "ca", days: Int = 2) throws {
        try run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(file).key -out \(file).csr -subj /CN=\(file)"
        )
        let names = uri.map { "URI:\($0)" } ?? "DNS:localhost"
        try "subjectAltName=\(names)\n".write(
            to: folder.appendingPathComponent("\(file).ext"), atomically: true, encoding: .utf8)
        try run(
            "x509 -req -in \(file).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial -days \(days) "
                + "-extfile \(file).ext -out \(file).pem")
    }

    func paths(_ file: String, authority: String = "ca") -> TLSPaths {
        TLSPaths(
            certificate: folder.appendingPathComponent("\(file).pem").path,
            key: folder.appendingPathComponent("\(file).key").path,
            authority: folder.appendingPathComponent("\(authority).pem").path)
    }

    /// As a tool that renews certificates does it: the new files are renamed over the old.
    func replace(_ file: String, by other: String) throws {
        for suffix in ["pem", "key"] {
            let from = folder.appendingPathComponent("\(other).\(suffix)").path
            let target = folder.appendingPathComponent("\(file).\(suffix)").path
            try #require(rename(from, target) == 0, "cannot rename \(from)")
        }
    }
}

/// Mutual TLS between nodes: who gets in, who does not and why, and new certificates under load.
@Suite(.timeLimit(.minutes(2)))
struct TLSTests {
    private static var routes: TransportRoutes {
        var routes = TransportRoutes()
        routes.call("/echo") { _, body in body }
        return routes
    }

    private static func uri(_ name: String) -> String { "dataprism://\(TransportFixture.cluster)/node/\(name)" }

    @Test("named certificates: each refusal has its reason, the right ones talk")
    func named() async throws {
        let certificates = try Certificates()
        try certificates.authority("strange")
        try certificates.issue("server", uri: Self.uri("server"))
        try certificates.issue("client", uri: Self.uri("client"))
        try certificates.issue("foreign", uri: Self.uri("client"), by: "strange")
        try certificates.issue("expired", uri: Self.uri("client"), days: -1)
        try certificates.issue("nameless", uri: nil)
        try certificates.issue("cluster", uri: "dataprism://other/node/client")
        try await TransportFixture.with { fixture in
            try await fixture.withPair(
                routes: Self.routes, server: { $0.tls = certificates.paths("server") },
                client: { $0.tls = certificates.paths("client") }
            ) { server, connection, endpoint in
                let echoed = try await connection.call("/echo", [1], within: .seconds(10))
                #expect(echoed == [1])
                #expect(server.checksCertificateNames == true)
                for file in ["foreign", "expired", "nameless", "cluster"] {
                    let before = server.counts.connectionsRefused
                    let stranger = try fixture.transport("client", listens: false) { $0.tls = certificates.paths(file) }
                    let error = await #expect(throws: CallError.self, "\(file)") {
                        try await stranger.connect(to: endpoint, purpose: .control)
                    }
                    let said = error?.message ?? ""
                    #expect(!said.contains("OPENSSL") && !said.contains(".cc"), "\(said)")
                    if file == "foreign" { #expect(said.contains("not of the cluster's authority"), "\(said)") }
                    if file == "expired" { #expect(said.contains("certificate has expired"), "\(said)") }
                    while server.counts.connectionsRefused == before, !Task.isCancelled { await Task.yield() }
                }
                // A good certificate under another node's name.
                let liar = try fixture.transport("liar", listens: false) { $0.tls = certificates.paths("client") }
                let error = await #expect(throws: CallError.self) {
                    try await liar.connect(to: endpoint, purpose: .control)
                }
                #expect(
                    error?.status == .refused && error?.message.contains("not dataprism://c-test/node/liar") == true)
                // No TLS at all.
                let plain = try fixture.transport("plain", listens: false)
                await #expect(throws: CallError.self) { try await plain.connect(to: endpoint, purpose: .control) }
                let again = try await connection.call("/echo", [2], within: .seconds(10))
                #expect(again == [2])
                #expect(fixture.log.contains("has expired"))
                #expect(!fixture.log.contains("OPENSSL") && !fixture.log.contains(".cc"))
            }
        }
    }

    @Test("a client refuses a server of another name or authority")
    func wrongServer() async throws {
        let certificates = try Certificates()
        try certificates.authority("strange")
        try certificates.issue("server", uri: Self.uri("somebody"))
        try certificates.issue("client", uri: Self.uri("client"))
        try certificates.issue("foreign", uri: Self.uri("client"), by: "strange")
        try await TransportFixture.with { fixture in
            let server = try fixture.transport("server", routes: Self.routes) { $0.tls = certificates.paths("server") }
            let endpoint = try await server.start()
            let client = try fixture.transport("client", listens: false) { $0.tls = certificates.paths("client") }
            let error = await #expect(throws: CallError.self) {
                try await client.connect(to: endpoint, purpose: .control)
            }
            #expect(error?.message.contains("/node/somebody") == true, "\(String(describing: error))")
            let strict = try fixture.transport("client", listens: false) {
                $0.tls = certificates.paths("foreign", authority: "strange")
            }
            await #expect(throws: CallError.self) { try await strict.connect(to: endpoint, purpose: .control) }
            await client.shutDown()
            await server.shutDown()
        }
    }

    @Test("without names in certificates the authority's signature is enough")
    func unnamed() async throws {
        let certificates = try Certificates()
        try certificates.issue("shared", uri: nil)
        try await TransportFixture.with { fixture in
            try await fixture.withPair(
                routes: Self.routes, server: { $0.tls = certificates.paths("shared") },
                client: { $0.tls = certificates.paths("shared") }
            ) { server, connection, _ in
                let echoed = try await connection.call("/echo", [1], within: .seconds(10))
                #expect(echoed == [1])
                #expect(server.checksCertificateNames == false)
            }
        }
    }

    @Test("changed files are used for new connections, and open ones go on; bad ones change nothing")
    func reload() async throws {
        let certificates = try Certificates()
        try certificates.issue("server", uri: Self.uri("server"))
        try certificates.issue("client", uri: Self.uri("client"))
        try certificates.issue("expired", uri: Self.uri("server"), days: -1)
        try certificates.issue("next", uri: Self.uri("server"))
        try await TransportFixture.with { fixture in
            try await fixture.withPair(
                routes: Self.routes, server: { $0.tls = certificates.paths("server") },
                client: { $0.tls = certificates.paths("client") }
            ) { server, connection, endpoint in
                let client = try fixture.transport("client", listens: false) { $0.tls = certificates.paths("client") }
                // An expired certificate shows that the new files are in use.
                try certificates.replace("server", by: "expired")
                await server.reloadTLS()
                await #expect(throws: CallError.self) { try await client.connect(to: endpoint, purpose: .control) }
                let echoed = try await connection.call("/echo", [1], within: .seconds(10))
                #expect(echoed == [1])
                try certificates.replace("server", by: "next")
                await server.reloadTLS()
                let fresh = try await client.connect(to: endpoint, purpose: .control)
                let more = try await fresh.call("/echo", [2], within: .seconds(10))
                #expect(more == [2])
                // Half-written files are told, and what was good stays.
                try "nonsense".write(
                    toFile: certificates.paths("server").certificate, atomically: true, encoding: .utf8)
                await server.reloadTLS()
                #expect(fixture.log.contains("cannot be used"))
                let last = try await client.connect(to: endpoint, purpose: .control)
                let final = try await last.call("/echo", [3], within: .seconds(10))
                #expect(final == [3])
                await client.shutDown()
            }
        }
    }

    @Test("files that cannot be used are named at the start")
    func badFiles() async throws {
        let certificates = try Certificates()
        try certificates.issue("a", uri: nil)
        try certificates.issue("b", uri: nil)
        try await TransportFixture.with { fixture in
            let error = #expect(throws: CallError.self) {
                try fixture.transport("a") { $0.tls = certificates.paths("missing") }
            }
            #expect(error?.message.contains("missing.pem: No such file") == true)
            #expect(throws: CallError.self) { try certificates.paths("missing").check() }
            try certificates.paths("a").check()
            try "nonsense".write(
                to: certificates.folder.appendingPathComponent("bad.pem"), atomically: true, encoding: .utf8)
            let bad = TLSPaths(
                certificate: certificates.folder.appendingPathComponent("bad.pem").path,
                key: certificates.paths("a").key, authority: certificates.paths("a").authority)
            let reason = #expect(throws: CallError.self) { try bad.check() }
            #expect(reason?.message.contains("certificate from \(bad.certificate): ") == true)
            // The key of another certificate.
            #expect(throws: CallError.self) {
                try fixture.transport("a") {
                    $0.tls = TLSPaths(
                        certificate: certificates.paths("a").certificate, key: certificates.paths("b").key,
                        authority: certificates.paths("a").authority)
                }
            }
        }
    }
}
