extension AggregateState {
    /// The state for a call over columns of these types.
    static func make(_ call: AggregateCall, inputTypes: [DataType], isAppendOnly: Bool) throws(GraphError)
        -> AggregateState
    {
        if call.function == .count { return CountState() }
        let arguments = call.arguments.map { inputTypes[$0] }
        guard let type = arguments.first else { throw GraphError("\(call.function.rawValue) needs an argument") }
        if call.function.isOrdered { return OrderedState(call, inputTypes: inputTypes) }
        switch (call.function, type) {
        case (.sum, .smallint), (.sum, .integer), (.sum, .bigint), (.avg, .smallint), (.avg, .integer), (.avg, .bigint):
            return IntegerSumState(result: call.type, isAverage: call.function == .avg)
        case (.sum, .numeric), (.avg, .numeric): return NumericSumState(isAverage: call.function == .avg)
        case (.sum, .double), (.avg, .double): return DoubleSumState(isAverage: call.function == .avg)
        case (.sum, .interval), (.avg, .interval): return IntervalSumState(isAverage: call.function == .avg)
        case (.min, _), (.max, _):
            return ExtremeState.make(isMax: call.function == .max, type, isAppendOnly: isAppendOnly)
        case (.boolAnd, .boolean), (.boolOr, .boolean): return BooleanState(isAnd: call.function == .boolAnd)
        case (.bitAnd, _), (.bitOr, _), (.bitXor, _):
            if let state = BitState(call.function, type) { return state }
        case (.varPop, _), (.varSamp, _), (.stddevPop, _), (.stddevSamp, _):
            if type == .double { return DoubleMomentState(call.function) }
            if type.isNumeric { return MomentState(call.function) }
        case (_, .double):
            if call.function.argumentsChecked == 2, arguments == [.double, .double] {
                return RegressionState(call.function)
            }
        default: break
        }
        throw GraphError("there is no \(call.function.rawValue)(\(arguments.map(\.name).joined(separator: ", ")))")
    }
}
