import Cluster
import Coordination
import Dataflow
import Log

/// What deployments are made of: each kind of operator, expression, value and relation, as the records of deploys hold it (JSON), and as
/// members are told of it (CBOR).
enum GoldenPlans {
    static func samples() throws -> [GoldenSample] {
        let kinds = operators + [.project(expressions)]
        let nodes = kinds.map { kind in
            GraphNode(
                id: OperatorID(9), kind: kind, inputs: [OperatorID(8), OperatorID(7)], types: DataType.allCases,
                owner: "v")
        }
        try checkAllAreThere(kinds)
        let relations = relations()
        return try nodes.map { try sample("operator \(Name(operator: $0.kind))", relations[0], [$0]) }
            + relations.map { try sample("relation \(Name(relation: $0.kind))", $0, []) }
            + [try GoldenSample.value("operators", Graph(nodes: nodes))]
    }

    /// A record that deploys one relation.
    private static func sample(_ name: String, _ relation: Relation, _ nodes: [GraphNode]) throws -> GoldenSample {
        let deployment = Deployment(relation: relation, graph: Graph(nodes: nodes))
        var sample = try GoldenSample.record(
            .deploy,
            .deploy(.init(after: 4, deployments: [deployment], start: Frontier(), partitions: [:], author: nil)))
        sample.name = name
        return sample
    }

    // MARK: Expressions

