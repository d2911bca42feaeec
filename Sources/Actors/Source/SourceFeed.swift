internal import Dataflow
internal import Log

/// A table that is read from a partition: its node in the lane's graph and where its dead letters go.
struct SourceTable {
    let schema: TableSchema
    let node: OperatorID
    /// Records below this offset are not the table's.
    let start: Int64
    let dead: ViewShard?
}

/// What a feed did when it was asked for rows.
enum FeedProgress: Equatable {
    /// Rows up to the feed's new position have been pushed.
    case advanced
    /// What comes next is being read; the worker will be woken.
    case waiting
    /// The bound is reached.
    case done
    /// The bound cannot be reached. `alone`: the lane goes on without this feed's rows, and says so.
    case failed(String, alone: Bool)
}

/// Rows of one (topic, partition) for a lane's worker, from where its records come.
///
/// Lives on the worker's thread. `advance` pushes one batch of at most ``Delta/rowsMax`` records at a time, never past
/// the bound.
protocol SourceFeed: AnyObject {
    var partition: TopicPartition { get }
    /// The offset of the next record.
    var position: Int64 { get }
    /// Payload bytes read so far.
    var bytesRead: Int { get }

    func advance(to bound: SourceBound, push: (Delta, OperatorID) -> Void) -> FeedProgress
    /// A read that the feed asked for has ended.
    func receive(_ result: FetchResult)
    var reports: [SourceReport] { get }
    /// What a read ahead of need met, whether or not a bound has missed it yet.
    var failure: String? { get }
    /// Takes tables over from another feed of the partition, which is at the same position or further.
    func adopt(_ tables: Set<String>, from other: any SourceFeed)
    /// Stops reading for these tables; whether any is left.
    func remove(_ tables: Set<String>) -> Bool
    /// The feed belongs to that lane from now on; a read under way for the old one is dropped.
    func move(to lane: LaneID)
}
