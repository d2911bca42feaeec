// The checksum by its documented definition, value by value: finds a column that is not read, or bytes that are not those documented.
import CXXHash
import Dataflow
import Testing

@Suite struct BlackholeOutletTests {
    private static func hash(_ row: Row) -> UInt64 {
        row.reduce(0) { seed, value in
            let bytes: [UInt8]
            func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
                (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            }
            switch value {
            case .null: bytes = [0xFF]
            case .boolean(let value): bytes = [value ? 1 : 0]
            case .smallint(let value): bytes = little(value)
            case .integer(let value), .date(let value): bytes = little(value)
            case .bigint(let value), .time(let value), .timestamp(let value), .timestamptz(let value):
                bytes = little(value)
            case .real(let value): bytes = little(value.isNaN ? 0x7FC0_0000 : value.bitPattern)
            case .uuid(let value): bytes = little(value.high) + little(value.low)
            case .bytea(let value): bytes = value
            case .jsonb, .array: bytes = ValueBytes.withRaw(of: value) { Array($0) }
            case .double(let value): bytes = little(value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern)
            case .numeric(let value): bytes = little(value.mantissa) + little(value.scale)
            case .interval(let value): bytes = little(value.months) + little(value.days) + little(value.microseconds)
            case .text(let value), .character(let value): bytes = Array(value.utf8)
            }
            return bytes.withUnsafeBytes { XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
        }
    }

    @Test func theChecksumIsTheDocumentedOne() {
        let types = DataType.allCases
        var changes = Changes(types, isAppendOnly: false, seed: 6)
        let (all, net) = (BlackholeOutlet(), BlackholeOutlet())
        var expected: UInt64 = 0
        var count: Int64 = 0
        for _ in 1...10 {
            let input = changes.epoch(60)
            guard !input.isEmpty else { continue }
            all.consume(Values.delta(input.map(\.row), types, weights: input.map(\.weight)))
            for (row, weight) in input {
                expected &+= Self.hash(row) &* UInt64(bitPattern: weight)
                count += weight
            }
        }
        #expect(all.checksum == expected && all.rowCount == count)
        // Neither order nor what came and went counts.
        net.consume(Values.delta(changes.current.rows, types))
        #expect(net.checksum == expected && net.rowCount == count)
        // XXH3 of the library's own test vector: no bytes, seed 0.
        let single = BlackholeOutlet()
        single.consume(Values.delta([[.text("")]], [.text]))
        #expect(single.checksum == 0x2D06_8005_38D3_94C2)
    }

    @Test func longTextsAndLargeBatches() {
        let outlet = BlackholeOutlet()
        let rows: [Row] = (0..<9000).map { [.text(String(repeating: "z", count: $0 % 1000)), .bigint(Int64($0))] }
        outlet.consume(Values.delta(rows, [.text, .bigint]))
        #expect(outlet.checksum == rows.reduce(0) { $0 &+ Self.hash($1) } && outlet.rowCount == 9000)
    }
}
