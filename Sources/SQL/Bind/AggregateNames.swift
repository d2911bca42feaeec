internal import Dataflow

/// The names by which SQL calls aggregates, and what they take and give.
enum AggregateNames {
    /// Names that are not those of an ``AggregateCall/Function``.
    private static let others: [String: AggregateCall.Function] = [
        "every": .boolAnd, "stddev": .stddevSamp, "variance": .varSamp,
        // An exact count is as good an approximation as any, and can be taken back.
        "approx_count_distinct": .count,
    ]

    static let all: [String] = (AggregateCall.Function.allCases.map(\.rawValue) + others.keys).sorted()

    static func function(_ name: String) -> AggregateCall.Function? {
        AggregateCall.Function(rawValue: name) ?? others[name]
    }

    /// Whether a call without OVER is an aggregate's; first_value and last_value may be either, so they count here.
    static func isKnown(_ name: String) -> Bool {
        function(name) != nil || name == "json_agg" || name == "json_object_agg" || name == "xmlagg"
            || name == "range_agg"
    }

    /// One way to call an aggregate.
    struct Signature {
        var arguments: [DataType]
        var result: DataType
    }

    /// The signatures with fixed types; empty for those that take any type.
    static func signatures(_ function: AggregateCall.Function) -> [Signature] {
        func each(_ types: [DataType]) -> [Signature] { types.map { Signature(arguments: [$0], result: $0) } }
        func sums(_ pairs: [(DataType, DataType)]) -> [Signature] {
            pairs.map { Signature(arguments: [$0.0], result: $0.1) }
        }
        switch function {
        case .sum:
            return sums([
                (.smallint, .bigint), (.integer, .bigint), (.bigint, .numeric), (.numeric, .numeric),
                (.double, .double), (.interval, .interval),
            ])
        case .avg:
            return sums([
                (.smallint, .numeric), (.integer, .numeric), (.bigint, .numeric), (.numeric, .numeric),
                (.double, .double), (.interval, .interval),
            ])
        case .boolAnd, .boolOr: return each([.boolean])
        case .bitAnd, .bitOr, .bitXor: return each([.smallint, .integer, .bigint])
        case .stringAgg:
            return [
                Signature(arguments: [.text, .text], result: .text),
                Signature(arguments: [.bytea, .bytea], result: .bytea),
            ]
        case .stddevPop, .stddevSamp, .varPop, .varSamp:
            return sums([
                (.smallint, .numeric), (.integer, .numeric), (.bigint, .numeric), (.numeric, .numeric),
                (.double, .double),
            ])
        case .corr, .covarPop, .covarSamp, .regrAvgX, .regrAvgY, .regrIntercept, .regrR2, .regrSlope, .regrSXX,
            .regrSXY, .regrSYY:
            return [Signature(arguments: [.double, .double], result: .double)]
        case .regrCount: return [Signature(arguments: [.double, .double], result: .bigint)]
        case .percentileCont: return each([.double, .interval])
        case .count, .min, .max, .arrayAgg, .jsonbAgg, .jsonbObjectAgg, .percentileDisc, .mode, .firstValue, .lastValue:
            return []
        }
    }

    /// How many arguments of any type the others take.
    static func arity(_ function: AggregateCall.Function) -> Int { function == .jsonbObjectAgg ? 2 : 1 }
}
