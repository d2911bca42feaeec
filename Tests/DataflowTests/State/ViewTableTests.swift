// A view's rows at every epoch that is kept, and the changes between two, against bags that are simply copied.
import Dataflow
import Testing

@Suite struct ViewTableTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func everyKeptEpochCanBeRead(_ seed: UInt64) {
        let types: [DataType] = [.bigint, .text, .numeric, .double]
        let table = ViewTable(types: types, key: [])
        var changes = Changes(types, isAppendOnly: false, seed: seed)
        var rng = EngineRandom(seed: seed)
        var versions: [Bag] = [Bag()]
        var forgotten = 0
        for epoch in 1...20 {
            var input = changes.epoch(30)[...]
            while !input.isEmpty {
                let part = input.prefix(1 + rng.below(9))
                input = input.dropFirst(part.count)
                table.apply(Values.delta(part.map(\.row), types, weights: part.map(\.weight)), epoch: Int64(epoch))
            }
            table.finish(epoch: Int64(epoch))
            versions.append(changes.current)
            if epoch % 6 == 0 {
                forgotten = epoch - 2
                table.forget(before: Int64(forgotten))
            }
            #expect(table.rowCount == changes.current.rows.count && table.finishedEpoch == epoch)
            for old in forgotten...epoch {
                var rows = Bag()
                rows.add(table.rows(asOf: Int64(old)))
                #expect(rows == versions[old], "epoch \(old) at \(epoch)")
                var moved = versions[old]
                moved.add(table.changes(from: Int64(old), to: Int64(epoch)))
                #expect(moved == versions[epoch])
            }
        }
    }

    @Test func theBytesOfHistoryGoWhenForgotten() {
        let table = ViewTable(types: [.text], key: [0])
        let empty = table.byteCount
        for epoch in 1...50 as ClosedRange<Int64> {
            let row: Row = [.text(String(repeating: "x", count: 1000))]
            table.apply(Values.delta([row, row], [.text], weights: [1, -1]), epoch: epoch)
            table.finish(epoch: epoch)
        }
        #expect(table.byteCount > 100_000)
        table.forget(before: 50)
        #expect(table.byteCount < empty + 10_000 && table.rowCount == 0)
    }
}
