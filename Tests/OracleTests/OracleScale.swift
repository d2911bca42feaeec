import Glibc

/// How much the oracles do: `make test` runs a share that fits its time, `make oracle` all.
enum OracleScale {
    /// `ORACLE=full` in the environment.
    static let isFull = getenv("ORACLE").map { String(cString: $0) } == "full"
}

/// Files of the repository.
enum Files {
    static func read(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        guard let file = fopen("/\(root)/\(path)", "r") else { throw OracleError(message: "\(path): cannot be read") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
