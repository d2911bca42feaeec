// Columns built row by row: finds a NULL that spoils its neighbours.
import Dataflow
import Testing

@Suite struct ColumnBuilderTests {
    @Test(arguments: DataType.allCases)
    func rowsComeBackAsTheyWentIn(_ type: DataType) {
        var rng = EngineRandom(seed: 1)
        let values = (0..<200).map { _ in Values.random(type, nulls: 40, using: &rng) }
        let builder = ColumnBuilder(type: type)
        for value in values { builder.append(value) }
        let column = builder.finish()
        #expect(column.count == 200)
        #expect(values.indices.allSatisfy { Values.printed(column.datum(at: $0)) == Values.printed(values[$0]) })
        let picked: [Int32] = [199, 0, 7, 7, 3]
        let gathered = picked.withUnsafeBufferPointer { column.gather($0) }
        #expect(
            picked.indices.allSatisfy {
                Values.printed(gathered.datum(at: $0)) == Values.printed(values[Int(picked[$0])])
            })
        let twice = Column.concatenating([column, gathered])
        #expect(
            (0..<205).allSatisfy {
                Values.printed(twice.datum(at: $0))
                    == Values.printed($0 < 200 ? values[$0] : gathered.datum(at: $0 - 200))
            })
        // The builder is empty afterwards.
        builder.append(values[0])
        #expect(Values.printed(builder.finish().datum(at: 0)) == Values.printed(values[0]))
    }
}
