/// One aggregate of an ``OperatorKind/Aggregate``, or of a frame of an ``OperatorKind/Over``.
package struct AggregateCall: Hashable, Sendable, Codable {
    /// Named as SQL names them.
    package enum Function: String, Hashable, Sendable, Codable, CaseIterable {
        /// Rows, or rows where the argument is not NULL.
        case count
        case sum, min, max, avg
        case boolAnd = "bool_and"
        case boolOr = "bool_or"
        case bitAnd = "bit_and"
        case bitOr = "bit_or"
        case bitXor = "bit_xor"
        case stringAgg = "string_agg"
        case arrayAgg = "array_agg"
        case jsonbAgg = "jsonb_agg"
        case jsonbObjectAgg = "jsonb_object_agg"
        case stddevPop = "stddev_pop"
        case stddevSamp = "stddev_samp"
        case varPop = "var_pop"
        case varSamp = "var_samp"
        /// Of (y, x), as all that follow.
        case corr
        case covarPop = "covar_pop"
        case covarSamp = "covar_samp"
        case regrAvgX = "regr_avgx"
        case regrAvgY = "regr_avgy"
        case regrCount = "regr_count"
        case regrIntercept = "regr_intercept"
        case regrR2 = "regr_r2"
        case regrSlope = "regr_slope"
        case regrSXX = "regr_sxx"
        case regrSXY = "regr_sxy"
        case regrSYY = "regr_syy"
        case percentileCont = "percentile_cont"
        case percentileDisc = "percentile_disc"
        case mode
        case firstValue = "first_value"
        case lastValue = "last_value"

        /// How many of the first arguments must not be NULL for a row to count.
        var argumentsChecked: Int {
            switch self {
            case .arrayAgg, .jsonbAgg, .jsonbObjectAgg, .firstValue, .lastValue: 0
            case .corr, .covarPop, .covarSamp, .regrAvgX, .regrAvgY, .regrCount, .regrIntercept, .regrR2, .regrSlope,
                .regrSXX, .regrSXY, .regrSYY:
                2
            default: 1
            }
        }

        /// The result depends on the order of the rows, or on more than one of them at a time.
        package var isOrdered: Bool {
            switch self {
            case .stringAgg, .arrayAgg, .jsonbAgg, .jsonbObjectAgg, .percentileCont, .percentileDisc, .mode,
                .firstValue,
                .lastValue:
                true
            default: false
            }
        }
    }

    package var function: Function
    /// The input column; nil only for `count(*)`.
    package var argument: Int?
    /// The columns of the arguments behind the first; nil for none.
    package var others: [Int]?
    package var isDistinct: Bool
    /// A boolean input column: only rows where it is true count (`FILTER`).
    package var filter: Int?
    /// The order in which an ordered aggregate takes its rows, over the input's columns; ties are broken by the arguments.
    package var orderBy: [SortKey]?
    /// The fractions of percentiles, from 0 to 1; of an array result, one for each element. NULL gives NULL.
    package var fractions: [Double?]?
    /// The result's type, as PostgreSQL has it (sum(bigint) is numeric, avg(integer) is numeric, …).
    package var type: DataType

    package init(
        function: Function, argument: Int?, others: [Int]? = nil, isDistinct: Bool = false, filter: Int? = nil,
        orderBy: [SortKey]? = nil, fractions: [Double?]? = nil, type: DataType
    ) {
        self.function = function
        self.argument = argument
        self.others = others
        self.isDistinct = isDistinct
        self.filter = filter
        self.orderBy = orderBy
        self.fractions = fractions
        self.type = type
    }

    /// The columns of all arguments, in order.
    package var arguments: [Int] { (argument.map { [$0] } ?? []) + (others ?? []) }

    /// Every column that the call reads.
    package var columnsRead: Set<Int> {
        Set(arguments + (orderBy ?? []).map(\.column) + (filter.map { [$0] } ?? []))
    }

    /// The same call over columns numbered anew.
    package func mappingColumns(_ number: (Int) -> Int) -> AggregateCall {
        var call = self
        call.argument = argument.map(number)
        call.others = others.map { $0.map(number) }
        call.filter = filter.map(number)
        call.orderBy = orderBy.map { keys in
            keys.map { SortKey(column: number($0.column), descending: $0.descending, nullsFirst: $0.nullsFirst) }
        }
        return call
    }
}
