import Glibc

/// How much the oracles do: `make test` runs a share that fits its time, `make oracle` all.
enum OracleScale {
    /// `ORACLE=full` in the environment.
    static let isFull = variable("ORACLE") == "full"
    /// `ORACLE_SEED`: the first seed of the random cases.
    static let seed = variable("ORACLE_SEED").flatMap { UInt64($0) } ?? 1
    /// `ORACLE_VERBOSE`: also print what was refused and how often everything was exercised.
    static let isVerbose = variable("ORACLE_VERBOSE") != nil

    /// How many cases of a kind: in `make test`, in `make oracle`, or as a variable of the environment says.
    static func count(_ name: String, quick: Int, full: Int) -> Int {
        variable(name).flatMap { Int($0) } ?? (isFull ? full : quick)
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Files of the repository.
enum Files {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The files of a folder, by path, sorted.
    static func list(_ folder: String) -> [String] {
        guard let open = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(open) }
        var paths: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { paths.append("\(folder)/\(name)") }
        }
        return paths.sorted()
    }

    static func read(_ path: String) throws -> String {
        guard let file = fopen("\(root)/\(path)", "r") else { throw OracleError(message: "\(path): cannot be read") }
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
