import Cluster
import Coordination
import Dataflow
import Foundation
import Testing

/// `Golden/version1.txt` has the bytes of everything that nodes of version 1 send and write, a line each: its name, a tab, and the bytes in
/// hexadecimal. They were written down once and decode for ever. With `DATAPRISM_RECORD_GOLDEN=1` this test adds lines of things that are
/// not there yet; no line is ever changed.
@Suite(.timeLimit(.minutes(1))) struct GoldenTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/version1.txt").path

    private static func golden() throws -> [String: [UInt8]] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        var golden: [String: [UInt8]] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(parts.count == 2 && golden[String(parts[0])] == nil, "\(parts[0])")
            golden[String(parts[0])] = try GoldenSample.bytes(ofHex: parts[1])
        }
        return golden
    }

    private static func add(_ samples: [GoldenSample]) throws {
        let known = try golden()
        var text = known.isEmpty ? "" : try String(contentsOfFile: path, encoding: .utf8)
        for sample in samples where known[sample.name] == nil {
            text += "\(sample.name)\t\(GoldenSample.hex(sample.bytes))\n"
        }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func theBytesOfVersion1AreWrittenAndReadForEver() async throws {
        let samples = try await Golden.samples()
        if ProcessInfo.processInfo.environment["DATAPRISM_RECORD_GOLDEN"] == "1" { try Self.add(samples) }
        let golden = try Self.golden()
        #expect(samples.count == Set(samples.map(\.name)).count)
        #expect(Set(golden.keys) == Set(samples.map(\.name)), "a kind has no line, or a line no kind")
        for sample in samples {
            guard let bytes = golden[sample.name] else { continue }
            #expect(sample.bytes == bytes, "\(sample.name) is written otherwise than in version 1")
            do {
                #expect(try sample.again(bytes) == bytes, "\(sample.name) of version 1 does not come back")
            } catch {
                Issue.record("\(sample.name) of version 1 is not read any more: \(error)")
            }
        }
    }

    /// Deployed expressions name functions by their keys, so a key means the same for ever. `Golden/functions1.txt` has them, one a line;
    /// new ones are added as above.
    @Test func theFunctionsOfVersion1AreKnownForEver() throws {
        let path = String(Self.path.dropLast("version1.txt".count)) + "functions1.txt"
        let keys = Set(
            FunctionRegistry.all.map(\.key) + FunctionRegistry.templates.map { "\($0.name)(…)" }
                + TableFunctionRegistry.all.map(\.key))
        var known: Set<String> = []
        if FileManager.default.fileExists(atPath: path) {
            known = Set(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init))
        }
        if ProcessInfo.processInfo.environment["DATAPRISM_RECORD_GOLDEN"] == "1" {
            known.formUnion(keys)
            try (known.sorted().joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(known.subtracting(keys).sorted() == [], "deployed views would miss them")
        #expect(keys.subtracting(known).sorted() == [], "not written down yet")
    }

    @Test func whatTheNextVersionAddsIsPassedOver() async throws {
        let samples = try await Golden.samples()
        var extended = 0
        for sample in samples {
            guard let next = sample.next else { continue }
            if next != sample.bytes { extended += 1 }
            do {
                #expect(try sample.again(next) == sample.bytes, "\(sample.name)")
            } catch {
                Issue.record("\(sample.name) of the next version is not read: \(error)")
            }
        }
        #expect(extended > samples.count / 2)
        // A record of a kind that only the next version has.
        #expect(ControlCodec.decode(try ControlCodec.encodeHint("x")) == .unknown(kind: "hint", version: 2))
        let epoch = Array(#"{"body":{},"kind":"hint","version":1}"#.utf8)
        #expect(ControlCodec.decodeEpoch(epoch) == nil)
        #expect(ControlCodec.decode(epoch) == .unknown(kind: "hint", version: 1))
    }
}
