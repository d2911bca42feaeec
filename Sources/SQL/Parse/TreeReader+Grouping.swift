internal import CPgQuery

/// GROUP BY: plain expressions, GROUPING SETS, CUBE and ROLLUP.
extension TreeReader {
    /// All expressions, and the sets of them that are asked for; nil if it is one set of all.
    mutating func grouping(_ nodes: [Node]) throws(Failure) -> (expressions: [ExpressionSyntax], sets: [[Int]]?) {
        var all: [ExpressionSyntax] = []
        var sets: [[Int]] = [[]]
        var isPlain = true
        for node in nodes {
            let own: [[Int]]
            if node.pointee.node_case == PG_QUERY__NODE__NODE_GROUPING_SET {
                isPlain = false
                own = try self.sets(node, &all)
            } else {
                own = [try unit(node, &all)]
            }
            guard sets.count * own.count <= Limits.groupingSetsMax else {
                throw Failure(
                    "54001", "too many grouping sets present (maximum \(Limits.groupingSetsMax))",
                    at: Self.location(node))
            }
            sets = sets.flatMap { set in own.map { set + $0.filter { !set.contains($0) } } }
        }
        return (all, isPlain ? nil : sets)
    }

    /// One expression, or several in brackets that go together.
    private mutating func unit(_ node: Node, _ all: inout [ExpressionSyntax]) throws(Failure) -> [Int] {
        var nodes = [node]
        if node.pointee.node_case == PG_QUERY__NODE__NODE_ROW_EXPR {
            nodes = Self.list(node.pointee.row_expr.pointee.args, node.pointee.row_expr.pointee.n_args)
        } else if node.pointee.node_case == PG_QUERY__NODE__NODE_LIST {
            nodes = Self.list(node.pointee.list.pointee.items, node.pointee.list.pointee.n_items)
        }
        var places: [Int] = []
        for node in nodes {
            all.append(try expression(node))
            places.append(all.count - 1)
        }
        return places
    }

    private mutating func sets(_ node: Node, _ all: inout [ExpressionSyntax]) throws(Failure) -> [[Int]] {
        let set = node.pointee.grouping_set.pointee
        let content = Self.list(set.content, set.n_content)
        switch set.kind {
        case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY: return [[]]
        case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_ROLLUP:
            var units: [[Int]] = []
            for item in content { units.append(try unit(item, &all)) }
            return (0...units.count).reversed().map { Array(units[..<$0].joined()) }
        case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE:
            guard content.count <= 12 else {
                throw Failure("54011", "CUBE is limited to 12 elements", at: Int(set.location))
            }
            var units: [[Int]] = []
            for item in content { units.append(try unit(item, &all)) }
            return (0..<1 << units.count).reversed().map { mask in
                Array(units.indices.filter { mask >> (units.count - 1 - $0) & 1 == 1 }.map { units[$0] }.joined())
            }
        default:
            var sets: [[Int]] = []
            for item in content {
                if item.pointee.node_case == PG_QUERY__NODE__NODE_GROUPING_SET {
                    sets += try self.sets(item, &all)
                } else {
                    sets.append(try unit(item, &all))
                }
            }
            return sets
        }
    }
}
