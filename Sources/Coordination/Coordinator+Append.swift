internal import Actors
internal import Dataflow
package import Log

extension Coordinator {
    /// A client's name for one append, so that a retry finds the first answer.
    package struct AppendKey: Sendable, Equatable {
        /// At most 128 bytes.
        package var key: String
        /// Of the request's body: the same key with another hash is `idempotencyConflict`.
        package var bodyHash: UInt64

        package init(key: String, bodyHash: UInt64) {
            self.key = key
            self.bodyHash = bodyHash
        }
    }

    /// Appends records to a table's topic, all or none; returns when they are durable.
    ///
    /// Records of a topic that an upsert table reads go to the partition that their key names (``KeyPlacement``);
    /// those of other topics all go to one partition, another for each request.
    /// - Throws: ``CoordinationError``: `topicUnknown`, `notWritable`, `tooLarge`, `idempotencyConflict`, `logBusy`,
    ///   `diskFull`, `indefinite`, `log`; `notReady` while the node replays.
    package nonisolated func append(
        topic name: String, records: RecordSet, idempotency: AppendKey? = nil
    ) async throws(CoordinationError) -> AppendReceipt {
        let start = MonotonicClock.nanoseconds
        guard records.bytes.count <= configuration.appendBytesMax else {
            throw CoordinationError(
                .tooLarge, "the records have \(records.bytes.count) bytes, more than \(configuration.appendBytesMax)")
        }
        let target = try await target(name)
        if let idempotency, let answer = try await storedAnswer(name, idempotency) { return answer }
        guard records.count > 0 else { return AppendReceipt(topic: name, locations: []) }
        // Here, on the caller's executor, so that large requests do not hold the coordinator up.
        let placed = target.place(records)
        let counts = placed.sets.map(\.count)
        let appends = zip(placed.partitions, placed.sets).map { partition, set in
            PartitionAppend(partition: TopicPartition(name, partition), records: set)
        }
        let stored = idempotency.map { idempotency in
            Idempotency(topic: name, key: idempotency.key, bodyHash: idempotency.bodyHash) { result in
                AppendAnswer.encode(
                    partitions: placed.partitions, firstOffsets: result.firstOffsets, counts: counts,
                    slots: placed.slots)
            }
        }
        let result: AppendResult
        do throws(LogError) {
            result = try await target.writer.append(appends, idempotency: stored)
        } catch {
            // Of two appends at once with one key, the second finds the first one's answer.
            if error.code == .idempotencyConflict, let idempotency,
                let answer = try await storedAnswer(name, idempotency)
            {
                return answer
            }
            throw CoordinationError(error)
        }
        var next = result.firstOffsets
        let locations = placed.slots.map { slot in
            defer { next[Int(slot)] += 1 }
            return AppendReceipt.Location(partition: placed.partitions[Int(slot)], offset: next[Int(slot)])
        }
        let receipt = AppendReceipt(topic: name, locations: locations)
        await noteAppend(receipt.frontier, start: start)
        return receipt
    }

    /// Where an append goes, as decided at once on the actor.
    private struct AppendTarget: Sendable {
        var writer: any LogWriter
        var partitionCount: Int
        /// The table whose key decides; nil if the partition is given.
        var keyed: TableSchema?
        var partition: Int

        func place(_ records: RecordSet) -> PlacedRecords {
            if let keyed { return KeyPlacement(keyed, partitionCount: partitionCount).place(records) }
            return PlacedRecords(records, partition: partition)
        }
    }

    private func target(_ name: String) throws(CoordinationError) -> AppendTarget {
        try checkServing()
        let topic = try writableTopic(name)
        guard let ingestWriter else { preconditionFailure("the node is ready before the writer is open") }
        var target = AppendTarget(writer: ingestWriter, partitionCount: topic.partitionCount, partition: 0)
        if let table = topic.tables.first(where: { !$0.schema.primaryKey.isEmpty }), topic.partitionCount > 1 {
            target.keyed = table.schema
        } else {
            target.partition = nextPartition[name] ?? 0
            nextPartition[name] = (target.partition + 1) % topic.partitionCount
        }
        return target
    }

    /// For the latency histogram: measured when the epoch that covers it is committed.
    private func noteAppend(_ frontier: Frontier, start: Int64) {
        if serving?.frontier.covers(frontier) == true {
            latency.record((MonotonicClock.nanoseconds - start) / 1_000)
        } else if openAppends.count < Self.openAppendsMax {
            openAppends.append(OpenAppend(frontier: frontier, start: start))
        }
        bell.ring()
    }

    /// Appends beyond these are not measured: no epoch has been committed for long.
    private static let openAppendsMax = 100_000

    private func writableTopic(_ name: String) throws(CoordinationError) -> ControlState.Topic {
        guard let topic = state.topics[name] else {
            throw CoordinationError(.topicUnknown, "no table reads a topic \"\(name)\"")
        }
        guard topic.plan.origin.isStored else {
            throw CoordinationError(
                .notWritable, "topic \"\(name)\" is virtual: its records are computed or read from files")
        }
        if let table = topic.tables.first(where: { ControlState.hasTask($0.schema) }) {
            throw CoordinationError(
                .notWritable,
                "topic \"\(name)\" is written by the \(table.schema.connector) connector of \"\(table.schema.name)\"")
        }
        return topic
    }

    private nonisolated func storedAnswer(_ topic: String, _ key: AppendKey) async throws(CoordinationError)
        -> AppendReceipt?
    {
        let answer: IdempotentAnswer?
        do throws(LogError) {
            answer = try await log.storedAnswer(topic: topic, key: key.key)
        } catch {
            throw CoordinationError(error)
        }
        guard let answer else { return nil }
        guard answer.bodyHash == key.bodyHash else {
            throw CoordinationError(.idempotencyConflict, "idempotency key \"\(key.key)\" was used with another body")
        }
        guard let locations = AppendAnswer.decode(answer.answer) else {
            throw CoordinationError(.log, "the stored answer of idempotency key \"\(key.key)\" cannot be read")
        }
        return AppendReceipt(topic: topic, locations: locations, isRepeated: true)
    }
}
