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
                .invalidArgument, "the certificate \(paths.certificate) and key \(paths.key) do not work: \(error)")
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
        do {
            return try body(path)
        } catch {
            throw CallError(.invalidArgument, "cannot read the TLS \(what) from \(path): \(error)")
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

    /// A TLS failure as a log line should say it.
    static func explain(_ error: any Error) -> String {
        let text = String(describing: error)
        if text.contains("CERTIFICATE_EXPIRED") || text.contains("certificate expired") {
            return "the peer says that this node's certificate has expired: \(text)"
        }
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the peer's certificate has expired, is not valid yet or is not of this cluster's authority: \(text)"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") || text.contains("unexpectedMessage")
        {
            return "the peer does not speak TLS: \(text)"
        }
        return "TLS failed: \(text)"
    }
}
