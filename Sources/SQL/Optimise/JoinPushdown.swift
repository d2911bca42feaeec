internal import Dataflow

/// Rule: the equalities of an outer, semi or anti join become its keys; conditions on one side that decide nothing about the other go
/// below it; an outer join whose missing rows no condition above lets through is a smaller one (``NullRejection``).
enum JoinPushdown {
    static func push(_ conditions: [Expression], _ left: Plan, _ right: Plan, _ join: Plan.Join) throws(Failure) -> Plan
    {
        let (leftWidth, rightWidth) = (left.types.count, right.types.count)
        func rejects(_ columns: Range<Int>) -> Bool {
            let columns = Set(columns)
            return conditions.contains { NullRejection.isNeverTrue($0, whereNull: columns) }
        }
        switch join.kind {
        case .left where rejects(leftWidth..<leftWidth + rightWidth) && join.leftKeys.isEmpty:
            let product = Plan.cross(left, right, location: join.location)
            return try FilterPushdown.push((join.condition?.conjuncts ?? []) + conditions, into: product)
        case .full where rejects(0..<leftWidth):
            // Rows that the right side lacks stay, those that the left side lacks go: a left join.
            var smaller = join
            smaller.kind = .left
            return try push(conditions, left, right, smaller)
        case .full where rejects(leftWidth..<leftWidth + rightWidth):
            return try mirrored(conditions, left, right, join)
        default: break
        }
        var below: [Expression] = []
        var above: [Expression] = []
        for condition in conditions {
            let isLeft = condition.columnsUsed.allSatisfy { $0 < leftWidth } && join.kind != .full
            if isLeft { below.append(condition) } else { above.append(condition) }
        }
        return .filtered(try keyed(left, right, join, pushing: below), above)
    }

    /// A full join of which only the right side's rows stay whole is a left join the other way round.
    private static func mirrored(_ conditions: [Expression], _ left: Plan, _ right: Plan, _ join: Plan.Join)
        throws(Failure) -> Plan
    {
        let (leftWidth, rightWidth) = (left.types.count, right.types.count)
        var mirror = Plan.Join(
            kind: .left, leftKeys: join.rightKeys, rightKeys: join.leftKeys, nullSafe: join.nullSafe,
            location: join.location)
        func place(_ column: Int) -> Int { column < leftWidth ? column + rightWidth : column - leftWidth }
        mirror.condition = join.condition?.mappingColumns(place)
        let joined = try push(conditions.map { $0.mappingColumns(place) }, right, left, mirror)
        return .selecting(joined, (0..<leftWidth + rightWidth).map(place))
    }

    /// The join with its equalities as keys; `pushing` goes into the left side.
    private static func keyed(_ left: Plan, _ right: Plan, _ join: Plan.Join, pushing: [Expression]) throws(Failure)
        -> Plan
    {
        let width = left.types.count
        var ownLeft = pushing
        var ownRight: [Expression] = []
        var kept: [Expression] = []
        var sides = JoinSides(left: left, right: right)
        sides.leftKeys = join.leftKeys
        sides.rightKeys = join.rightKeys
        sides.nullSafe = join.nullSafe
        for condition in join.condition?.conjuncts ?? [] {
            let used = condition.columnsUsed
            if condition == .literal(.boolean(true), type: .boolean) { continue }
            if !used.isEmpty, used.allSatisfy({ $0 >= width }), join.kind != .full {
                ownRight.append(condition.mappingColumns { $0 - width })
            } else if !used.isEmpty, used.allSatisfy({ $0 < width }), join.kind == .semi {
                ownLeft.append(condition)
            } else if !sides.add(condition) {
                kept.append(condition)
            }
        }
        var result = join
        result.leftKeys = sides.leftKeys
        result.rightKeys = sides.rightKeys
        result.nullSafe = sides.nullSafe
        let (newLeft, newRight) = (
            try FilterPushdown.push(ownLeft, into: left), try FilterPushdown.push(ownRight, into: right)
        )
        let leftPlan = sides.leftPlan(newLeft)
        let leftCount = leftPlan.types.count
        func place(_ column: Int) -> Int { column < width ? column : column - width + leftCount }
        result.condition = Plan.conjunction(kept.map { $0.mappingColumns(place) })
        var rightPlan = sides.rightPlan(newRight)
        if !join.kind.isWide, result.condition == nil {
            rightPlan = distinctKeys(rightPlan, &result)
        }
        let joined = Plan.join(leftPlan, rightPlan, result)
        if !join.kind.isWide { return .selecting(joined, Array(0..<width)) }
        return .selecting(joined, (0..<width + right.types.count).map(place))
    }

