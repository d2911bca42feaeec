import Foundation
import Logging
import Testing

@testable import Node

/// Log lines as machines and people read them.
@Suite struct LogLineTests {
    private static func lines(json: Bool, _ body: (Logger) -> Void) -> [String] {
        let written = Mutexed<[String]>([])
        var handler = NodeLogHandler(json: json)
        handler.write = { line in written.with { $0.append(line) } }
        handler.metadataProvider = Logger.MetadataProvider { ["node": "a#3", "generation": "2", "epoch": "17"] }
        var logger = Logger(label: "test") { [handler] _ in handler }
        logger.logLevel = .info
        body(logger)
        return written.with { $0 }
    }

    @Test func withJSONALineIsAnObject() throws {
        let lines = Self.lines(json: true) { logger in
            logger.warning("the log \"failed\"\n", metadata: ["error": "disk full", "level": "low", "count": "7"])
            logger.debug("too fine")
        }
        #expect(lines.count == 1 && lines[0].hasSuffix("}\n") && lines[0].dropLast().contains("\n") == false)
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(fields["level"] as? String == "warning" && fields["message"] as? String == "the log \"failed\"\n")
        #expect(
            fields["node"] as? String == "a#3" && fields["generation"] as? Int == 2 && fields["epoch"] as? Int == 17)
        #expect(fields["error"] as? String == "disk full" && fields["_level"] as? String == "low")
        #expect(fields["count"] as? String == "7")
        let time = try #require(fields["time"] as? String)
        #expect(time.hasSuffix("Z") && time.contains("T") && time.contains("."))
    }

    @Test func asTextTheMessageComesFirstAndValuesWithBlanksAreQuoted() {
        let lines = Self.lines(json: false) { logger in
            logger.warning(
                "it failed\u{1B}[31m", metadata: ["error": "disk \"full\"", "path": "/a/b", "none": "", "eq": "a=b"])
        }
        let rest = lines.first?.split(separator: " ", maxSplits: 1).last.map(String.init)
        #expect(
            rest
                == "warning it failed␛[31m node=a#3 generation=2 epoch=17 eq=\"a=b\" error=\"disk \\\"full\\\"\" none=\"\" path=/a/b\n"
        )
    }
}
