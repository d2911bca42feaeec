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
    /// Records of a topic that an upsert table reads go to the partition that their key's hash names (those without a key to the
    /// first); those of other topics all go to one partition, another for each request.
    /// - Throws: ``CoordinationError``: `topicUnknown`, `notWritable`, `tooLarge`, `idempotencyConflict`, `logBusy`,
    ///   `diskFull`, `indefinite`, `log`; `notReady` while the node replays.
    package func append(
        topic name: String, records: RecordSet, idempotency: AppendKey? = nil
    ) async throws(CoordinationError) -> AppendReceipt {
        let start = MonotonicClock.nanoseconds
        try checkReady()
        let topic = try writableTopic(name)
        guard let ingestWriter else { preconditionFailure("the node is ready before the writer is open") }
        guard records.bytes.count <= configuration.appendBytesMax else {
            throw CoordinationError(
                .tooLarge, "the records have \(records.bytes.count) bytes, more than \(configuration.appendBytesMax)")
        }
        if let idempotency, let answer = try await storedAnswer(name, idempotency) { return answer }
        guard records.count > 0 else { return AppendReceipt(topic: name, locations: []) }
        let placed = try place(records, in: topic)
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
            result = try await ingestWriter.append(appends, idempotency: stored)
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
        noteAppend(receipt.frontier, start: start)
        return receipt
    }

    /// For the latency histogram: measured when the epoch that covers it is committed.
    private func noteAppend(_ frontier: Frontier, start: Int64) {
        if committedFrontier.covers(frontier) {
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

    private func storedAnswer(_ topic: String, _ key: AppendKey) async throws(CoordinationError) -> AppendReceipt? {
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

    // MARK: Placement

    private struct Placed {
        var partitions: [Int] = []
        var sets: [RecordSet] = []
        /// Per record the index of its partition above.
        var slots: [UInt16] = []
    }

    private func place(_ records: RecordSet, in topic: ControlState.Topic) throws(CoordinationError) -> Placed {
        if topic.tables.contains(where: { !$0.schema.primaryKey.isEmpty }) && topic.partitionCount > 1 {
            return Self.placeByKey(records, partitionCount: topic.partitionCount)
        }
        let partition = nextPartition[topic.plan.name] ?? 0
        nextPartition[topic.plan.name] = (partition + 1) % topic.partitionCount
        return Placed(
            partitions: [partition], sets: [records], slots: Array(repeating: 0, count: records.count))
    }

    private static func placeByKey(_ records: RecordSet, partitionCount: Int) -> Placed {
        var placed = Placed()
        var slotOf: [Int: UInt16] = [:]
        records.bytes.withUnsafeBytes { bytes in
            var position = 0
            for lengths in records.lengths {
                var key: UnsafeRawBufferPointer?
                var value: UnsafeRawBufferPointer?
                if lengths.key >= 0 {
                    key = UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(lengths.key)])
                    position += Int(lengths.key)
                }
                if lengths.value >= 0 {
                    value = UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(lengths.value)])
                    position += Int(lengths.value)
                }
                let partition = key.map { KeyHash.partition(of: $0, partitionCount: partitionCount) } ?? 0
                let slot =
                    slotOf[partition]
                    ?? {
                        let slot = UInt16(placed.partitions.count)
                        slotOf[partition] = slot
                        placed.partitions.append(partition)
                        placed.sets.append(RecordSet())
                        return slot
                    }()
                placed.sets[Int(slot)].append(key: key, value: value)
                placed.slots.append(slot)
            }
        }
        return placed
    }
}

/// The partition of a key. Part of the format: a key's records must stay in one partition for ever.
enum KeyHash {
    /// 64-bit FNV-1a (Fowler, Noll, Vo), its high bits folded in, modulo the number of partitions.
    static func partition(of key: UnsafeRawBufferPointer, partitionCount: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 32
        return Int(hash % UInt64(partitionCount))
    }
}
