internal import Coordination
internal import Dataflow
internal import Foundation
internal import Log

/// A pushed body as records, and what to answer for each line.
///
/// Every line is appended, bad ones too: they are judged in their partition's order by the source that reads them, and show as rows of
/// `<topic>.dead`. The answer names them at once, as a courtesy.
struct Ingest {
    private(set) var records = RecordSet()
    /// Line numbers (from 1) of the records.
    private var lines: [Int] = []
    private var errors: [(line: Int, code: String, message: String)] = []

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        // XXH3 over the whole body, as of any key.
        let encoder = KeyEncoder(types: [.text], equality: .exact)
        let builder = ColumnBuilder(type: .text, capacity: 1)
        bytes.withUnsafeBufferPointer { builder.append(utf8: $0) }
        return encoder.encode([builder.finish()], count: 1).hash(at: 0)
    }

    static func split(_ body: [UInt8], tables: [TableSchema]) -> Ingest {
        var ingest = Ingest()
        let keyed = tables.first { !$0.primaryKey.isEmpty }
        body.withUnsafeBytes { bytes in
            var start = 0
            var line = 0
            if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
            while start < bytes.count {
                line += 1
                var end = start
                if let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, bytes.count - start) {
                    end = UnsafeRawPointer(found) - base
                } else {
                    end = bytes.count
                }
                var stop = end
                while stop > start, bytes[stop - 1] == 0x0D || bytes[stop - 1] == 0x20 || bytes[stop - 1] == 0x09 {
                    stop -= 1
                }
                if stop > start { ingest.add(UnsafeRawBufferPointer(rebasing: bytes[start..<stop]), line: line, keyed) }
                start = end + 1
            }
        }
        if let table = tables.first, table.format == .json || table.format == .csv { ingest.check(against: table) }
        return ingest
    }

    private mutating func add(_ record: UnsafeRawBufferPointer, line: Int, _ keyed: TableSchema?) {
        if let keyed, let key = Self.deletedKey(record, keyed) {
            key.withUnsafeBytes { records.append(key: $0, value: nil) }
        } else {
            records.append(key: nil, value: record)
        }
        lines.append(line)
    }

    /// The key of a `{"_deleted": true, …}` line of an upsert table, as a JSON object of the key's columns.
    private static func deletedKey(_ record: UnsafeRawBufferPointer, _ schema: TableSchema) -> [UInt8]? {
        let mark = Array("\"_deleted\"".utf8)
        guard let base = record.baseAddress, contains(base, record.count, mark) else { return nil }
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: Data(record))
        } catch {
            return nil
        }
        guard let fields = object as? [String: Any], fields["_deleted"] as? Bool == true else { return nil }
        // The whole line serves as the key's object: of a tombstone only the key's columns are read.
        return Array(record)
    }

    private static func contains(_ base: UnsafeRawPointer, _ count: Int, _ part: [UInt8]) -> Bool {
        var position = 0
        while position + part.count <= count {
            guard let found = memchr(base + position, Int32(part[0]), count - position - part.count + 1) else {
                return false
            }
            position = UnsafeRawPointer(found) - base
            if part.elementsEqual(UnsafeRawBufferPointer(start: found, count: part.count)) { return true }
            position += 1
        }
        return false
    }

    /// Names the lines that the table's decoder will refuse, whatever their event times.
    private mutating func check(against table: TableSchema) {
        guard records.count > 0 else { return }
        var schema = table
        schema.eventTime = nil
        let decoder = SourceDecoder(schema: schema, partition: 0)
        let dead = records.lengths.withUnsafeBytes { lengths in
            records.bytes.withUnsafeBytes { bytes -> Delta? in
                guard let lengthBase = lengths.baseAddress else { return nil }
                return decoder.decode(
                    RawRecords(
                        bytes: bytes.baseAddress ?? lengthBase, lengths: lengthBase, count: records.count,
                        firstOffset: 0, appendTime: 0)
                ).dead
            }
        }
        guard let dead else { return }
        for row in 0..<dead.count {
            guard case .bigint(let index) = dead.columns[1].datum(at: row),
                case .text(let reason) = dead.columns[4].datum(at: row),
                case .text(let message) = dead.columns[5].datum(at: row)
            else {
                continue
            }
            errors.append((lines[Int(index)], reason, message + "; it is in the dead letters"))
        }
    }

    /// `{"token":…,"records":n,"offsets":[{"partition":p,"offset":o,"count":c}…],"errors":[{"line":n,"code":…,"message":…}…]}`.
    func answer(_ receipt: AppendReceipt) -> String {
        var runs: [(partition: Int, offset: Int64, count: Int64)] = []
        for location in receipt.locations {
            if let last = runs.last, last.partition == location.partition, last.offset + last.count == location.offset {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((location.partition, location.offset, 1))
            }
        }
        let offsets = runs.map { "{\"partition\":\($0.partition),\"offset\":\($0.offset),\"count\":\($0.count)}" }
        let problems = errors.sorted { $0.line < $1.line }.map {
            "{\"line\":\($0.line),\"code\":\(HTTPAPI.string($0.code)),\"message\":\(HTTPAPI.string($0.message))}"
        }
        return "{\"token\":\(HTTPAPI.string(receipt.frontier.token)),\"records\":\(receipt.locations.count),"
            + "\"offsets\":[\(offsets.joined(separator: ","))],\"errors\":[\(problems.joined(separator: ","))],\"repeated\":\(receipt.isRepeated)}"
    }
}
