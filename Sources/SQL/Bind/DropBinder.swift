internal import Dataflow

/// DROP: what goes, dependents first.
enum DropBinder {
    static func bind(_ drop: DropSyntax, catalog: Catalog) throws(Failure) -> [String] {
        var named: [Relation] = []
        for name in drop.names {
            guard let relation = catalog[name.text] else {
                if drop.ifExists { continue }
                throw Failure(
                    "42P01", "\(drop.kind.rawValue) \"\(name.text)\" does not exist", at: nil,
                    hint: Suggestion.hint(for: name.text, among: Array(catalog.relations.keys)))
            }
            try checkKind(relation, drop.kind)
            if !named.contains(where: { $0.name == relation.name }) { named.append(relation) }
        }
        // Everything that reads what goes, nearest last.
        var order: [String] = []
        func visit(_ name: String) {
            guard !order.contains(name) else { return }
            for dependent in catalog.dependents(of: name).reversed() { visit(dependent.name) }
            if !order.contains(name) { order.append(name) }
        }
        for relation in named { visit(relation.name) }
        let names = Set(named.map(\.name))
        if !drop.cascade, let extra = order.last(where: { !names.contains($0) }), let dependent = catalog[extra] {
            let target = named.first { dependent.dependencies.contains($0.name) } ?? named[0]
            throw Failure(
                "2BP01", "cannot drop \(word(target)) \(target.name) because other objects depend on it", at: nil,
                hint: "Use DROP ... CASCADE to drop the dependent objects too.", detail: details(order, names, catalog))
        }
        return order
    }

    private static func details(_ order: [String], _ named: Set<String>, _ catalog: Catalog) -> String {
        order.reversed().filter { !named.contains($0) }.compactMap { name in
            guard let relation = catalog[name],
                let on = relation.dependencies.first(where: { order.contains($0) }).flatMap({ catalog[$0] })
            else { return nil }
            return "\(word(relation)) \(name) depends on \(word(on)) \(on.name)"
        }.joined(separator: "; ")
    }

    private static func word(_ relation: Relation) -> String {
        switch relation.kind {
        case .table: "table"
        case .view: "view"
        case .materializedView: "materialized view"
        case .sink: "sink"
        }
    }

    private static func checkKind(_ relation: Relation, _ kind: DropSyntax.Kind) throws(Failure) {
        let isRight: Bool =
            switch (relation.kind, kind) {
            case (.table, .table), (.table, .source), (.view, .view), (.materializedView, .materializedView),
                (.sink, .sink):
                true
            default: false
            }
        guard !isRight else { return }
        let actual = word(relation)
        throw Failure(
            "42809", "\"\(relation.name)\" is not a \(kind.rawValue)", at: nil,
            hint: "Use DROP \(actual.uppercased()) to remove a \(actual).")
    }
}
