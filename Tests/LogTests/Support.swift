import Glibc
import Synchronization

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let time = Mutex<Int64>(1_700_000_000_000_000)

    /// Microseconds since 1970.
    var now: Int64 { time.withLock { $0 } }

    func advance(_ microseconds: Int64) { time.withLock { $0 += microseconds } }
}

/// A directory that a test fills and removes.
struct TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/dataprism-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure(message: "no temporary directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func remove() {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unlink(path + "/" + name) }
        }
        closedir(folder)
        rmdir(path)
    }
}

struct TestFailure: Error {
    var message: String
}
