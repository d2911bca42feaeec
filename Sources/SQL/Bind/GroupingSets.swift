internal import Dataflow

/// Several groupings of the same rows at once: their union, with NULL for what a grouping does not group by.
struct GroupingSets {
    /// `GROUPING(…)` while the select list is bound: a call of no function.
    static let functionKey = "grouping()"

    /// Places in the keys.
    let sets: [[Int]]
    /// The calls of GROUPING that were met, each as places in the keys.
    private(set) var calls: [[Int]] = []

    init(_ sets: [[Int]]) { self.sets = sets }

    /// Notes a call and gives its number; nil if an argument is no key.
    mutating func note(_ arguments: [Expression], _ keys: [Expression]) -> Int? {
        let places = arguments.compactMap { keys.firstIndex(of: $0) }
        guard places.count == arguments.count else { return nil }
        if let known = calls.firstIndex(of: places) { return known }
        calls.append(places)
        return calls.count - 1
    }

    /// All groups: the keys, the aggregates, then a column for each call of GROUPING. The input's first columns are the keys.
    func plan(_ input: Plan, keyCount: Int, _ aggregates: [AggregateCall]) -> Plan {
        let types = input.types
        let branches = sets.map { set -> Plan in
            // Without groups and calls there would be no row.
            let counted = [AggregateCall(function: .count, argument: nil, type: .bigint)]
            let calls = aggregates.isEmpty && set.isEmpty ? counted : aggregates
            let grouped = Plan.aggregate(input, groupBy: set, calls: calls)
            let keys = (0..<keyCount).map { key -> Expression in
                set.firstIndex(of: key).map { .column($0, type: types[key]) } ?? .literal(.null, type: types[key])
            }
            let results = aggregates.indices.map { Expression.column(set.count + $0, type: aggregates[$0].type) }
            let masks = self.calls.map { places -> Expression in
                let mask = places.reduce(0) { $0 * 2 + (set.contains($1) ? 0 : 1) }
                return .literal(.integer(Int32(mask)), type: .integer)
            }
            return .project(grouped, keys + results + masks)
        }
        return branches.count == 1 ? branches[0] : .unionAll(branches)
    }
}
