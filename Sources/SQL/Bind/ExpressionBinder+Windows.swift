internal import Dataflow

/// The functions that only exist with OVER.
enum WindowNames {
    static let all: Set<String> = [
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
        "last_value", "nth_value",
    ]
}

/// Window functions.
extension ExpressionBinder {
    /// A call with OVER, and what it is over.
    struct WindowUse: Hashable {
        enum Function: Hashable {
            case rowNumber, rank, denseRank, percentRank, cumeDist, ntile, lag, lead, firstValue, lastValue, nthValue
            case aggregate(AggregateUse)
        }

        var function: Function
        var arguments: [Expression] = []
        var partitionBy: [Expression]
        var orderBy: [SortUse]
        var frame: WindowFrame
        var type: DataType
        var location: Int

        /// Two calls in one text differ in where they stand only.
        static func == (a: WindowUse, b: WindowUse) -> Bool {
            a.function == b.function && a.arguments == b.arguments && a.partitionBy == b.partitionBy
                && a.orderBy == b.orderBy && a.frame == b.frame
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(function)
            hasher.combine(arguments)
        }

        /// The same rows in the same order: such calls are computed together.
        func isAlongside(_ other: WindowUse) -> Bool {
            partitionBy == other.partitionBy && orderBy == other.orderBy
        }

        /// Every expression in it rewritten.
        func rewriting(_ rewrite: (Expression) throws(Failure) -> Expression) throws(Failure) -> WindowUse {
            var use = self
            for index in use.arguments.indices { use.arguments[index] = try rewrite(use.arguments[index]) }
            for index in use.partitionBy.indices { use.partitionBy[index] = try rewrite(use.partitionBy[index]) }
            for index in use.orderBy.indices {
                use.orderBy[index].expression = try rewrite(use.orderBy[index].expression)
            }
            if case .aggregate(let aggregate) = function {
                use.function = .aggregate(try aggregate.rewriting(rewrite))
            }
            return use
        }

        /// Every expression in it.
        var expressions: [Expression] {
            var all = arguments + partitionBy + orderBy.map(\.expression)
            if case .aggregate(let use) = function {
                all += use.arguments + [use.filter].compactMap { $0 } + use.orderBy.map(\.expression)
            }
            return all
        }

        /// The call over columns that `place` gives the expressions.
        func call(_ place: (Expression) -> Int) -> OverCall {
            let function: OverCall.Function =
                switch self.function {
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
                case .aggregate(let use): .aggregate(use.call(place))
                }
            return OverCall(function: function, arguments: arguments.map(place), frame: frame, type: type)
        }
    }

    func window(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        guard allowsWindows, let syntax = call.over else {
            throw Failure("42P20", "window functions are not allowed in \(clause)", at: location)
        }
        if isInAggregate, clause == "FILTER" {
            throw Failure("42P20", "window functions are not allowed in FILTER", at: location)
        }
        if isInAggregate {
            throw Failure("42803", "aggregate function calls cannot contain window function calls", at: location)
        }
        allowsWindows = false
        defer { allowsWindows = true }
        let over = try resolved(syntax)
        var partitionBy: [Expression] = []
        for item in over.partitionBy {
            let key = try value(item)
            if !partitionBy.contains(key) { partitionBy.append(key) }
        }
        let orderBy = try sortUses(over.orderBy)
        var use = WindowUse(
            function: .rowNumber, partitionBy: partitionBy, orderBy: orderBy,
            frame: try frame(over.frame, orderBy, over.location), type: .bigint, location: location)
        let refusal = setRefusal
        setRefusal = "window function calls cannot contain set-returning function calls"
        defer { setRefusal = refusal }
        if WindowNames.all.contains(call.name) {
            try bindFunction(call, location, &use)
        } else if AggregateNames.isKnown(call.name) {
            if call.isDistinct {
                throw Failure("0A000", "DISTINCT is not implemented for window functions", at: location)
            }
            if !call.orderBy.isEmpty || call.isWithinGroup {
                throw Failure(
                    "0A000",
                    call.isWithinGroup
                        ? "OVER is not supported for ordered-set aggregate \(call.name)"
                        : "aggregate ORDER BY is not implemented for window functions", at: location)
            }
            let aggregate = try aggregateUse(call, location)
            use.function = .aggregate(aggregate)
            use.type = aggregate.type
            return Self.shown(add(use), aggregate)
        } else {
            throw Failure(
                "42809", "OVER specified, but \(call.name) is not a window function nor an aggregate function",
                at: location)
        }
        return add(use)
    }

