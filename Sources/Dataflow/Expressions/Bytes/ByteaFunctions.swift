/// Functions of `bytea`: parts, bits, hashes, encodings.
enum ByteaFunctions {
    typealias Bytes = TextKernels.Bytes

    static let all: [ScalarFunction] = lengths + parts + bits + hashes + encodings

    // MARK: lengths and parts

    private static let lengths: [ScalarFunction] = [
        size("length", "Bytes.", 1), size("octet_length", "Bytes.", 1), size("bit_length", "Bits.", 8),
        RowKernels.value("bit_count", [.bytea], .bigint, "The bits that are 1.") { row -> Int64? in
            row.text(0).reduce(0) { $0 + Int64($1.nonzeroBitCount) }
        },
    ]

    private static func size(_ name: String, _ documentation: String, _ factor: Int32) -> ScalarFunction {
        RowKernels.value(name, [.bytea], .integer, documentation) { row -> Int32? in
            Int32(truncatingIfNeeded: row.text(0).count) &* factor
        }
    }

    private static let parts: [ScalarFunction] =
        [
            RowKernels.bytes("||", [.bytea, .bytea], returns: .bytea, "Concatenation.") { row, out in
                out.append(row.text(0))
                out.append(row.text(1))
            },
            RowKernels.value(
                "position", [.bytea, .bytea], .integer, "Where the second begins in the first, from 1; 0 if nowhere."
            ) {
                row -> Int32? in
                if row.text(1).isEmpty { return 1 }
                return TextFunctions.find(row.text(1), in: row.text(0), from: 0).map { Int32($0 + 1) } ?? 0
            },
            overlay([.bytea, .bytea, .integer, .integer]), overlay([.bytea, .bytea, .integer]),
        ]
        + ["substring", "substr"].flatMap { name in
            [[DataType.bytea, .integer, .integer], [.bytea, .integer]].map { types in
                RowKernels.bytes(name, types, returns: .bytea, "Bytes from a position (from 1), so many.") {
                    (row, out) throws(RowFailure) in
                    let start = row.integer(1) - 1
                    let length = types.count > 2 ? row.integer(2) : Int.max / 2 - start
                    if length < 0 { throw RowFailure("22011", "negative substring length not allowed") }
                    out.append(slice(row.text(0), start, length))
                }
            }
        }
        + [("btrim", true, true), ("ltrim", true, false), ("rtrim", false, true)].map { name, left, right in
            RowKernels.bytes(name, [.bytea, .bytea], returns: .bytea, "Without any of the second's bytes at the ends.")
            {
                row, out in
                let (bytes, set) = (row.text(0), row.text(1))
                var (start, end) = (0, bytes.count)
                while left, start < end, set.contains(bytes[start]) { start += 1 }
                while right, end > start, set.contains(bytes[end - 1]) { end -= 1 }
                out.append(bytes[start..<end])
            }
        }

    private static func slice(_ bytes: Bytes, _ start: Int, _ length: Int) -> Bytes {
        let first = min(max(start, 0), bytes.count)
        let end = min(max(start + length, first), bytes.count)
        return Bytes(rebasing: bytes[first..<end])
    }

    private static func overlay(_ types: [DataType]) -> ScalarFunction {
        RowKernels.bytes("overlay", types, returns: .bytea, "The second put over bytes of the first, from a position.")
        {
            (row, out) throws(RowFailure) in
            let (bytes, part, start) = (row.text(0), row.text(1), row.integer(2))
            let length = types.count > 3 ? row.integer(3) : part.count
            if start <= 0 { throw RowFailure("22011", "negative substring length not allowed") }
            guard start + length <= Int(Int32.max) else { throw .outOfRange(.integer) }
            out.append(slice(bytes, 0, start - 1))
            out.append(part)
            out.append(slice(bytes, start + length - 1, Int.max / 2))
        }
    }

    // MARK: bits

    private static func checked(_ index: Int64, _ count: Int64) throws(RowFailure) -> Int {
        guard index >= 0, index < count else {
            throw RowFailure("2202E", "index \(index) out of valid range, 0..\(count - 1)")
        }
        return Int(index)
    }

