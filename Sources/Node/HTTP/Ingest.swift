internal import Coordination
internal import Dataflow
internal import Glibc
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
        let isKeyed = tables.contains { !$0.primaryKey.isEmpty }
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
                if stop > start {
                    ingest.add(UnsafeRawBufferPointer(rebasing: bytes[start..<stop]), line: line, isKeyed: isKeyed)
                }
                start = end + 1
            }
        }
        if let table = tables.first, table.format == .json || table.format == .csv { ingest.check(against: table) }
        return ingest
    }

    private mutating func add(_ record: UnsafeRawBufferPointer, line: Int, isKeyed: Bool) {
        if isKeyed, TombstoneMark.isSet(in: record) {
            // The whole line serves as the key's object: of a tombstone only the key's columns are read.
            records.append(key: record, value: nil)
        } else {
            records.append(key: nil, value: record)
        }
        lines.append(line)
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
