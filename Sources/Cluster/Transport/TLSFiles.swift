internal import Glibc
internal import NIOSSL
internal import Synchronization

/// Where a node's certificate, its key and the cluster's authority lie, as PEM.
package struct TLSPaths: Sendable, Equatable {
    package var certificate: String
    package var key: String
    package var authority: String

    package init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}

/// Mutual TLS 1.3 from files that may change: new connections take what the files hold now, open ones go on.
///
/// Both sides show a certificate of the authority. Names: when this node's own certificate carries a URI of the form
/// `dataprism://<cluster>/node/<name>`, then each peer's must carry the one of the cluster and the name that it gives in
/// the hand-shake. When it carries none, a certificate of the authority is enough, whatever its name.
final class TLSFiles: Sendable {
    private struct State {
        var server: NIOSSLContext
        var client: NIOSSLContext
        var checksNames: Bool
        var stamps: [FileStamp]
    }

    /// What changes when a file is written or replaced.
    private struct FileStamp: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    private static let scheme = "dataprism://"
    private let paths: TLSPaths
    private let state: Mutex<State>

    /// Reads the files; on a thread that may block.
    ///
    /// - Throws: `invalidArgument` with the file and what is wrong with it.
    init(_ paths: TLSPaths) throws(CallError) {
        self.paths = paths
        state = Mutex(try Self.load(paths))
    }

    var serverContext: NIOSSLContext { state.withLock { $0.server } }
    var clientContext: NIOSSLContext { state.withLock { $0.client } }

    /// Whether certificates have to carry the name of their node.
    var checksNames: Bool { state.withLock { $0.checksNames } }

    /// Reads the files again if one has changed; whether it had. What was good stays when the new files are not.
    /// On a thread that may block.
    func reload() throws(CallError) -> Bool {
        let stamps = Self.stamps(paths)
        guard stamps != state.withLock({ $0.stamps }) else { return false }
        // The files are taken as seen even if they are bad, so that the error is reported once per change.
        state.withLock { $0.stamps = stamps }
        let loaded = try Self.load(paths)
        state.withLock { $0 = loaded }
        return true
    }

    private static func load(_ paths: TLSPaths) throws(CallError) -> State {
        let stamps = stamps(paths)
        let chain = try read("certificate", paths.certificate) { try NIOSSLCertificate.fromPEMFile($0) }
        let key = try read("key", paths.key) { try NIOSSLPrivateKey(file: $0, format: .pem) }
        let authority = try read("authority", paths.authority) { try NIOSSLCertificate.fromPEMFile($0) }
        guard let own = chain.first else {
            throw CallError(.invalidArgument, "the certificate file \(paths.certificate) holds no certificate")
        }
        var server = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain.map { .certificate($0) }
        client.privateKey = .privateKey(key)
        do {
            return State(
                server: try NIOSSLContext(configuration: complete(&server, authority)),
                client: try NIOSSLContext(configuration: complete(&client, authority)),
                checksNames: !names(of: own).isEmpty, stamps: stamps)
        } catch {
            throw CallError(
                .invalidArgument,
                "the certificate \(paths.certificate) and key \(paths.key) do not work: \(text(error))")
        }
    }

    private static func complete(
        _ configuration: inout TLSConfiguration, _ authority: [NIOSSLCertificate]
    ) -> TLSConfiguration {
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(authority)
        // The name is checked against the hand-shake, not against the host: nodes move.
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = ["h2"]
        return configuration
    }

    private static func read<Value>(
        _ what: String, _ path: String, _ body: (String) throws -> Value
    ) throws(CallError) -> Value {
        guard access(path, R_OK) == 0 else {
            throw CallError(
                .invalidArgument, "cannot read the TLS \(what) from \(path): \(String(cString: strerror(errno)))")
        }
        do {
            return try body(path)
        } catch {
            throw CallError(.invalidArgument, "cannot read the TLS \(what) from \(path): \(text(error))")
        }
    }

    private static func stamps(_ paths: TLSPaths) -> [FileStamp] {
        [paths.certificate, paths.key, paths.authority].map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return FileStamp(inode: 0, size: -1, seconds: 0, nanoseconds: 0) }
            return FileStamp(
                inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec)
        }
    }

    // MARK: - Names

    /// The node URIs of a certificate.
    private static func names(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            guard name.nameType == .uri else { return nil }
            let text = name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            return text.hasPrefix(scheme) ? text : nil
        }
    }

    /// - Throws: `refused` unless the certificate is that of the node, where names are checked.
    func check(_ certificate: NIOSSLCertificate?, clusterID: String, node: NodeID) throws(CallError) {
        guard let certificate else { throw CallError(.refused, "node \(node.name) shows no certificate") }
        guard checksNames else { return }
        let expected = "\(Self.scheme)\(clusterID)/node/\(node.name)"
        let names = Self.names(of: certificate)
        guard names.contains(expected) else {
            throw CallError(
                .refused,
                "the certificate of node \(node.name) is for \(names.isEmpty ? "no node" : names.joined(separator: ", ")), not \(expected)"
            )
        }
    }

    /// A TLS failure as a log line should say it, from this node's side. What a peer says of a certificate tells more than what is
    /// known where it is checked.
    static func explain(_ error: any Error) -> String {
        let reasons = reasons(error)
        func has(_ names: String...) -> Bool { names.contains { name in reasons.contains { $0.contains(name) } } }
        if has("CERTIFICATE_EXPIRED") { return "the peer says that this node's certificate has expired" }
        if has("UNKNOWN_CA") {
            return "the peer says that this node's certificate is not of the cluster's authority (--tls-ca there)"
        }
        if has("BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "CERTIFICATE_REVOKED") {
            return "the peer says that this node's certificate is not valid: maybe not yet"
        }
        if has("CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE") {
            return "a node has shown no certificate: it needs --tls-cert, --tls-key and --tls-ca"
        }
        if has("CERTIFICATE_VERIFY_FAILED") {
            return
                "the peer's certificate has expired, is not valid yet or is not of this cluster's authority (--tls-ca)"
        }
        if has("WRONG_VERSION_NUMBER", "HTTP_REQUEST") || String(describing: error).contains("unexpectedMessage") {
            return "the peer does not speak TLS"
        }
        return "TLS failed: \(text(error))"
    }

    /// The library's names of what is wrong, without its source files and lines.
    private static func reasons(_ error: any Error) -> [String] {
        let text = String(describing: error)
        return text.split(separator: ":").compactMap { part in
            let name = part.prefix { $0 != " " && $0 != "]" && $0 != ")" }
            let isName =
                name.count > 4
                && name.utf8.allSatisfy { byte in
                    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                }
            return isName && name.contains { $0.isLetter } ? String(name) : nil
        }
    }

    /// An error of the library in words; without a name for it, as it is.
    private static func text(_ error: any Error) -> String {
        let reasons = reasons(error)
        guard !reasons.isEmpty else { return String(String(describing: error).prefix(200)) }
        return reasons.map { $0.lowercased().split(separator: "_").joined(separator: " ") }.joined(separator: "; ")
    }
}

extension TLSPaths {
    /// Whether a node could begin with the files as they are now. On a thread that may block.
    ///
    /// - Throws: `invalidArgument` with the file and what is wrong with it.
    package func check() throws(CallError) { _ = try TLSFiles(self) }
}
