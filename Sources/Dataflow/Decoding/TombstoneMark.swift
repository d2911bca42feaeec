internal import CSimdJSON

/// How a line of JSON says that it deletes a row of an upsert table: `{"_deleted": true, …}` with the key's columns.
package enum TombstoneMark {
    /// Whether a record is a JSON object with the mark among its own fields; false if it is no valid JSON object.
    package static func isSet(in record: UnsafeRawBufferPointer) -> Bool {
        guard let base = record.baseAddress else { return false }
        return dp_has_tombstone_mark(base.assumingMemoryBound(to: CChar.self), record.count) != 0
    }
}
