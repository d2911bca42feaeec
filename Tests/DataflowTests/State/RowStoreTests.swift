// Rows by number and ordered multisets: finds numbers used twice and text that moves when the heap is packed.
import Dataflow
import Testing

@Suite struct RowStoreTests {
    @Test func rowsStayAsTheyWerePut() throws {
        let types = DataType.allCases
        let store = RowStore(types: types)
        var rng = EngineRandom(seed: 3)
        var live: [Int32: Row] = [:]
        for _ in 0..<80 {
            let rows: [Row] = (0..<60).map { _ in
                types.map {
                    $0 == .text && rng.chance(50)
                        ? .text(String(repeating: "y", count: rng.below(900))) : Values.random($0, using: &rng)
                }
            }
            let delta = Values.delta(rows, types)
            let picked = (0..<60).filter { _ in rng.chance(70) }.map { Int32($0) }
            var numbers = [Int32](repeating: -1, count: picked.count)
            picked.withUnsafeBufferPointer { store.insert(delta.columns, rows: $0, numbers: &numbers) }
            for (row, number) in zip(picked, numbers) {
                #expect(live[number] == nil)
                live[number] = rows[Int(row)]
            }
            for number in live.keys.sorted() where rng.chance(45) {
                store.remove(number)
                live[number] = nil
            }
            #expect(store.count == live.count)
        }
        let numbers = live.keys.sorted()
        let columns = numbers.withUnsafeBufferPointer { store.gather($0) }
        for (index, number) in numbers.enumerated() {
            #expect(Values.printed(columns.map { $0.datum(at: index) }) == Values.printed(live[number] ?? []))
        }
        for (a, b) in zip(numbers, numbers.dropFirst()) {
            let (x, y) = (try #require(live[a]), try #require(live[b]))
            for column in types.indices {
                #expect(store.compare(column: column, a, b) == Values.compare(x[column], y[column]))
            }
        }
    }

    @Test func anOrderedMultisetIsAnOrderedMultiset() {
        var bag = SortedBag<Int>()
        var weights: [Int: Int64] = [:]
        var rng = EngineRandom(seed: 8)
        for step in 0..<20_000 {
            let value = rng.below(step < 10_000 ? 3000 : 40)
            let weight = Int64(rng.pick([1, 1, -1, 2]))
            let old = weights[value] ?? 0
            weights[value] = old + weight == 0 ? nil : old + weight
            switch bag.add(value, weight: weight, order: { $0 - $1 }) {
            case .inserted: #expect(old == 0)
            case .merged(let found): #expect(found == value && old + weight != 0)
            case .removed(let found): #expect(found == value && old + weight == 0)
            }
        }
        var seen: [(Int, Int64)] = []
        bag.forEach { value, weight in
            seen.append((value, weight))
            return true
        }
        let expected = weights.sorted { $0.key < $1.key }
        #expect(
            seen.map(\.0) == expected.map(\.key) && seen.map(\.1) == expected.map(\.value)
                && bag.count == expected.count)
        var reversed: [Int] = []
        bag.forEachReversed { value, _ in
            reversed.append(value)
            return reversed.count < 5
        }
        #expect(reversed == Array(expected.suffix(5).map(\.key).reversed()))
        bag.removeLast()
        #expect(bag.last?.element == expected[expected.count - 2].key && bag.first?.element == expected.first?.key)
    }
}
