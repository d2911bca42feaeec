internal import Dataflow

/// A node of the graph and what the planner has proved about its rows.
struct Lowered {
    /// On which workers the rows are.
    enum Placement: Equatable {
        case anywhere
        /// By the vnode of columns; each list is one description of the same placement, in the order hashed.
        case keyed([[Int]])
        case oneWorker
    }

    var id: OperatorID
    var types: [DataType]
    var names: [String]
    var isNullable: [Bool]
    var placement = Placement.anywhere
    /// No weight is ever negative.
    var isAppendOnly: Bool
    /// Columns whose values bound what can still come; see ``EventTimeColumn``.
    var eventTimes: [EventTimeColumn]
    /// Of these, the bounds of windows: they have few values.
    var windowBounds: Set<Int> = []
    /// Sets of columns that identify a row.
    var keys: [[Int]]
    /// The rows are those of sessions, all of each.
    var sessions: Sessions?

    /// Where the rows' sessions are: no delta of a session comes once the last of its times is past the expiry.
    struct Sessions: Equatable {
        var partitionBy: [Int]
        /// The column of the sessions' starts.
        var start: Int
        var time: Int
        var expiry: Expiry

        /// After a change of columns; nil if one is lost.
        func moved(_ place: (Int) -> Int?) -> Sessions? {
            let partition = partitionBy.compactMap(place)
            guard partition.count == partitionBy.count, let start = place(start), let time = place(time) else {
                return nil
            }
            return Sessions(partitionBy: partition, start: start, time: time, expiry: expiry)
        }
    }

    func eventTime(_ column: Int) -> EventTimeColumn? { eventTimes.first { $0.column == column } }

    /// The state of groups by these columns ends when the first of them with a proof has passed.
    func expiry(of columns: [Int]) -> Expiry? {
        for column in columns {
            if let proof = eventTime(column) {
                return Expiry(column: column, offset: proof.offset, sources: proof.sources)
            }
        }
        return nil
    }

    /// Rows that agree in all of `columns` are on one worker.
    func isPlaced(by columns: [Int]) -> Bool {
        switch placement {
        case .anywhere: false
        case .oneWorker: true
        case .keyed(let lists): lists.contains { Set($0).isSubset(of: columns) }
        }
    }

    /// The smallest key, the first of several.
    var bestKey: [Int]? {
        keys.enumerated().min { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }?.element
    }

    /// The facts after a change of columns: `place` says where a column went; what is not carried is lost.
    func moved(_ place: (Int) -> Int?) -> (
        placement: Placement, keys: [[Int]], eventTimes: [EventTimeColumn], windowBounds: Set<Int>
    ) {
        func list(_ columns: [Int]) -> [Int]? {
            let moved = columns.compactMap(place)
            return moved.count == columns.count ? moved : nil
        }
        var placement = placement
        if case .keyed(let lists) = placement {
            let kept = lists.compactMap(list)
            placement = kept.isEmpty ? .anywhere : .keyed(kept)
        }
        let times = eventTimes.compactMap { time in
            place(time.column).map { EventTimeColumn(column: $0, offset: time.offset, sources: time.sources) }
        }
        return (placement, keys.compactMap(list), times, Set(windowBounds.compactMap(place)))
    }
}
