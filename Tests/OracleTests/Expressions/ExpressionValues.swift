import Dataflow

/// The table that expressions read: a column per type, full of what breaks functions.
enum ExpressionValues {
    /// By the name that PostgreSQL prints for the type.
    static let values: [String: [String]] = [
        "boolean": ["t", "f"],
        "smallint": ["0", "1", "-1", "2", "7", "-13", "181", "32767", "-32768"],
        "integer": ["0", "1", "-1", "2", "3", "10", "-7", "46341", "65536", "2147483647", "-2147483648"],
        "bigint": [
            "0", "1", "-1", "2", "5", "-13", "3037000500", "4294967296", "9223372036854775807", "-9223372036854775808",
        ],
        "numeric": [
            "0", "0.00", "1", "1.00", "-1.5", "0.5", "-0.05", "2.5", "3", "-7.25", "0.001", "12345.678", "9999.9999",
            "12345678901234567890",
            "0.00000000000000000001", "2147483647.5", "100",
        ],
        "real": [
            "0", "-0", "1", "-1.5", "0.1", "3.4028235e+38", "1e-45", "NaN", "Infinity", "-Infinity", "16777217",
            "0.3333333",
        ],
        "double precision": [
            "0", "-0", "1", "-1", "0.5", "2.5", "-7.25", "100", "1e15", "1e300", "5e-324", "NaN", "Infinity",
            "-Infinity", "0.1", "9007199254740993",
        ],
        "text": [
            "", "a", "abc", "Hello World", "  x  ", "äöü€😀", "ÄÖÜ ß", "abcabcabc", "b", "5%off", "t", "a,b,,c", "aaa",
            "zZ9_-", "+7", "-1.5", "2024-02-29",
            "t\tb", "it's", "back\\slash",
        ],
        "bytea": ["\\x", "\\x00", "\\x61", "\\x616263", "\\xff00fe", "\\x5c27"],
        "uuid": [
            "00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        "date": [
            "2024-02-29", "1970-01-01", "1969-12-31", "0001-01-01", "0044-03-15 BC", "9999-12-31", "infinity",
            "-infinity", "2020-12-28",
        ],
        "time without time zone": ["00:00:00", "12:34:56.789", "23:59:59.999999", "24:00:00", "01:02:03.000001"],
        "timestamp without time zone": [
            "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "2023-12-31 23:59:59",
            "2021-01-03 05:06:07.000001",
            "0001-01-01 00:00:00", "0044-03-15 12:00:00 BC", "9999-12-31 23:59:59.999999", "infinity", "-infinity",
        ],
        "timestamp with time zone": [
            "1970-01-01 00:00:00+00", "2024-02-29 12:34:56.789+00", "2024-03-31 01:30:00+00", "2024-10-27 00:30:00+00",
            "0044-03-15 12:00:00+00 BC", "infinity",
            "1883-11-18 17:00:00+00", "2100-07-01 00:00:00+00",
        ],
        "interval": [
            "00:00:00", "1 second", "-00:00:01", "1 day", "1 mon", "1 year 2 mons 3 days 04:05:06.789",
            "-1 years -2 mons +3 days -04:05:06", "1 mon -1 days",
            "720:00:00", "2 years", "-00:00:00.000001", "100 years",
        ],
        "jsonb": [
            "null", "1", "1.50", "-0", "\"a\"", "true", "[]", "{}", "[1, \"b\", null, [2]]",
            "{\"a\": 1, \"b\": [1, 2, 3]}", "{\"a\": {\"b\": {\"c\": null}}, \"z\": 1e2}",
            "\"\\u00e9\\n\"",
        ],
        "character varying": ["", "a", "abc", "  x "],
        "character": ["a", "abc", ""],
        "integer[]": ["{}", "{1}", "{1,2,3}", "{NULL,1}", "{-1,2147483647}"],
        "bigint[]": ["{}", "{1,2}", "{NULL}"],
        "numeric[]": ["{}", "{1.50,2}", "{NULL}", "{0.00,NULL,3,2.50}"],
        "double precision[]": ["{}", "{0.5,NaN}", "{NULL,1}"],
        "boolean[]": ["{}", "{t,f,NULL}"],
        "text[]": ["{}", "{a}", "{a,b,c}", "{NULL,\"\"}", "{\"a b\",\"it's\",\"q\\\"\"}", "{NULL}"],
        "jsonb[]": ["{}", "{\"1\",\"{}\"}"],
        "date[]": ["{}", "{2024-02-29,NULL}"],
        "timestamp without time zone[]": [
            "{}", "{\"2024-02-29 12:00:00\"}", "{\"2024-02-29 12:34:56.789\",NULL,infinity}",
        ],
        "uuid[]": ["{}", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
    ]

    /// Texts that are values of the type; of arrays without a column, some of their elements' values.
    static func texts(of type: DataType) -> [String]? {
        if let texts = values[type.name] { return texts }
        guard let element = type.element, let texts = values[element.name] else { return nil }
        let quoted = texts.map { text in
            "\"" + text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\") + "\""
        }
        return ["{}", "{NULL}", "{\(quoted.prefix(2).joined(separator: ","))}"] + quoted.map { "{NULL,\($0)}" }
    }

    /// The types that the engine has so far, in a fixed order.
    static let types = values.keys.sorted().filter { SQLTypes.isSupported($0) }

    /// The column of each type.
    static let columns = Dictionary(uniqueKeysWithValues: types.enumerated().map { ($0.element, "v\($0.offset)") })

    static let rowCount = 30

    static var table: StreamTable {
        StreamTable(
            name: "vals",
            columns: [.init(name: "id", type: "bigint")]
                + types.map { .init(name: columns[$0] ?? "", type: SQLTypes.name($0)) },
            partitions: 1)
    }

    /// Each value of each type at least once if they are not more than the rows; then some are NULL.
    static func rows(seed: UInt64) -> [StreamChange] {
        var rng = SeededGenerator(seed: seed)
        return (0..<rowCount).map { row in
            let cells = types.map { type -> String? in
                let list = values[type] ?? []
                if row < list.count { return list[row] }
                return rng.chance(30) ? nil : rng.pick(list)
            }
            return StreamChange(table: 0, partition: 0, row: [String(row)] + cells)
        }
    }
}
