internal import ArgumentParser
internal import Coordination
internal import Foundation
internal import Log

/// `dataprism log`.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Looks into an event log, and appends to it.",
        discussion: """
            The log's directory may be in use by a node: several processes may share it.

            Examples:
              dataprism log topics --log embedded:data/log
              dataprism log read orders --partition 0 --from 0 --limit 10
              echo '{"id":1}' | dataprism log append orders
            """, subcommands: [Topics.self, Read.self, Append.self])

    struct Place: ParsableArguments {
        @Option(help: ArgumentHelp("The log: embedded:DIRECTORY (default: embedded:data/log).", valueName: "log"))
        var log: String = "embedded:data/log"

        @Flag(help: "JSON lines instead of text for people.")
        var json = false

        func open() throws -> EmbeddedLog {
            guard log.hasPrefix("embedded:") else {
                throw ConfigurationFailure("log: \"\(log)\" is not embedded:DIRECTORY")
            }
            let directory = String(log.dropFirst("embedded:".count))
            guard FileManager.default.fileExists(atPath: directory + "/log.sqlite") else {
                throw ConfigurationFailure("log: there is no log in \(directory)")
            }
            do {
                return try EmbeddedLog(directory: directory)
            } catch {
                throw ConfigurationFailure("log: \(error)")
            }
        }
    }

    struct Topics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists topics with their offsets.",
            discussion: """
                Example:
                  dataprism log topics --log embedded:data/log
                """)

        @OptionGroup var place: Place

        func run() async throws {
            let log = try place.open()
            do {
                var cells: [[String]] = []
                for topic in try await log.topics() {
                    let partitions = (0..<topic.configuration.partitions).map { TopicPartition(topic.name, $0) }
                    let bounds = try await log.bounds(partitions)
                    for partition in partitions {
                        guard let bound = bounds[partition] else { continue }
                        if place.json {
                            print(
                                "{\"topic\":\(HTTPAPI.string(topic.name)),\"partition\":\(partition.partition),\"earliest\":\(bound.earliest),\"end\":\(bound.end)}"
                            )
                        }
                        cells.append([topic.name, "\(partition.partition)", "\(bound.earliest)", "\(bound.end)"])
                    }
                }
                if !place.json {
                    for line in TableText.lines(
                        ["topic", "partition", "earliest", "end"], cells, isNumber: [false, true, true, true])
                    { print(line) }
                }
            } catch {
                throw CommandFailure("\(error)")
            }
            await log.close()
        }
    }

    struct Read: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints records of a partition.",
            discussion: """
                Examples:
                  dataprism log read orders
                  dataprism log read orders --partition 1 --from 1000 --limit 10 --json
                """)

        @Argument(help: "The topic.") var topic: String
        @Option(help: "The partition.") var partition = 0
        @Option(help: "The first offset (default: the earliest).") var from: Int64?
        @Option(help: "Records at most.") var limit = 100
        @OptionGroup var place: Place

        func run() async throws {
            let log = try place.open()
            do {
                let partition = TopicPartition(topic, partition)
                var offset = from ?? 0
                if from == nil { offset = try await log.bounds([partition])[partition]?.earliest ?? 0 }
                var left = limit
                while left > 0 {
                    let batches = try await log.read(partition, from: offset, bytesMax: 1 << 20)
                    if batches.isEmpty { break }
                    for batch in batches {
                        for (index, record) in batch.records.records.enumerated() {
                            let position = batch.firstOffset + Int64(index)
                            guard position >= offset, left > 0 else { continue }
                            show(position, batch.appendTime, record.key, record.value)
                            left -= 1
                            offset = position + 1
                        }
                    }
                }
            } catch {
                throw CommandFailure("\(error)")
            }
            await log.close()
        }

        private func show(_ offset: Int64, _ time: Int64, _ key: [UInt8]?, _ value: [UInt8]?) {
            let keyText = key.map { String(decoding: $0, as: UTF8.self) }
            let valueText = value.map { String(decoding: $0, as: UTF8.self) }
            if place.json {
                print(
                    "{\"offset\":\(offset),\"append_time\":\(time),\"key\":\(keyText.map { HTTPAPI.string($0) } ?? "null"),\"value\":\(valueText.map { HTTPAPI.string($0) } ?? "null")}"
                )
            } else {
                print("\(offset)  \(keyText.map { $0 + "  " } ?? "")\(valueText ?? "(tombstone)")")
            }
        }
    }

    struct Append: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Appends the lines of standard input as records.",
            discussion: """
                Example:
                  echo '{"id":1}' | dataprism log append orders --log embedded:data/log
                """)

        @Argument(help: "The topic, which must exist.") var topic: String
        @Option(help: "The partition.") var partition = 0
        @OptionGroup var place: Place

        func run() async throws {
            guard !topic.hasPrefix(Coordinator.reservedPrefix) else {
                throw CommandFailure("topic \"\(topic)\" belongs to the platform")
            }
            let log = try place.open()
            do {
                let writer = try await log.openWriter("cli-\(getpid())")
                var set = RecordSet()
                var total = 0
                func flush() async throws {
                    guard set.count > 0 else { return }
                    let batch = set
                    set = RecordSet()
                    let result = try await writer.append(
                        [PartitionAppend(partition: TopicPartition(topic, partition), records: batch)], idempotency: nil
                    )
                    total += batch.count
                    if place.json { print("{\"offset\":\(result.firstOffsets[0]),\"records\":\(batch.count)}") }
                }
                while let line = readLine(strippingNewline: true) {
                    if line.isEmpty { continue }
                    set.append(value: Array(line.utf8))
                    if set.count == 1000 { try await flush() }
                }
                try await flush()
                if !place.json { print("appended \(total) records to \(topic)/\(partition)") }
            } catch {
                throw CommandFailure("\(error)")
            }
            await log.close()
        }
    }
}
