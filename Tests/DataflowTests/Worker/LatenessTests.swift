// The limits of event time themselves: on the limit a record is accepted, a microsecond beyond it is refused.
import Dataflow
import Testing

@Suite struct LatenessTests {
    private static let lateness: Int64 = 5_000_000
    private static let skew: Int64 = 60_000_000
    /// 2024-01-01 00:00:00.
    private static let start: Int64 = 1_704_067_200_000_000

    /// What becomes of records at these microseconds after the start, one batch each.
    private static func judge(_ offsets: [Int64]) -> [SourceBatch] {
        let schema = TableSchema(
            name: "t", topic: "t", columns: [ColumnSchema(name: "ts", type: .timestamp)],
            eventTime: TableSchema.EventTime(column: 0, lateness: lateness, skew: skew), format: .json,
            connector: "http", options: [:])
        let decoder = SourceDecoder(schema: schema, partition: 0)
        return offsets.enumerated().map { index, offset in
            func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let fraction = String(1_000_000 + offset % 1_000_000).dropFirst()
            let seconds = offset / 1_000_000
            let record = "{\"ts\":\"2024-01-01 00:\(two(seconds / 60)):\(two(seconds % 60)).\(fraction)\"}"
            let bytes = Array(record.utf8) + [UInt8](repeating: 0, count: 64)
            return bytes.withUnsafeBytes { bytes in
                [Int32(-1), Int32(record.utf8.count)].withUnsafeBytes { lengths in
                    guard let bytes = bytes.baseAddress, let lengths = lengths.baseAddress else {
                        preconditionFailure("neither is empty")
                    }
                    return decoder.decode(
                        RawRecords(
                            bytes: bytes, lengths: lengths, count: 1, firstOffset: Int64(index), appendTime: start))
                }
            }
        }
    }

    @Test func whatIsLateIsMoreThanTheLatenessBehind() {
        let batches = Self.judge([20_000_000, 15_000_000, 14_999_999, 20_000_001, 15_000_000, 15_000_001])
        #expect(batches.map(\.late) == [0, 0, 1, 0, 1, 0])
        #expect(batches.map(\.applied) == [1, 1, 0, 1, 0, 1])
    }

    @Test func whatIsSkewedIsMoreThanTheSkewAhead() {
        let batches = Self.judge([60_000_000, 60_000_001])
        #expect(batches.map(\.skewed) == [0, 1])
        // What was refused did not raise the highest time.
        #expect(Self.judge([60_000_001, 1]).map(\.late) == [0, 0])
    }
}