    // MARK: functions

    private func bindFunction(_ call: CallSyntax, _ location: Int, _ use: inout WindowUse) throws(Failure) {
        if call.filter != nil {
            throw Failure("0A000", "FILTER is not implemented for non-aggregate window functions", at: location)
        }
        if call.isDistinct {
            throw Failure("0A000", "DISTINCT is not implemented for window functions", at: location)
        }
        let arguments = try bindAll(call.arguments)
        func missing() -> Failure {
            Failure(
                "42883", "function \(callSignature(call.name, arguments)) does not exist", at: location,
                hint:
                    "No function matches the given name and argument types. You might need to add explicit type casts."
            )
        }
        func integer(_ index: Int) throws(Failure) -> Expression {
            guard let value = try Coercion.coerce(arguments[index], to: .integer) else { throw missing() }
            return value
        }
        let counts: ClosedRange<Int> =
            switch call.name {
            case "lag", "lead": 1...3
            case "ntile", "first_value", "last_value": 1...1
            case "nth_value": 2...2
            default: 0...0
            }
        guard counts.contains(arguments.count), !call.isStar else { throw missing() }
        switch call.name {
        case "rank": use.function = .rank
        case "dense_rank": use.function = .denseRank
        case "percent_rank": (use.function, use.type) = (.percentRank, .double)
        case "cume_dist": (use.function, use.type) = (.cumeDist, .double)
        case "ntile":
            (use.function, use.type) = (.ntile, .integer)
            use.arguments = [try integer(0)]
        case "first_value", "last_value":
            use.function = call.name == "first_value" ? .firstValue : .lastValue
            use.arguments = [arguments[0].expression]
            use.type = use.arguments[0].type
        case "nth_value":
            use.function = .nthValue
            use.arguments = [arguments[0].expression, try integer(1)]
            use.type = use.arguments[0].type
        case "lag", "lead":
            use.function = call.name == "lag" ? .lag : .lead
            var value = arguments[0].expression
            if arguments.count == 3 {
                let (values, type) = try Coercion.unify([arguments[0], arguments[2]], in: call.name.uppercased())
                value = values[0]
                use.arguments = [value, try integer(1), values[1]]
                use.type = type
            } else {
                use.arguments = [value] + (arguments.count == 2 ? [try integer(1)] : [])
                use.type = value.type
            }
        default: break
        }
        // Ranks do not look at the frame, so that all of them are computed together.
        switch use.function {
        case .firstValue, .lastValue, .nthValue, .aggregate: break
        default: use.frame = .standard
        }
    }

    // MARK: windows

    /// The window with what the one that it names gives it.
    private func resolved(_ syntax: WindowSyntax) throws(Failure) -> WindowSyntax {
        guard let name = syntax.base else { return syntax }
        guard let named = namedWindows.first(where: { $0.name == name })?.window else {
            throw Failure(
                "42704", "window \"\(name)\" does not exist", at: syntax.location,
                hint: Suggestion.hint(for: name, among: namedWindows.map(\.name)))
        }
        var base = try resolved(named)
        guard syntax.isWritten else { return base }
        if !syntax.partitionBy.isEmpty {
            throw Failure("42P20", "cannot override PARTITION BY clause of window \"\(name)\"", at: syntax.location)
        }
        if !base.orderBy.isEmpty, !syntax.orderBy.isEmpty {
            throw Failure("42P20", "cannot override ORDER BY clause of window \"\(name)\"", at: syntax.location)
        }
        if base.frame != nil {
            throw Failure(
                "42P20", "cannot copy window \"\(name)\" because it has a frame clause", at: syntax.location)
        }
        if !syntax.orderBy.isEmpty { base.orderBy = syntax.orderBy }
        base.frame = syntax.frame
        return base
    }

