extension OperatorKind {
    /// Rows made of each input row by functions that return sets. Linear: weights pass on.
    ///
    /// Output: the input's columns, then those of each function, then, if `hasOrdinality`, the row's number as bigint from 1 for each
    /// input row. Several functions go in step: their i-th rows make one, NULL where one has fewer.
    package struct Expand: Hashable, Sendable, Codable {
        package var functions: [Call]
        /// An input row that gives none appears once, with NULLs.
        package var keepsEmpty: Bool
        package var hasOrdinality: Bool
        /// Rows that give the same windows may be put together before.
        package var panes: Panes?

        /// Proved by the planner: of the time column only the multiple of `step` at or below it is asked, and the rest is read as
        /// `combine` says.
        package struct Panes: Hashable, Sendable, Codable {
            /// A timestamp column of the input.
            package var time: Int
            /// Microseconds.
            package var step: Int64
            package var combine: Combine

            package init(time: Int, step: Int64, combine: Combine) {
                self.time = time
                self.step = step
                self.combine = combine
            }
        }

        /// A ``TableFunction`` by its key, with its arguments over the input.
        package struct Call: Hashable, Sendable, Codable {
            package var key: String
            package var arguments: [Expression]
            /// The types of its columns.
            package var types: [DataType]

            package init(key: String, arguments: [Expression], types: [DataType]) {
                self.key = key
                self.arguments = arguments
                self.types = types
            }
        }

        package init(functions: [Call], keepsEmpty: Bool = false, hasOrdinality: Bool = false) {
            self.functions = functions
            self.keepsEmpty = keepsEmpty
            self.hasOrdinality = hasOrdinality
        }
    }

    /// Session windows: the rows of a partition whose times follow each other by no more than the gap are one session.
    ///
    /// Output: the input's columns, the time of the session's first row and, if `emitsEnd`, that of its last row plus the gap. A row
    /// without a time is in no session: both are NULL.
    package struct Session: Hashable, Sendable, Codable {
        package var partitionBy: [Int]
        /// A timestamp column.
        package var time: Int
        /// Microseconds, more than zero.
        package var gap: Int64
        package var emitsEnd: Bool
        /// On the time column; its offset is at least the gap plus the lateness.
        package var expiry: Expiry?

        package init(partitionBy: [Int], time: Int, gap: Int64, emitsEnd: Bool, expiry: Expiry? = nil) {
            self.partitionBy = partitionBy
            self.time = time
            self.gap = gap
            self.emitsEnd = emitsEnd
            self.expiry = expiry
        }
    }

    /// Window functions: per row of a partition, in order, results over its neighbours.
    ///
    /// The order is that of the sort keys; rows that are equal by them are peers, and stand in the order of all columns, left to
    /// right. Output: the input's columns, then one per call.
    package struct Over: Hashable, Sendable, Codable {
        package var partitionBy: [Int]
        package var orderBy: [SortKey]
        package var calls: [OverCall]
        package var expiry: Expiry?

        package init(partitionBy: [Int], orderBy: [SortKey], calls: [OverCall], expiry: Expiry? = nil) {
            self.partitionBy = partitionBy
            self.orderBy = orderBy
            self.calls = calls
            self.expiry = expiry
        }
    }

    /// A filter by the clock: a row is seen from its last `from` on until its first `until`, both as times of the clock.
    ///
    /// Input 0 has the rows; they pass with all their columns. A NULL bound means never.
    package struct Temporal: Hashable, Sendable, Codable {
        package var bounds: [Bound]

        /// One bound: the value in `column` (a timestamp) plus `offset` microseconds.
        package struct Bound: Hashable, Sendable, Codable {
            package enum Kind: String, Hashable, Sendable, Codable {
                /// Seen once the clock is at or after the time.
                case from
                /// Seen once the clock is after the time.
                case after
                /// Seen while the clock is before the time.
                case before
                /// Seen while the clock is at or before the time.
                case until
            }

            package var kind: Kind
            package var column: Int
            package var offset: Int64

            package init(kind: Kind, column: Int, offset: Int64) {
                self.kind = kind
                self.column = column
                self.offset = offset
            }
        }

        package init(bounds: [Bound]) { self.bounds = bounds }
    }
}

/// One window function of an ``OperatorKind/Over``.
package struct OverCall: Hashable, Sendable, Codable {
    package enum Function: Hashable, Sendable, Codable {
        case rowNumber, rank, denseRank, percentRank, cumeDist
        /// The number of buckets is in the first argument.
        case ntile
        /// The arguments are the value, the distance (integer) and what stands in for rows outside of the partition.
        case lag, lead
        case firstValue, lastValue
        /// The second argument is the position (integer).
        case nthValue
        /// An aggregate over the frame; its arguments and filter are columns of the input.
        case aggregate(AggregateCall)
    }

    package var function: Function
    /// Input columns.
    package var arguments: [Int]
    package var frame: WindowFrame
    package var type: DataType

    package init(function: Function, arguments: [Int], frame: WindowFrame, type: DataType) {
        self.function = function
        self.arguments = arguments
        self.frame = frame
        self.type = type
    }

    /// The columns that the call reads.
    package var columnsRead: Set<Int> {
        var columns = Set(arguments)
        if case .aggregate(let call) = function { columns.formUnion(call.columnsRead) }
        return columns
    }

    /// The same call over columns numbered anew.
    package func mappingColumns(_ number: (Int) -> Int) -> OverCall {
        var call = self
        call.arguments = arguments.map(number)
        if case .aggregate(let aggregate) = function { call.function = .aggregate(aggregate.mappingColumns(number)) }
        return call
    }
}

/// The rows around a row that a window function sees.
package struct WindowFrame: Hashable, Sendable, Codable {
    package enum Unit: String, Hashable, Sendable, Codable { case rows, range, groups }

    package enum Bound: Hashable, Sendable, Codable {
        case unboundedPreceding
        case preceding(Datum)
        case currentRow
        case following(Datum)
        case unboundedFollowing
    }

    package enum Exclusion: String, Hashable, Sendable, Codable { case none, currentRow, group, ties }

    package var unit: Unit
    package var start: Bound
    package var end: Bound
    package var exclusion: Exclusion

    package init(unit: Unit, start: Bound, end: Bound, exclusion: Exclusion = .none) {
        self.unit = unit
        self.start = start
        self.end = end
        self.exclusion = exclusion
    }

    /// What SQL has where none is written: up to the row's last peer.
    package static let standard = WindowFrame(unit: .range, start: .unboundedPreceding, end: .currentRow)
}
