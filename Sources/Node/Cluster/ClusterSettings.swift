internal import Cluster
internal import Foundation

/// What a node is told about its cluster.
struct ClusterSettings: Sendable {
    var name: NodeName
    /// Where other nodes reach this one.
    var listen: Endpoint
    /// Nodes to shake hands with before anything else.
    var join: [Endpoint]
    var zone: String
    var secret: ClusterSecret?
    var tls: TLSPaths?

    /// Flags as given.
    struct Flags {
        var name: String?
        var listen: String?
        var join: [String] = []
        var zone: String?
        var secretFile: String?
        var tlsCert: String?
        var tlsKey: String?
        var tlsCA: String?
    }

    /// nil if the flags ask for no cluster.
    init?(_ flags: Flags) throws {
        guard let listen = flags.listen else {
            let given = [
                ("--name", flags.name != nil), ("--join", !flags.join.isEmpty), ("--zone", flags.zone != nil),
                ("--cluster-secret-file", flags.secretFile != nil), ("--tls-cert", flags.tlsCert != nil),
            ].first { $0.1 }
            if let given {
                throw ConfigurationFailure("\(given.0) is for a node of a cluster: give --listen HOST:PORT too")
            }
            return nil
        }
        guard let endpoint = Endpoint(listen) else {
            throw ConfigurationFailure("listen: \"\(listen)\" is not HOST:PORT, such as 127.0.0.1:7701")
        }
        self.listen =
            endpoint.port == 0 ? Endpoint(host: endpoint.host, port: try FreePort.find(endpoint.host)) : endpoint
        let text = flags.name ?? "node-\(self.listen.port)"
        guard let name = NodeName(text) else {
            throw ConfigurationFailure(
                "name: \"\(text)\" is not 1 to \(NodeName.lengthMax) lower case letters, digits, -, _ and .")
        }
        self.name = name
        join = try flags.join.map { text in
            guard let endpoint = Endpoint(text) else {
                throw ConfigurationFailure("join: \"\(text)\" is not HOST:PORT")
            }
            return endpoint
        }
        zone = flags.zone ?? ""
        secret = try flags.secretFile.map { try Self.secret($0) }
        let tls = (flags.tlsCert, flags.tlsKey, flags.tlsCA)
        switch tls {
        case (.some(let cert), .some(let key), .some(let authority)):
            self.tls = TLSPaths(certificate: cert, key: key, authority: authority)
        case (nil, nil, nil): self.tls = nil
        default: throw ConfigurationFailure("--tls-cert, --tls-key and --tls-ca go together")
        }
    }

    /// Reads what the settings name, as a node does when it begins.
    ///
    /// - Throws: ``ConfigurationFailure`` with the file.
    func check() throws {
        do throws(CallError) {
            try tls?.check()
        } catch {
            throw ConfigurationFailure("tls: \(error.message)")
        }
    }

    /// A file that nobody else may read: a secret on the command line or in the environment would be seen by others.
    private static func secret(_ path: String) throws -> ClusterSecret {
        let mode: Int
        let bytes: [UInt8]
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ConfigurationFailure("cluster-secret-file: \(path) cannot be read")
        }
        guard mode & 0o077 == 0 else {
            throw ConfigurationFailure("cluster-secret-file: others may read \(path); chmod 600 it")
        }
        let trimmed = bytes.reversed().drop { $0 == 0x0A || $0 == 0x0D }.reversed()
        do throws(CallError) {
            return try ClusterSecret(Array(trimmed))
        } catch {
            throw ConfigurationFailure("cluster-secret-file: \(error.message)")
        }
    }
}

/// A port that nobody listens on.
enum FreePort {
    /// The wanted one if it is free, else any.
    static func find(_ host: String, preferring wanted: Int = 0) throws -> Int {
        for port in wanted == 0 ? [0] : [wanted, 0] {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { break }
            defer { close(descriptor) }
            var reuse: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isFree = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { base in
                    bind(descriptor, base, size) == 0 && listen(descriptor, 1) == 0
                        && getsockname(descriptor, base, &size) == 0
                }
            }
            if isFree { return Int(in_port_t(bigEndian: address.sin_port)) }
        }
        throw ConfigurationFailure("no port of \(host) is free")
    }
}
