/// When to look for state that may go: a search visits all entries, so it waits until enough has come since the last one that the
/// cost per entry stays constant. Dropping late changes no answer.
struct ExpiryPace {
    /// The least timestamp among the entries, or below it.
    private(set) var oldest = Int64.max
    private var addedSinceSearch = 0

    /// Entries up to which a search is too cheap to be put off.
    private static let entriesMin = 8192

    /// Notes the timestamps of rows that were kept.
    mutating func note(_ column: Column) {
        column.withValues(as: Int64.self) { times in
            var least = oldest
            for row in 0..<times.count { least = min(least, times[row]) }
            oldest = least
        }
        addedSinceSearch += column.count
    }

    /// Whether entries up to `limit` are worth a search, of `entries`.
    func isDue(limit: Int64, entries: Int) -> Bool {
        oldest <= limit && (entries <= Self.entriesMin || addedSinceSearch * 2 >= entries)
    }

    /// A search begins.
    mutating func begin() {
        oldest = .max
        addedSinceSearch = 0
    }

    /// The search met an entry that stays.
    mutating func keep(_ time: Int64) { oldest = min(oldest, time) }
}
