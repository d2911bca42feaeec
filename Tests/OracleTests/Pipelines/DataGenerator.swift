/// Random tables and what streams into them: inserts, upserts by key, deletes, NULLs, ties, late events and malformed records.
///
/// `plain` only grows, `timed` judges event time, `keyed` is an upsert table; each has other columns in every case.
enum DataGenerator {
    static let baseTime: Int64 = 1_704_067_200  // 2024-01-01 in seconds

    static func tables(_ choices: inout Choices) -> [PipelineCase.Table] {
        let types = SQLTypes.supported
        func extra(_ choices: inout Choices) -> [[String]] {
            (0..<(2 + choices.below(4))).map { ["c\($0)", choices.pick(types)] }
        }
        let common = [["k", "integer"], ["g", "text"]]
        return [
            .init(name: "plain", columns: [["id", "bigint"]] + common + extra(&choices), key: [], partitions: 2),
            .init(
                name: "timed", columns: [["id", "bigint"]] + common + [["ts", "timestamp"]] + extra(&choices), key: [],
                partitions: 3,
                eventTime: [3, 5]),
            .init(name: "keyed", columns: [["id", "integer"]] + common + extra(&choices), key: [0], partitions: 2),
        ]
    }

    static func epochs(_ tables: [PipelineCase.Table], _ choices: inout Choices) -> [[StreamChange]] {
        var position = 0
        return (0..<3).map { _ in
            (0..<(4 + choices.below(40))).map { _ in
                position += 1
                return change(choices.below(3), tables, position, &choices)
            }
        }
    }

    private static func change(
        _ number: Int, _ tables: [PipelineCase.Table], _ position: Int, _ choices: inout Choices
    ) -> StreamChange {
        let table = tables[number]
        var row = table.columns.map { column -> String? in
            switch column[0] {
            case "id": return String(position)
            case "ts": return time(position, &choices)
            case "k": return choices.chance(10) ? nil : String(choices.below(6) - 1)
            case "g": return choices.chance(10) ? nil : choices.pick(["a", "b", "ab", "", "Zoë", "B"])
            default: return choices.chance(15) ? nil : choices.pick(SQLTypes.tame[column[1]] ?? ["0"])
            }
        }
        var change = StreamChange(table: number, partition: choices.below(table.partitions), row: [])
        if !table.key.isEmpty {
            let key = choices.below(20)
            row[0] = String(key)
            change.partition = key % table.partitions
            change.isDelete = choices.chance(25)
        } else if choices.chance(3) {
            change.malformed = choices.pick([
                "[]", "{\"id\": \(position)", "{\"id\": \"x\"}", "{\"id\": 9223372036854775808}",
            ])
        }
        change.row = row
        return change
    }

    /// Mostly moving on, sometimes far behind: two partitions in three hours of a day.
    private static func time(_ position: Int, _ choices: inout Choices) -> String {
        // In steps of which the lateness is a multiple: some events lie on the limit itself.
        let behind = (choices.chance(10) ? choices.below(300) : choices.below(40)) * 100
        let millis = 40_000 + position * 300 - min(behind, 40_000)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = String(1000 + millis % 1000).dropFirst()
        let seconds = millis / 1000
        return "2024-01-01 \(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(fraction)"
    }

    /// Reads what ``time(_:_:)`` writes, as microseconds of the day.
    static func microseconds(_ text: String) -> Int64 {
        let parts = text.split { " :.".contains($0) }.dropFirst().compactMap { Int64($0) }
        guard parts.count == 4 else { return 0 }
        return ((parts[0] * 3600 + parts[1] * 60 + parts[2]) * 1000 + parts[3]) * 1000
    }
}