    private func frame(_ syntax: FrameSyntax?, _ orderBy: [SortUse], _ location: Int) throws(Failure) -> WindowFrame {
        guard let syntax else { return .standard }
        let unit: WindowFrame.Unit =
            switch syntax.unit {
            case .rows: .rows
            case .range: .range
            case .groups: .groups
            }
        if unit == .groups, orderBy.isEmpty {
            throw Failure("42P20", "GROUPS mode requires an ORDER BY clause", at: location)
        }
        let exclusion: WindowFrame.Exclusion =
            switch syntax.exclusion {
            case .none: .none
            case .currentRow: .currentRow
            case .group: .group
            case .ties: .ties
            }
        return WindowFrame(
            unit: unit, start: try bound(syntax.start, unit, orderBy, "starting", location),
            end: try bound(syntax.end, unit, orderBy, "ending", location), exclusion: exclusion)
    }

    private func bound(
        _ syntax: FrameSyntax.Bound, _ unit: WindowFrame.Unit, _ orderBy: [SortUse], _ word: String, _ location: Int
    ) throws(Failure) -> WindowFrame.Bound {
        switch syntax {
        case .unboundedPreceding: .unboundedPreceding
        case .unboundedFollowing: .unboundedFollowing
        case .currentRow: .currentRow
        case .preceding(let offset): .preceding(try self.offset(offset, unit, orderBy, word, location))
        case .following(let offset): .following(try self.offset(offset, unit, orderBy, word, location))
        }
    }

    private func offset(
        _ syntax: ExpressionSyntax, _ unit: WindowFrame.Unit, _ orderBy: [SortUse], _ word: String, _ location: Int
    ) throws(Failure) -> Datum {
        let (before, allowed, named) = (clause, allowsAggregates, references.count)
        (clause, allowsAggregates) = ("window \(unit.rawValue.uppercased())", false)
        defer { (clause, allowsAggregates) = (before, allowed) }
        let bound = try withoutSets("window definitions") { () throws(Failure) in try bind(syntax) }
        var wanted = DataType.bigint
        if unit == .range {
            guard orderBy.count == 1 else {
                throw Failure(
                    "42P20", "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column", at: location)
            }
            let key = orderBy[0].expression.type
            guard let type = FrameTypes.offset(of: key, given: bound.type) else {
                throw Failure(
                    "0A000",
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type \(key.name) and offset type \(bound.typeName)",
                    at: syntax.location)
            }
            wanted = type
        }
        guard let value = try Coercion.coerce(bound, to: wanted) else {
            throw Failure(
                "42804",
                "argument of \(unit.rawValue.uppercased()) must be type \(wanted.name), not type \(bound.typeName)",
                at: syntax.location)
        }
        let used = value.columnsUsed
        if let variable = references[named...].first(where: { used.contains($0.column) }) {
            throw Failure(
                "42P10", "argument of \(unit.rawValue.uppercased()) must not contain variables", at: variable.location)
        }
        guard used.isEmpty else { throw .unsupported("a frame offset that is not a constant", at: syntax.location) }
        let datum: Datum
        switch ConstantFolding.value(of: value) {
        case .success(let value): datum = value
        case .failure(let error): throw Failure(error.code, error.message, at: syntax.location)
        }
        if datum.isNull {
            throw Failure("22004", "frame \(word) offset must not be null", at: syntax.location)
        }
        if FrameTypes.isNegative(datum) {
            throw unit == .range
                ? Failure("22013", "invalid preceding or following size in window function", at: syntax.location)
                : Failure("22013", "frame \(word) offset must not be negative", at: syntax.location)
        }
        return datum
    }
}

/// What RANGE measures distances with.
enum FrameTypes {
    /// The type of an offset for a sort key's type.
    static func offset(of key: DataType, given: DataType?) -> DataType? {
        switch key {
        case .smallint, .integer, .bigint:
            given == nil || given == .smallint || given == .integer || given == .bigint ? .bigint : nil
        case .numeric: given.map(\.isNumeric) ?? true ? .numeric : nil
        case .real, .double: given.map(\.isNumeric) ?? true ? .double : nil
        case .date, .time, .timestamp, .timestamptz, .interval: given == nil || given == .interval ? .interval : nil
        default: nil
        }
    }

    static func isNegative(_ datum: Datum) -> Bool {
        switch datum {
        case .smallint(let value): value < 0
        case .integer(let value): value < 0
        case .bigint(let value): value < 0
        case .numeric(let value): value.mantissa < 0
        case .double(let value): value < 0 || value.isNaN
        case .interval(let value): value.span < 0
        default: false
        }
    }
}
