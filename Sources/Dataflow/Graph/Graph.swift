/// The number of an operator in a deployment: never reused, never renumbered.
package struct OperatorID: RawRepresentable, Hashable, Sendable, Codable, Comparable {
    package var rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package init(_ rawValue: Int) { self.rawValue = rawValue }

    package static func < (first: OperatorID, second: OperatorID) -> Bool { first.rawValue < second.rawValue }
}

/// A dataflow graph: the lowered form of a pipeline, made once by the SQL compiler and executed by workers.
///
/// `nodes` is in topological order: an input comes before its consumers. A graph that is added to a
/// deployment may name inputs that were deployed before.
package struct Graph: Hashable, Sendable, Codable {
    package var nodes: [GraphNode]

    package init(nodes: [GraphNode] = []) { self.nodes = nodes }
}

/// One operator of a graph.
package struct GraphNode: Hashable, Sendable, Codable {
    package var id: OperatorID
    package var kind: OperatorKind
    package var inputs: [OperatorID]
    /// The types of the output columns.
    package var types: [DataType]
    /// The relation (view, sink, table) that the node was made for: its row errors go to that one's dead letters.
    package var owner: String

    package init(id: OperatorID, kind: OperatorKind, inputs: [OperatorID], types: [DataType], owner: String) {
        self.id = id
        self.kind = kind
        self.inputs = inputs
        self.types = types
        self.owner = owner
    }
}

