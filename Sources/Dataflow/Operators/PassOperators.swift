/// Sources, scans and unions: what comes in goes out.
final class PassOperator: Operator {
    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) { emit(delta) }
}

/// Constant rows, once, on the first worker.
final class ValuesOperator: Operator {
    private var rows: Delta?

    init(_ rows: [[Datum]], types: [DataType], isOwner: Bool) {
        guard isOwner, !rows.isEmpty else { return }
        let columns = types.indices.map { index -> Column in
            let builder = ColumnBuilder(type: types[index], capacity: rows.count)
            for row in rows { builder.append(row[index]) }
            return builder.finish()
        }
        self.rows = Delta(columns: columns, count: rows.count)
    }

    override func flush(_ emit: (Delta) -> Void) {
        guard let rows else { return }
        self.rows = nil
        rows.forEachBatch(emit)
    }
}

/// Hands rows to an outlet, and on to whatever is built on them.
final class OutletOperator: Operator {
    private let outlet: any Outlet

    init(_ outlet: any Outlet) { self.outlet = outlet }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        outlet.consume(delta)
        emit(delta)
    }
}