    private static let bits: [ScalarFunction] = [
        RowKernels.value("get_byte", [.bytea, .integer], .integer, "The byte at an offset from 0.") {
            (row) throws(RowFailure) -> Int32? in
            Int32(row.text(0)[try checked(Int64(row.integer(1)), Int64(row.text(0).count))])
        },
        RowKernels.value(
            "get_bit", [.bytea, .bigint], .integer, "The bit at an offset from 0, the least of each byte first."
        ) {
            (row) throws(RowFailure) -> Int32? in
            let index = try checked(row.bigint(1), Int64(row.text(0).count) * 8)
            return Int32(row.text(0)[index / 8] >> UInt8(index % 8) & 1)
        },
        RowKernels.bytes(
            "set_byte", [.bytea, .integer, .integer], returns: .bytea, "With the byte at an offset changed."
        ) {
            (row, out) throws(RowFailure) in
            var bytes = Array(row.text(0))
            bytes[try checked(Int64(row.integer(1)), Int64(bytes.count))] = UInt8(truncatingIfNeeded: row.integer(2))
            out.append(bytes)
        },
        RowKernels.bytes(
            "set_bit", [.bytea, .bigint, .integer], returns: .bytea, "With the bit at an offset changed to 0 or 1."
        ) {
            (row, out) throws(RowFailure) in
            var bytes = Array(row.text(0))
            let index = try checked(row.bigint(1), Int64(bytes.count) * 8)
            let bit = row.integer(2)
            guard bit == 0 || bit == 1 else { throw RowFailure("22023", "new bit must be 0 or 1") }
            let mask: UInt8 = 1 << UInt8(index % 8)
            let byte: UInt8 = bytes[index / 8]
            bytes[index / 8] = bit == 1 ? byte | mask : byte & ~mask
            out.append(bytes)
        },
    ]

    // MARK: hashes

    private static let hashes: [ScalarFunction] =
        [
            RowKernels.bytes("md5", [.text], "The MD5 hash, in hexadecimal digits.") { row, out in
                out.append(hexadecimal(Digest.md5.hash(row.text(0))))
            },
            RowKernels.bytes("md5", [.bytea], "The MD5 hash, in hexadecimal digits.") { row, out in
                out.append(hexadecimal(Digest.md5.hash(row.text(0))))
            },
            sha("sha224", .sha224), sha("sha256", .sha256), sha("sha384", .sha384), sha("sha512", .sha512),
        ]

    private static func sha(_ name: String, _ digest: Digest) -> ScalarFunction {
        RowKernels.bytes(name, [.bytea], returns: .bytea, "The SHA-2 hash of \(name.dropFirst(3)) bits.") { row, out in
            out.append(digest.hash(row.text(0)))
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for byte in bytes { ByteaText.appendHexadecimal(byte, to: &text) }
        return text
    }

    // MARK: encodings

    private static let encodings: [ScalarFunction] = [
        RowKernels.bytes("encode", [.bytea, .text], "The bytes as text: base64, hex or escape.") {
            (row, out) throws(RowFailure) in
            out.append(try BinaryEncoding.named(row.text(1)).encode(row.text(0)))
        },
        RowKernels.bytes("decode", [.text, .text], returns: .bytea, "The bytes of a text in base64, hex or escape.") {
            (row, out) throws(RowFailure) in
            out.append(try BinaryEncoding.named(row.text(1)).decode(row.text(0)))
        },
        RowKernels.bytes("convert_to", [.text, .text], returns: .bytea, "The text's bytes in UTF8.") {
            (row, out) throws(RowFailure) in
            try checkUTF8(row.text(1), "destination")
            out.append(row.text(0))
        },
        RowKernels.bytes("convert_from", [.bytea, .text], "The text of bytes in UTF8.") {
            (row, out) throws(RowFailure) in
            try checkUTF8(row.text(1), "source")
            if let (place, length) = BinaryEncoding.invalidUTF8(row.text(0)) {
                let shown = row.text(0)[place..<min(place + length, row.text(0).count)].map { byte in
                    "0x" + String(decoding: hexadecimal([byte]), as: UTF8.self)
                }
                throw RowFailure(
                    "22021", "invalid byte sequence for encoding \"UTF8\": \(shown.joined(separator: " "))")
            }
            out.append(row.text(0))
        },
    ]

    private static func checkUTF8(_ name: Bytes, _ role: String) throws(RowFailure) {
        let shown = String(decoding: name, as: UTF8.self)
        let short = shown.lowercased().filter { $0.isLetter || $0.isNumber }
        if short == "utf8" || short == "unicode" { return }
        if ["latin1", "iso88591", "sqlascii", "win1252", "euckr", "eucjp", "big5", "gbk", "koi8r", "sjis", "latin9"]
            .contains(short)
        {
            throw RowFailure("0A000", "the encoding \"\(shown)\" is not supported: only UTF8 is")
        }
        throw RowFailure("22023", "invalid \(role) encoding name \"\(shown)\"")
    }
}
