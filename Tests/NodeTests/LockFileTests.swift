import Foundation
import Testing

@testable import Node

/// Who a file belongs to, and that what was left behind in it is nobody's.
@Suite struct LockFileTests {
    private static func with(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record("\(error)") } }
        try body(directory)
    }

    @Test func aFileBelongsToOneProcessAsLongAsItLives() throws {
        try Self.with { directory in
            let path = directory + "/lock"
            #expect(LockFile.holder(path) == .nobody)
            do {
                let lock = try LockFile(path)
                #expect(LockFile.holder(path) == .process(getpid()))
                let held = #expect(throws: LockFile.Held.self) { _ = try LockFile(path) }
                #expect(held?.pid == getpid())
                withExtendedLifetime(lock) {}
            }
            // The number is still there, the lock is not.
            #expect(FileManager.default.contents(atPath: path) == Data("\(getpid())\n".utf8))
            #expect(LockFile.holder(path) == .nobody)
            withExtendedLifetime(try LockFile(path)) {}
        }
    }

    /// The bug: whoever has the number today is taken for the process that wrote it.
    @Test func aNumberOfAProcessThatHasNotTheFileOpenIsNotBelieved() throws {
        try Self.with { directory in
            let path = directory + "/lock"
            let lock = try LockFile(path)
            for text in ["1\n", "\(getppid())", "-1", "0", "", "x"] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                #expect(LockFile.holder(path) == .unknown, "\(text)")
            }
            withExtendedLifetime(lock) {}
        }
    }

    @Test func aClusterDirectoryIsTakenOnceAndFindsItsNodes() throws {
        try Self.with { path in
            let directory = ClusterDirectory(path: path + "/c")
            let lock = try directory.take()
            #expect(directory.holder == .process(getpid()))
            let refusal = #expect(throws: CommandFailure.self) { _ = try directory.take() }
            #expect(refusal?.description.contains("by process \(getpid())") == true)
            try directory.checkIdle(["a", "b"])
            try directory.note(["a", "b", "../x"])
            #expect(directory.noted == ["a", "b"])
            let node = try DataDirectory(directory.path + "/b")
            #expect(directory.running(directory.noted) == [ClusterDirectory.Node(name: "b", pid: getpid())])
            let busy = #expect(throws: CommandFailure.self) { try directory.checkIdle(["a"]) }
            #expect(busy?.description.contains("node b (pid \(getpid()))") == true)
            try directory.forget()
            #expect(directory.noted.isEmpty)
            withExtendedLifetime((lock, node)) {}
        }
    }
}