    /// Whether there is a partner needs each key once only.
    private static func distinctKeys(_ right: Plan, _ join: inout Plan.Join) -> Plan {
        if right.uniqueKeys.contains(where: { Set($0).isSubset(of: join.rightKeys) }) { return right }
        let columns = join.rightKeys
        join.rightKeys = Array(columns.indices)
        return .aggregate(.selecting(right, columns), groupBy: join.rightKeys, calls: [])
    }
}

/// The two sides of a join while equalities between them become its keys: expressions become columns of their own.
struct JoinSides {
    var leftKeys: [Int] = []
    var rightKeys: [Int] = []
    var nullSafe: [Int] = []
    private var left: [Expression]
    private var right: [Expression]
    private let widths: (left: Int, right: Int)

    init(left: Plan, right: Plan) {
        self.left = left.columns
        self.right = right.columns
        widths = (self.left.count, self.right.count)
    }

    /// Takes a condition over both sides' columns as a key; false if it is none.
    mutating func add(_ condition: Expression) -> Bool {
        guard let (first, second, isNullSafe) = Self.equality(condition) else { return false }
        let width = widths.left
        func isLeft(_ expression: Expression) -> Bool {
            let used = expression.columnsUsed
            return !used.isEmpty && used.allSatisfy { $0 < width }
        }
        func isRight(_ expression: Expression) -> Bool {
            let used = expression.columnsUsed
            return !used.isEmpty && used.allSatisfy { $0 >= width }
        }
        if isLeft(first), isRight(second) {
            add(first, second.mappingColumns { $0 - width }, isNullSafe)
        } else if isRight(first), isLeft(second) {
            add(second, first.mappingColumns { $0 - width }, isNullSafe)
        } else {
            return false
        }
        return true
    }

    /// Adds the key pair of an expression over each side.
    mutating func add(_ first: Expression, _ second: Expression, _ isNullSafe: Bool) {
        let key = (Self.column(first, in: &left), Self.column(second, in: &right))
        if let place = zip(leftKeys, rightKeys).enumerated().first(where: { $0.element == key })?.offset {
            // Equal in both senses is equal in the stricter one.
            if !isNullSafe { nullSafe.removeAll { $0 == place } }
            return
        }
        if isNullSafe { nullSafe.append(leftKeys.count) }
        leftKeys.append(key.0)
        rightKeys.append(key.1)
    }

    private static func column(_ expression: Expression, in list: inout [Expression]) -> Int {
        if let index = list.firstIndex(of: expression) { return index }
        list.append(expression)
        return list.count - 1
    }

    /// A side with the columns that its keys need.
    func leftPlan(_ plan: Plan) -> Plan { left.count == widths.left ? plan : .project(plan, left) }
    func rightPlan(_ plan: Plan) -> Plan { right.count == widths.right ? plan : .project(plan, right) }

    /// The operands of `a = b` or `a IS NOT DISTINCT FROM b`.
    static func equality(_ condition: Expression) -> (first: Expression, second: Expression, isNullSafe: Bool)? {
        switch condition {
        case .call(let key, let operands, _) where key.hasPrefix("=(") && operands.count == 2:
            operands[0].type == operands[1].type ? (operands[0], operands[1], false) : nil
        case .not(.call(let key, let operands, _)) where key.hasPrefix("is_distinct(") && operands.count == 2:
            operands[0].type == operands[1].type ? (operands[0], operands[1], true) : nil
        default: nil
        }
    }
}