/// What a node does. Column numbers are of its input; of a join, of the side named.
package enum OperatorKind: Hashable, Sendable, Codable {
    /// The accepted records of a table: its declared columns, then `_partition` (integer), `_offset` (bigint) and
    /// `_append_time` (timestamp). A tombstone of an upsert table is a row of weight −1 with its key columns set.
    case source(table: String)
    /// The rows of a materialised view or table at the query's epoch (ad-hoc queries only).
    case scan(relation: String)
    /// Constant rows (ad-hoc queries only, and `SELECT` without `FROM`).
    case values([[Datum]])
    /// Rows where the expression is true.
    case filter(Expression)
    /// One output column per expression.
    case project([Expression])
    /// All rows of all inputs, which have equal types.
    case unionAll
    /// The latest row per key: +1 replaces the key's row, −1 removes it. Input order per key is arrival order.
    case upsert(key: [Int])
    case join(Join)
    case aggregate(Aggregate)
    case topN(TopN)
    /// Rows that functions make of each input row.
    case expand(Expand)
    /// The window of activity that each row belongs to.
    case session(Session)
    /// Results over the rows around each row.
    case over(Over)
    /// Rows whose time to be seen has come and is not over, by the clock.
    case temporal(Temporal)
    /// Sends each row to the worker that owns the vnode of its key columns; no columns: one owner for all rows. With `combine` rows of
    /// frequent keys are put together first.
    case exchange(key: [Int], combine: Combine? = nil)
    /// Sends every row to every worker.
    case broadcast
    /// Each row as many times as its bigint column `count` says, which is not NULL or negative; that column goes.
    case repeated(count: Int)
    /// The rows of a materialised view, kept in view shards. Passes its input on to the views built on it.
    case view(View)
    /// Hands rows to an outlet of the sink's connector.
    case sink(Sink)

    /// Grouping. Output: the group columns, then one column per call. Without calls it is `DISTINCT`; without
    /// group columns there is always exactly one output row (unless there are no calls either).
    package struct Aggregate: Hashable, Sendable, Codable {
        package var groupBy: [Int]
        package var calls: [AggregateCall]
        /// Proved by the planner: no weight is ever negative.
        package var inputIsAppendOnly: Bool
        /// Over the input's columns; the column named is one of `groupBy`.
        package var expiry: Expiry?
        /// Over the results: the column is the number of the call, a timestamp.
        package var resultExpiry: Expiry?

        package init(
            groupBy: [Int], calls: [AggregateCall], inputIsAppendOnly: Bool, expiry: Expiry? = nil,
            resultExpiry: Expiry? = nil
        ) {
            self.groupBy = groupBy
            self.calls = calls
            self.inputIsAppendOnly = inputIsAppendOnly
            self.expiry = expiry
            self.resultExpiry = resultExpiry
        }
    }

    /// What an exchange may put together, since only aggregates of a kind read it.
    package struct Combine: Hashable, Sendable, Codable {
        /// Of each column.
        package var roles: [Role]

        package enum Role: String, Hashable, Sendable, Codable {
            /// Only rows that agree in it may become one.
            case kept
            /// It is not read.
            case ignored
            /// Only whether it is NULL is asked.
            case presence
            /// An integer of which sums are asked, and whether it is NULL.
            case sum
            /// An integer or a time of which the least or greatest is asked, of rows of which none is taken back.
            case least, greatest
        }

        package init(roles: [Role]) { self.roles = roles }
    }

    /// The rows of each partition whose number is `limit` at most, in order; ties are broken by all columns, left to right,
    /// ascending. Output: the input's columns, then, if `emitsRowNumber`, the number as bigint from 1.
    package struct TopN: Hashable, Sendable, Codable {
        package var partitionBy: [Int]
        package var orderBy: [SortKey]
        package var limit: Int
        package var ranking: Ranking
        package var emitsRowNumber: Bool
        package var inputIsAppendOnly: Bool
        package var expiry: Expiry?

        /// How rows are numbered: one by one, or those that the order leaves equal alike: by the rows before them plus one, or by the
        /// different ones.
        package enum Ranking: String, Hashable, Sendable, Codable {
            case rowNumber, rank, denseRank
        }

        package init(
            partitionBy: [Int], orderBy: [SortKey], limit: Int, ranking: Ranking = .rowNumber, emitsRowNumber: Bool,
            inputIsAppendOnly: Bool, expiry: Expiry? = nil
        ) {
            self.ranking = ranking
            self.partitionBy = partitionBy
            self.orderBy = orderBy
            self.limit = limit
            self.emitsRowNumber = emitsRowNumber
            self.inputIsAppendOnly = inputIsAppendOnly
            self.expiry = expiry
        }
    }

    package struct View: Hashable, Sendable, Codable {
        package var name: String
        /// Columns that identify a row (a unique key proved by the planner); empty if none is known.
        package var key: [Int]

        package init(name: String, key: [Int]) {
            self.name = name
            self.key = key
        }
    }

    package struct Sink: Hashable, Sendable, Codable {
        package var name: String
        package var connector: String
        package var options: [String: String]

        package init(name: String, connector: String, options: [String: String]) {
            self.name = name
            self.connector = connector
            self.options = options
        }
    }
}

package struct SortKey: Hashable, Sendable, Codable {
    package var column: Int
    package var descending: Bool
    package var nullsFirst: Bool

    package init(column: Int, descending: Bool, nullsFirst: Bool) {
        self.column = column
        self.descending = descending
        self.nullsFirst = nullsFirst
    }
}

/// The planner's proof that state ends: an entry may be dropped once the watermark of every source named is
/// at or past the value in `column` (a timestamp of the operator's input) plus `offset`.
package struct Expiry: Hashable, Sendable, Codable {
    package var column: Int
    /// Microseconds: the allowed lateness, and the window's length where `column` is its start.
    package var offset: Int64
    /// Tables whose watermark counts: the minimum over them.
    package var sources: [String]

    package init(column: Int, offset: Int64, sources: [String]) {
        self.column = column
        self.offset = offset
        self.sources = sources
    }
}

/// One of 256 slices of the key space: the unit of placement.
package enum VNode {
    package static let count = 256

    /// The slice of a key whose encoding hashes to `hash` (XXH3, 64 bits, seed 0). Part of the format.
    package static func of(hash: UInt64) -> Int { Int(hash >> 56) }
}