    /// One of each kind.
    static let values: [Datum] = [
        .null, .boolean(true), .smallint(-2), .integer(-3), .bigint(.min),
        .numeric(Decimal(mantissa: Int128.min + 1, scale: 3)), .real(1.5), .double(-0.1), .text("grüße\n"),
        .character("c "), .bytea([0, 255]),
        .uuid(UUIDValue(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)), .date(20_000), .time(1),
        .timestamp(2), .timestamptz(.max), .interval(Interval(months: 1, days: -2, microseconds: 3)),
        .jsonb(#"{"a": 1}"#), .array([.null, .integer(5)], .integer),
    ]

    private static let expressions: [Expression] =
        values.map { .literal($0, type: .text) } + [
            column(1), .call("=(bigint,bigint)", [column(0), column(1)], type: .boolean),
            .and([.not(condition), .or([condition, .isNull(column(0))])]),
            .branches(
                [.init(condition: condition, value: column(0))], otherwise: column(1), type: .bigint),
            .coalesce([column(0), column(1)], type: .bigint),
        ]

    private static let condition = Expression.literal(.boolean(false), type: .boolean)

    private static func column(_ number: Int) -> Expression { .column(number, type: .bigint) }

    // MARK: Operators

    private static let expiry = Expiry(column: 1, offset: 60_000_000, sources: ["t", "u"])
    private static let order = [true, false].map { SortKey(column: 0, descending: $0, nullsFirst: $0) }
    private static let combine = OperatorKind.Combine(roles: [.kept, .ignored, .presence, .sum, .least, .greatest])

    /// All but a projection. Of the enumerations inside of them every case is somewhere.
    private static var operators: [OperatorKind] {
        [
            .source(table: "t"), .scan(relation: "v"), .values([values]), .filter(condition), .unionAll,
            .upsert(key: [0, 1]), .exchange(key: [0], combine: combine), .broadcast,
            .repeated(count: 2), .view(.init(name: "v", key: [0])),
            .sink(.init(name: "s", connector: "blackhole", options: ["a": "b"])),
            .temporal(
                .init(
                    bounds: [.from, .after, .before, .until].map { .init(kind: $0, column: 1, offset: -5) })),
            .session(.init(partitionBy: [0], time: 1, gap: 1_000_000, emitsEnd: true, expiry: expiry)),
            join, aggregate, topN, over, expand,
        ]
    }

    private static let join = OperatorKind.join(
        .init(
            kind: .full, leftKeys: [0, 1], rightKeys: [1, 0], nullSafe: [1], condition: condition, leftExpiry: expiry,
            rightExpiry: expiry))

    private static var aggregate: OperatorKind {
        let calls = AggregateCall.Function.allCases.map { function in
            AggregateCall(
                function: function, argument: 0, others: [1], isDistinct: true, filter: 2, orderBy: order,
                fractions: [0.5, nil], type: .numeric)
        }
        let rows = AggregateCall(function: .count, argument: nil, type: .bigint)
        return .aggregate(
            .init(groupBy: [0], calls: calls + [rows], inputIsAppendOnly: true, expiry: expiry, resultExpiry: expiry))
    }

    private static let topN = OperatorKind.topN(
        .init(
            partitionBy: [0], orderBy: order, limit: 3, ranking: .denseRank, emitsRowNumber: true,
            inputIsAppendOnly: false, expiry: expiry))

    private static var over: OperatorKind {
        let functions: [OverCall.Function] = [
            .rowNumber, .rank, .denseRank, .percentRank, .cumeDist, .ntile, .lag, .lead, .firstValue, .lastValue,
            .nthValue, .aggregate(AggregateCall(function: .sum, argument: 0, type: .numeric)),
        ]
        let frames = [
            WindowFrame(unit: .rows, start: .unboundedPreceding, end: .unboundedFollowing),
            WindowFrame(
                unit: .range, start: .preceding(.bigint(2)), end: .following(.bigint(3)), exclusion: .currentRow),
            WindowFrame(unit: .groups, start: .currentRow, end: .currentRow, exclusion: .group),
            WindowFrame(unit: .rows, start: .currentRow, end: .unboundedFollowing, exclusion: .ties),
        ]
        let calls = functions.enumerated().map { number, function in
            OverCall(function: function, arguments: [0, 1], frame: frames[number % frames.count], type: .bigint)
        }
        return .over(.init(partitionBy: [0], orderBy: order, calls: calls, expiry: expiry))
    }

    private static var expand: OperatorKind {
        var expand = OperatorKind.Expand(
            functions: [
                .init(key: "generate_series(bigint,bigint)", arguments: [column(0), column(1)], types: [.bigint])
            ], keepsEmpty: true, hasOrdinality: true)
        expand.panes = .init(time: 1, step: 2_000_000, combine: combine)
        return .expand(expand)
    }

    // MARK: Relations

    private static func relations() -> [Relation] {
        let modifiers: [TypeModifier?] = [
            .numeric(NumericModifier(precision: 10, scale: 2)), .length(5), .fraction(3), nil,
        ]
        let columns = modifiers.enumerated().map { number, modifier in
            ColumnSchema(name: "c\(number)", type: .text, modifier: modifier, isNullable: number == 0)
        }
        let schema = TableSchema(
            name: "t", topic: "topic", columns: columns, primaryKey: [0, 1],
            eventTime: .init(column: 2, lateness: 3, skew: 4), format: .csv, connector: "file",
            options: ["path": "a/*.csv"])
        let kinds: [Relation.Kind] = [.materializedView, .table(schema), .view, .sink]
        return kinds.map { kind in
            Relation(
                name: "r", kind: kind, columns: columns, node: OperatorID(9), key: [0, 1], isAppendOnly: true,
                eventTimes: [EventTimeColumn(column: 2, offset: 3, sources: ["t"])], dependencies: ["t", "u"],
                statement: "CREATE …", sequence: 0)
        }
    }

    // MARK: Completeness

    /// The names of all cases. The switches below name every case, so a new one does not compile before it has a name here, and the test
    /// fails before it has a sample.
    private enum Name: String, CaseIterable {
        case source, scan, values, filter, project, unionAll, upsert, join, aggregate, topN, expand, session, over,
            temporal, exchange, broadcast, repeated, view, sink
        case table, materializedView, inlinedView, sinkRelation
        case column, literal, call, and, or, not, isNull, branches, coalesce
        case null, boolean, smallint, integer, bigint, numeric, real, double, text, character, bytea, uuid, date, time,
            timestamp, timestamptz, interval, jsonb, array
        case rowNumber, rank, denseRank, percentRank, cumeDist, ntile, lag, lead, firstValue, lastValue, nthValue,
            overAggregate

        init(operator kind: OperatorKind) {
            self =
                switch kind {
                case .source: .source
                case .scan: .scan
                case .values: .values
                case .filter: .filter
                case .project: .project
                case .unionAll: .unionAll
                case .upsert: .upsert
                case .join: .join
                case .aggregate: .aggregate
                case .topN: .topN
                case .expand: .expand
                case .session: .session
                case .over: .over
                case .temporal: .temporal
                case .exchange: .exchange
                case .broadcast: .broadcast
                case .repeated: .repeated
                case .view: .view
                case .sink: .sink
                }
        }

        init(relation kind: Relation.Kind) {
            self =
                switch kind {
                case .table: .table
                case .materializedView: .materializedView
                case .view: .inlinedView
                case .sink: .sinkRelation
                }
        }

        /// Of an expression and all inside of it.
        static func all(in expression: Expression) -> [Name] {
            switch expression {
            case .column: [.column]
            case .literal(let value, _): [.literal, Name(value: value)]
            case .call(_, let operands, _): [.call] + operands.flatMap(all)
            case .and(let operands): [.and] + operands.flatMap(all)
            case .or(let operands): [.or] + operands.flatMap(all)
            case .not(let operand): [.not] + all(in: operand)
            case .isNull(let operand): [.isNull] + all(in: operand)
            case .branches(let branches, let otherwise, _):
                [.branches] + all(in: otherwise) + branches.flatMap { all(in: $0.condition) + all(in: $0.value) }
            case .coalesce(let operands, _): [.coalesce] + operands.flatMap(all)
            }
        }

        private init(value: Datum) {
            self =
                switch value {
                case .null: .null
                case .boolean: .boolean
                case .smallint: .smallint
                case .integer: .integer
                case .bigint: .bigint
                case .numeric: .numeric
                case .real: .real
                case .double: .double
                case .text: .text
                case .character: .character
                case .bytea: .bytea
                case .uuid: .uuid
                case .date: .date
                case .time: .time
                case .timestamp: .timestamp
                case .timestamptz: .timestamptz
                case .interval: .interval
                case .jsonb: .jsonb
                case .array: .array
                }
        }

        init(function: OverCall.Function) {
            self =
                switch function {
                case .rowNumber: .rowNumber
                case .rank: .rank
                case .denseRank: .denseRank
                case .percentRank: .percentRank
                case .cumeDist: .cumeDist
                case .ntile: .ntile
                case .lag: .lag
                case .lead: .lead
                case .firstValue: .firstValue
                case .lastValue: .lastValue
                case .nthValue: .nthValue
                case .aggregate: .overAggregate
                }
        }
    }

    private static func checkAllAreThere(_ kinds: [OperatorKind]) throws {
        var names = Set(kinds.map { Name(operator: $0) } + relations().map { Name(relation: $0.kind) })
        for kind in kinds {
            if case .project(let expressions) = kind { names.formUnion(expressions.flatMap(Name.all)) }
            if case .over(let over) = kind { names.formUnion(over.calls.map { Name(function: $0.function) }) }
        }
        try GoldenSample.check(names, Set(Name.allCases))
    }
}
