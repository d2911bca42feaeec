// Keys, their encoding and the hash table: finds bytes that change (they are a format), equal values that hash apart, lost keys.
import CXXHash
import Dataflow
import Testing

@Suite struct KeyTableTests {
    private static func bytes(_ keys: EncodedKeys, _ row: Int) -> [UInt8] {
        (keys.offsets[row]..<keys.offsets[row + 1]).map { keys.bytes[$0] }
    }

    /// The format, written out by hand.
    static let formats: [(DataType, Datum, [UInt8])] = [
        (.boolean, .boolean(true), [1, 1]), (.smallint, .smallint(-2), [1, 0xFE, 0xFF]),
        (.integer, .integer(258), [1, 2, 1, 0, 0]),
        (.bigint, .bigint(1), [1, 1, 0, 0, 0, 0, 0, 0, 0]), (.bigint, .null, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (.timestamp, .timestamp(256), [1, 0, 1, 0, 0, 0, 0, 0, 0]),
        (.double, .double(-0.0), [1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (.double, .double(1), [1, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
        (.double, .double(.nan), [1, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F]),
        (.numeric, .numeric(Decimal(mantissa: 2560, scale: 1)), [1, 0, 1] + [UInt8](repeating: 0, count: 15)),
        (.numeric, .numeric(Decimal(mantissa: -25, scale: 1)), [1, 0xE7] + [UInt8](repeating: 0xFF, count: 15) + [1]),
        (.interval, .interval(Interval(microseconds: 3)), [1, 3] + [UInt8](repeating: 0, count: 15)),
        (.text, .text("ab"), [1, 2, 0, 0, 0, 0x61, 0x62]), (.text, .null, [0, 0, 0, 0, 0]),
        (.text, .text(""), [1, 0, 0, 0, 0]),
    ]

    @Test(arguments: formats.indices)
    func encodings(_ index: Int) {
        let (type, value, expected) = Self.formats[index]
        let column = Column.repeating(value, type: type, count: 2)
        let keys = KeyEncoder(types: [type], equality: .sql).encode([column], count: 2)
        #expect(Self.bytes(keys, 0) == expected && Self.bytes(keys, 1) == expected)
        #expect(keys.hashes[1] == expected.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) })
    }

    /// The specialised hashes of short keys are the library's.
    @Test(arguments: [
        [DataType.boolean], [.smallint], [.integer], [.bigint], [.integer, .integer], [.bigint, .bigint], [.numeric],
        [.text], [],
    ])
    func hashesAreXXH3(_ types: [DataType]) {
        var rng = EngineRandom(seed: 21)
        let rows: [Row] = (0..<300).map { _ in
            types.map { type in
                type == .text
                    ? .text(String(repeating: "k", count: rng.below(300)))
                    : type == .bigint ? .bigint(Int64(bitPattern: rng.next())) : Values.random(type, using: &rng)
            }
        }
        let keys = KeyEncoder(types: types, equality: .sql).encode(Values.delta(rows, types).columns, count: 300)
        for row in 0..<300 {
            #expect(keys.hashes[row] == Self.bytes(keys, row).withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) })
        }
    }

    @Test(arguments: DataType.allCases)
    func equalValuesHaveEqualBytes(_ type: DataType) {
        var rng = EngineRandom(seed: 11)
        let values = (0..<60).map { _ in Values.random(type, using: &rng) }
        let delta = Values.delta(values.map { [.text("x"), $0] }, [.text, type])
        let sql = KeyEncoder(types: [.text, type], equality: .sql).encode(delta.columns, count: 60)
        let exact = KeyEncoder(types: [.text, type], equality: .exact).encode(delta.columns, count: 60)
        for i in 0..<60 {
            for j in 0..<60 {
                #expect((Self.bytes(sql, i) == Self.bytes(sql, j)) == (Values.key(values[i]) == Values.key(values[j])))
                #expect(
                    (Self.bytes(exact, i) == Self.bytes(exact, j))
                        == (Values.printed(values[i]) == Values.printed(values[j])))
            }
        }
        let rows = KeyEncoder(types: [.text, type], equality: .exact).decode(60) {
            UnsafePointer(exact.bytes + exact.offsets[$0])
        }
        #expect((0..<60).allSatisfy { Values.printed(rows[1].datum(at: $0)) == Values.printed(values[$0]) })
    }

    @Test(arguments: [[DataType.bigint], [.text], [.integer, .integer], []])
    func insertionsAndRemovalsLikeADictionary(_ types: [DataType]) {
        var rng = EngineRandom(seed: 5)
        let table = KeyTable(encoder: KeyEncoder(types: types, equality: .sql))
        var known: [String: Int32] = [:]
        func row() -> Row {
            types.map { type in
                switch type {
                case .bigint: .bigint(Int64(rng.below(3000)))
                case .integer: .integer(Int32(rng.below(60)))
                default: .text("key \(rng.below(3000)) of some length")
                }
            }
        }
        for round in 0..<60 {
            let rows = (0..<200).map { _ in row() }
            let delta = Values.delta(rows, types)
            let keys = table.encoder.encode(delta.columns, count: 200)
            var slots = [Int32](repeating: -2, count: 200)
            if round % 2 == 0 {
                table.findOrInsert(keys, &slots)
                for (row, slot) in zip(rows, slots) {
                    if let old = known[Values.printed(row)] { #expect(old == slot) }
                    known[Values.printed(row)] = slot
                }
                #expect(Set(known.values).count == known.count)
            } else {
                table.find(keys, &slots)
                for (row, slot) in zip(rows, slots) { #expect(slot == known[Values.printed(row)] ?? -1) }
                let doomed = known.sorted { $0.key < $1.key }.filter { _ in rng.chance(round % 10 == 9 ? 90 : 30) }
                for (key, slot) in doomed {
                    table.remove(slot)
                    known[key] = nil
                }
            }
            #expect(table.count == known.count && table.liveSlots().count == known.count)
        }
        for (key, slot) in known {
            let columns = [slot].withUnsafeBufferPointer { table.decode($0) }
            #expect(Values.printed(columns.map { $0.datum(at: 0) }) == key)
        }
    }

    @Test func changesSinceAMarkAreOrderedByVNodeAndKey() {
        let table = KeyTable(encoder: KeyEncoder(types: [.bigint], equality: .sql))
        func put(_ numbers: [Int64]) {
            let keys = table.encoder.encode(
                Values.delta(numbers.map { [.bigint($0)] }, [.bigint]).columns, count: numbers.count)
            var slots = [Int32](repeating: 0, count: numbers.count)
            table.findOrInsert(keys, &slots)
            slots.forEach { table.noteChange($0) }
        }
        put(Array(0..<500))
        let mark = table.advanceMark()
        put(Array(400..<700))
        let changed = table.changedSlots(since: mark)
        #expect(changed.count == 300)
        let order = changed.map { slot in
            [UInt8(VNode.of(hash: table.hash(of: slot)))] + (0..<9).map { table.bytes(of: slot)[$0] }
        }
        #expect(zip(order, order.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        #expect(table.changedSlots(since: table.advanceMark()).isEmpty)
    }
}
