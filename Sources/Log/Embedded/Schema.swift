/// The tables of the embedded log and the statements over them. All functions run within the caller's transaction.
enum Schema {
    static let statements = [
        """
        CREATE TABLE topics (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
            retention_age INTEGER, retention_bytes INTEGER)
        """,
        """
        CREATE TABLE partitions (
            topic INTEGER NOT NULL, partition INTEGER NOT NULL, earliest INTEGER NOT NULL, next INTEGER NOT NULL,
            append_time INTEGER NOT NULL, PRIMARY KEY (topic, partition)) WITHOUT ROWID
        """,
        """
        CREATE TABLE batches (
            id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, partition INTEGER NOT NULL, first INTEGER NOT NULL,
            count INTEGER NOT NULL, append_time INTEGER NOT NULL, size INTEGER NOT NULL, content BLOB NOT NULL)
        """,
        // Covers what finding a batch needs, so that only the blobs wanted are touched.
        "CREATE UNIQUE INDEX batches_by_offset ON batches (topic, partition, first, count, append_time, size)",
        "CREATE TABLE writers (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE answers (
            id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, key TEXT NOT NULL, body_hash INTEGER NOT NULL,
            answer BLOB NOT NULL, time INTEGER NOT NULL, UNIQUE (topic, key))
        """,
    ]

    struct Topic {
        var id: Int64
        var configuration: TopicConfiguration
    }

    static func topic(_ name: String, _ connection: SQLiteConnection) throws(LogError) -> Topic? {
        var topic: Topic?
        try connection.run(
            "SELECT id, partitions, retention_age, retention_bytes FROM topics WHERE name = ?", [.text(name)]
        ) {
            row throws(LogError) in
            topic = Topic(
                id: row.integer(0),
                configuration: TopicConfiguration(
                    partitions: Int(row.integer(1)), retentionAge: row.isNull(2) ? nil : row.integer(2),
                    retentionBytes: row.isNull(3) ? nil : row.integer(3)))
        }
        return topic
    }

    static func known(_ name: String, _ connection: SQLiteConnection) throws(LogError) -> Topic {
        guard let topic = try topic(name, connection) else {
            throw LogError(.topicUnknown, "there is no topic \(name)")
        }
        return topic
    }

    static func known(_ partition: TopicPartition, _ connection: SQLiteConnection) throws(LogError) -> Topic {
        let topic = try known(partition.topic, connection)
        guard partition.partition >= 0, partition.partition < topic.configuration.partitions else {
            throw LogError(
                .partitionUnknown,
                "topic \(partition.topic) has partitions 0 to \(topic.configuration.partitions - 1), not \(partition.partition)"
            )
        }
        return topic
    }

    static func insert(_ name: String, _ configuration: TopicConfiguration, _ connection: SQLiteConnection)
        throws(LogError)
    {
        try connection.run(
            "INSERT INTO topics (name, partitions, retention_age, retention_bytes) VALUES (?, ?, ?, ?)",
            [
                .text(name), .integer(Int64(configuration.partitions)),
                configuration.retentionAge.map { .integer($0) } ?? .null,
                configuration.retentionBytes.map { .integer($0) } ?? .null,
            ])
        let topic = try known(name, connection)
        for partition in 0..<configuration.partitions {
            try connection.run(
                "INSERT INTO partitions VALUES (?, ?, 0, 0, 0)", [.integer(topic.id), .integer(Int64(partition))])
        }
    }

    static func topics(_ connection: SQLiteConnection) throws(LogError) -> [TopicDescription] {
        var topics: [TopicDescription] = []
        try connection.run("SELECT name, partitions, retention_age, retention_bytes FROM topics ORDER BY name") {
            row throws(LogError) in
            topics.append(
                TopicDescription(
                    name: row.text(0),
                    configuration: TopicConfiguration(
                        partitions: Int(row.integer(1)), retentionAge: row.isNull(2) ? nil : row.integer(2),
                        retentionBytes: row.isNull(3) ? nil : row.integer(3))))
        }
        return topics
    }

    static func bounds(_ partition: TopicPartition, _ connection: SQLiteConnection) throws(LogError) -> PartitionBounds
    {
        let topic = try known(partition, connection)
        var bounds = PartitionBounds(earliest: 0, end: 0)
        try connection.run(
            "SELECT earliest, next FROM partitions WHERE topic = ? AND partition = ?",
            [.integer(topic.id), .integer(Int64(partition.partition))]
        ) { row throws(LogError) in bounds = PartitionBounds(earliest: row.integer(0), end: row.integer(1)) }
        return bounds
    }

    static func read(
        _ partition: TopicPartition, from offset: Int64, bytesMax: Int, _ connection: SQLiteConnection
    ) throws(LogError) -> [RecordBatch] {
        let topic = try known(partition, connection)
        let bounds = try bounds(partition, connection)
        guard offset >= bounds.earliest, offset <= bounds.end else {
            throw LogError(
                .offsetOutOfRange, "\(partition) holds offsets \(bounds.earliest) to \(bounds.end), not \(offset)")
        }
        guard offset < bounds.end else { return [] }
        let key: [SQLiteValue] = [.integer(topic.id), .integer(Int64(partition.partition))]
        // The batch that holds the offset is the last one that does not begin after it.
        var start: Int64?
        try connection.run(
            "SELECT first FROM batches WHERE topic = ? AND partition = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            key + [.integer(offset)]
        ) { row throws(LogError) in start = row.integer(0) }
        guard let start else { throw lost(partition, offset, before: bounds.end) }
        var batches: [RecordBatch] = []
        var expected = start
        var bytes = 0
        try connection.runWhile(
            """
            SELECT first, count, append_time, content FROM batches
            WHERE topic = ? AND partition = ? AND first >= ? ORDER BY first
            """, key + [.integer(start)]
        ) { row throws(LogError) in
            let place = BatchCodec.Place(
                topic: topic.id, partition: Int64(partition.partition), firstOffset: row.integer(0),
                count: row.integer(1), appendTime: row.integer(2))
            guard place.firstOffset == expected else { throw lost(partition, expected, before: place.firstOffset) }
            bytes += row.withBlob(3) { BatchCodec.contentBytes($0) }
            if !batches.isEmpty, bytes > bytesMax { return false }
            guard let records = row.withBlob(3, { BatchCodec.decode($0, place) }) else {
                throw LogError(
                    .corrupt,
                    "\(partition): the batch of offsets \(expected) to \(expected + place.count - 1) is not what was written"
                )
            }
            expected += place.count
            batches.append(RecordBatch(firstOffset: place.firstOffset, appendTime: place.appendTime, records: records))
            return true
        }
        guard expected > offset else { throw lost(partition, expected, before: bounds.end) }
        return batches
    }

    private static func lost(_ partition: TopicPartition, _ offset: Int64, before end: Int64) -> LogError {
        LogError(.corrupt, "\(partition): offsets \(offset) to \(end - 1) are missing")
    }

    static func offset(_ partition: TopicPartition, atOrAfter time: Int64, _ connection: SQLiteConnection)
        throws(LogError) -> Int64
    {
        let topic = try known(partition, connection)
        let bounds = try bounds(partition, connection)
        let key: [SQLiteValue] = [.integer(topic.id), .integer(Int64(partition.partition))]
        // Append times never decrease, so the offset is found by bisection over batches.
        var (low, high) = (bounds.earliest, bounds.end)
        while low < high {
            let middle = low + (high - low) / 2
            var batch: (first: Int64, count: Int64, time: Int64)?
            try connection.run(
                """
                SELECT first, count, append_time FROM batches
                WHERE topic = ? AND partition = ? AND first <= ? ORDER BY first DESC LIMIT 1
                """, key + [.integer(middle)]
            ) { row throws(LogError) in batch = (row.integer(0), row.integer(1), row.integer(2)) }
            guard let batch else { throw LogError(.corrupt, "\(partition): no batch holds offset \(middle)") }
            if batch.time < time { low = batch.first + batch.count } else { high = batch.first }
        }
        return low
    }

    /// Deletes the first of the batches that end at or below `offset`, at most ``deletesMax``; returns whether more may be there.
    static func trimSome(_ topic: Int64, _ partition: Int, below offset: Int64, _ connection: SQLiteConnection)
        throws(LogError) -> Bool
    {
        let key: [SQLiteValue] = [.integer(topic), .integer(Int64(partition))]
        let before = connection.changes
        try connection.run(
            """
            DELETE FROM batches WHERE id IN (
                SELECT id FROM batches WHERE topic = ? AND partition = ? AND first < ? AND first + count <= ?
                ORDER BY first LIMIT \(deletesMax))
            """, key + [.integer(offset), .integer(offset)])
        let deleted = connection.changes - before
        guard deleted > 0 else { return false }
        try connection.run(
            """
            UPDATE partitions SET earliest = coalesce(
                (SELECT min(first) FROM batches b WHERE b.topic = partitions.topic AND b.partition = partitions.partition), next)
            WHERE topic = ? AND partition = ?
            """, key)
        return deleted == deletesMax
    }

    /// Batches deleted in one transaction, so that it stays short.
    static let deletesMax = 64

    /// Deletes batches of a topic that is no more; returns whether more may be there.
    static func deleteSome(_ topic: Int64, _ connection: SQLiteConnection) throws(LogError) -> Bool {
        let before = connection.changes
        try connection.run(
            "DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE topic = ? LIMIT \(deletesMax))",
            [.integer(topic)])
        try connection.run(
            "DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE topic = ? LIMIT \(deletesMax))",
            [.integer(topic)])
        return connection.changes > before
    }

    /// Ids of deleted topics whose batches were not all deleted before the process ended.
    static func orphans(_ connection: SQLiteConnection) throws(LogError) -> [Int64] {
        var orphans: [Int64] = []
        // One step of the index per topic.
        try connection.run(
            """
            WITH RECURSIVE found (topic) AS (
                SELECT min(topic) FROM batches
                UNION ALL SELECT (SELECT min(topic) FROM batches WHERE topic > found.topic) FROM found WHERE found.topic IS NOT NULL)
            SELECT topic FROM found WHERE topic IS NOT NULL AND topic NOT IN (SELECT id FROM topics)
            """
        ) { row throws(LogError) in orphans.append(row.integer(0)) }
        return orphans
    }

    /// The offset below which the topic's retention lets batches go; 0 for none.
    static func retentionCut(_ topic: Topic, _ partition: Int, now: Int64, _ connection: SQLiteConnection)
        throws(LogError) -> Int64
    {
        let key: [SQLiteValue] = [.integer(topic.id), .integer(Int64(partition))]
        var below: Int64 = 0
        if let age = topic.configuration.retentionAge {
            try connection.run(
                "SELECT coalesce(max(first + count), 0) FROM batches WHERE topic = ? AND partition = ? AND append_time < ?",
                key + [.integer(now - age)]
            ) { row throws(LogError) in below = row.integer(0) }
        }
        if let bytesMax = topic.configuration.retentionBytes {
            var kept: Int64 = 0
            try connection.run(
                "SELECT first, count, size FROM batches WHERE topic = ? AND partition = ? ORDER BY first DESC", key
            ) { row throws(LogError) in
                kept += row.integer(2)
                if kept > bytesMax { below = max(below, row.integer(0) + row.integer(1)) }
            }
        }
        return below
    }

    static func answer(_ topic: Int64, _ key: String, newerThan oldest: Int64, _ connection: SQLiteConnection)
        throws(LogError) -> IdempotentAnswer?
    {
        var answer: IdempotentAnswer?
        try connection.run(
            "SELECT body_hash, answer FROM answers WHERE topic = ? AND key = ? AND time >= ?",
            [.integer(topic), .text(key), .integer(oldest)]
        ) { row throws(LogError) in
            answer = IdempotentAnswer(
                bodyHash: UInt64(bitPattern: row.integer(0)), answer: row.withBlob(1) { Array($0) })
        }
        return answer
    }
}

/// One append within a commit.
struct AppendTransaction {
    let connection: SQLiteConnection
    let now: Int64

    func run(
        _ blobs: [(append: PartitionAppend, blob: [UInt8])], _ idempotency: Idempotency?, _ writer: String,
        _ epoch: Int64
    ) throws(LogError) -> AppendResult {
        var newest: Int64 = -1
        try connection.run("SELECT epoch FROM writers WHERE id = ?", [.text(writer)]) { row throws(LogError) in
            newest = row.integer(0)
        }
        guard newest == epoch else {
            throw LogError(.fenced, "writer \(writer) of epoch \(epoch) was replaced by one of epoch \(newest)")
        }
        let topics = try findTopics(blobs, idempotency)
        if let idempotency, let topic = topics[idempotency.topic] {
            if try Schema.answer(topic.id, idempotency.key, newerThan: now - EmbeddedLog.answerMicroseconds, connection)
                != nil
            {
                throw LogError(
                    .idempotencyConflict,
                    "the idempotency key \"\(idempotency.key)\" was used for an append to \(idempotency.topic) before")
            }
        }
        var appendTime = now
        for (append, _) in blobs {
            guard let topic = topics[append.partition.topic] else { continue }
            try connection.run(
                "SELECT append_time FROM partitions WHERE topic = ? AND partition = ?",
                [.integer(topic.id), .integer(Int64(append.partition.partition))]
            ) { row throws(LogError) in appendTime = max(appendTime, row.integer(0)) }
        }
        var firstOffsets: [Int64] = []
        for (append, blob) in blobs {
            guard let topic = topics[append.partition.topic] else { continue }
            firstOffsets.append(try insert(append, blob, topic, appendTime))
        }
        let result = AppendResult(firstOffsets: firstOffsets, appendTime: appendTime)
        if let idempotency, let topic = topics[idempotency.topic] { try store(idempotency, topic.id, result) }
        return result
    }

    private func findTopics(
        _ blobs: [(append: PartitionAppend, blob: [UInt8])], _ idempotency: Idempotency?
    ) throws(LogError) -> [String: Schema.Topic] {
        var topics: [String: Schema.Topic] = [:]
        for (append, _) in blobs { topics[append.partition.topic] = try Schema.known(append.partition, connection) }
        if let idempotency, topics[idempotency.topic] == nil {
            topics[idempotency.topic] = try Schema.known(idempotency.topic, connection)
        }
        return topics
    }

    /// Returns the first offset. An append of no records takes no offset and no row.
    private func insert(_ append: PartitionAppend, _ blob: [UInt8], _ topic: Schema.Topic, _ time: Int64)
        throws(LogError) -> Int64
    {
        let key: [SQLiteValue] = [.integer(topic.id), .integer(Int64(append.partition.partition))]
        var first: Int64 = 0
        try connection.run("SELECT next FROM partitions WHERE topic = ? AND partition = ?", key) {
            row throws(LogError) in first = row.integer(0)
        }
        let count = Int64(append.records.count)
        guard count > 0 else { return first }
        var sealed = blob
        BatchCodec.seal(
            &sealed,
            BatchCodec.Place(
                topic: topic.id, partition: Int64(append.partition.partition), firstOffset: first, count: count,
                appendTime: time))
        let size = Int64(sealed.count)
        try connection.run(
            "INSERT INTO batches (topic, partition, first, count, append_time, size, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
            key + [.integer(first), .integer(count), .integer(time), .integer(size), .blob(sealed)])
        try connection.run(
            "UPDATE partitions SET next = ?, append_time = ? WHERE topic = ? AND partition = ?",
            [.integer(first + count), .integer(time)] + key)
        return first
    }

    private func store(_ idempotency: Idempotency, _ topic: Int64, _ result: AppendResult) throws(LogError) {
        try connection.run(
            "INSERT OR REPLACE INTO answers (topic, key, body_hash, answer, time) VALUES (?, ?, ?, ?, ?)",
            [
                .integer(topic), .text(idempotency.key), .integer(Int64(bitPattern: idempotency.bodyHash)),
                .blob(idempotency.answer(result)), .integer(now),
            ])
        // Ids ascend, so the oldest answers are the first: of these few those past the bound or the day go.
        try connection.run(
            """
            DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY id LIMIT 16)
                AND (time < ? OR id <= (SELECT max(id) FROM answers) - ?)
            """, [.integer(now - EmbeddedLog.answerMicroseconds), .integer(EmbeddedLog.answersMax)])
    }
}
