/// Texts that an argument must be one of for the function to say more than an error.
enum ArgumentWords {
    static func of(_ name: String, _ position: Int, _ types: [String]) -> [String]? {
        switch (name, position) {
        case ("extract", 0), ("date_part", 0):
            if types.count > 1, types[1] == "date" { return dateFields }
            if types.count > 1, types[1].hasPrefix("time ") || types[1] == "time" { return timeFields }
            return dateFields + timeFields
        case ("date_trunc", 0): return truncations
        case ("date_trunc", 2): return zones
        case ("timezone", 0): return types[position] == "text" ? zones : nil
        case ("cast_length", 1): return ["1", "2", "3", "7"]
        case ("cast_length", 2): return ["t"]
        case ("cast_fraction", 1): return ["0", "1", "3", "6"]
        case ("cast_fields", 1): return ["0", "1", "2", "3", "4", "5"]
        case ("cast_fields", 2): return ["0", "2", "6"]
        case ("numeric_scale", 1): return ["30", "10", "3"]
        case ("numeric_scale", 2): return ["0", "2", "5", "-2"]
        case ("get_bit", 1), ("get_byte", 1), ("set_bit", 1), ("set_byte", 1): return ["0", "1", "2"]
        case ("->", 1), ("->>", 1): return types[1] == "text" ? ["a", "b", "z"] : ["0", "1", "-1"]
        case ("format", 0) where types.count == 1: return ["plain", "100%%", ""]
        case ("format", 0): return ["%s", "<%10s>", "%-4s|", "%L", "%I", "%%%1$s"]
        case ("[]", 1), ("array_length", 1), ("array_lower", 1), ("array_upper", 1):
            return ["1", "1", "1", "2", "0", "-1"]
        case ("[:]", 1), ("[:]", 2), ("trim_array", 1): return ["0", "1", "2", "3", "-1"]
        case ("array_fill", 1): return ["{3}", "{0}", "{1}"]
        case ("array_position", 2): return ["1", "2"]
        case ("jsonb_extract_path", 1), ("jsonb_extract_path_text", 1):
            return types.count > 2 ? ["a", "b", "b", "0"] : ["a", "b", "0", "1"]
        case ("jsonb_extract_path", 2...), ("jsonb_extract_path_text", 2...): return ["b", "0", "1", "z"]
        case ("date_bin", 0): return ["1 day", "15 minutes", "00:00:07", "1 week"]
        case ("to_char", 1):
            return types[0].hasPrefix("timestamp") || types[0] == "date"
                ? timeTemplates : types[0] == "interval" ? intervalTemplates : numberTemplates
        case ("to_number", 1): return ["999999", "S9999.99", "999,999.9"]
        case ("to_date", 1), ("to_timestamp", 1): return ["YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS"]
        case ("encode", 1), ("decode", 1): return ["hex", "base64", "escape"]
        case ("convert_from", 1), ("convert_to", 1): return ["UTF8"]
        case ("regexp_instr", 2...), ("regexp_substr", 2...), ("regexp_count", 2...), ("regexp_replace", 3...),
            ("regexp_match", 2), ("regexp_split_to_array", 2), ("regexp_like", 2):
            if types[position] == "integer" { return position > 3 ? ["0", "1"] : ["1", "2"] }
            return name == "regexp_replace" ? ["", "i", "g", "n"] : ["", "i", "n"]
        case ("~", 1), ("!~", 1), ("~*", 1), ("!~*", 1), ("regexp_match", 1), ("regexp_replace", 1),
            ("regexp_split_to_array", 1),
            ("regexp_like", 1), ("regexp_count", 1), ("regexp_substr", 1), ("regexp_instr", 1):
            return ["a", "^a", "b+", "[a-c]", "(a)(b)?", "o W|c", "\\d+", "\\s", "x*", "."]
        case ("~~", 1), ("!~~", 1), ("~~*", 1), ("!~~*", 1), ("like", 1), ("ilike", 1):
            return ["a%", "%b%", "_", "%", "A_C", "100\\%", "%o W%"]
        case ("jsonb_path_query_array", 2), ("jsonb_path_query_first", 2), ("jsonb_path_exists", 2),
            ("jsonb_path_match", 2):
            return ["{}", "{\"x\": 1}"]
        case ("make_timestamp", 0), ("make_timestamptz", 0), ("make_date", 0): return ["1", "12", "2024", "-44", "0"]
        case ("make_timestamp", 1...4), ("make_timestamptz", 1...4), ("make_date", 1...2), ("make_time", 0...1):
            return ["1", "2", "12", "12", "9", "30"]
        case ("make_timestamp", 5), ("make_timestamptz", 5), ("make_time", 2): return ["0", "1.5", "59.999999", "60"]
        case ("make_timestamptz", 6): return zones
        case ("jsonb_path_query_array", 1), ("jsonb_path_query_first", 1), ("jsonb_path_exists", 1),
            ("jsonb_path_match", 1), ("@?", 1), ("@@", 1):
            return [
                "$", "$.a", "$[*]", "$.* ? (@ > 1)", "$.a.size()", "$[0 to 1]", "$.b.type()", "exists($.a)", "$.a == 1",
                "$.\"\\u0061\" /* a */", "$.\\x61[$.a]", "$[last] ? (@.double() > 1)",
            ]
        case ("right", 1): return ["0", "1", "-1", "3", "-3", "100", "2147483647"]
        case ("repeat", 1), ("lpad", 1), ("rpad", 1): return ["0", "1", "3", "-1", "7"]
        case ("normalize", 1): return ["NFC", "NFD", "NFKC"]
        case ("^", 1), ("power", 1), ("pow", 1):
            return ["0", "1", "2", "-1", "3", "0.5"].filter {
                types[1].hasPrefix("numeric") || types[1] == "double precision" || !$0.contains(".")
            }
        case ("<<", 1), (">>", 1): return types[1] == "integer" ? ["0", "1", "3", "31"] : nil
        case ("factorial", 0), ("!", 0): return ["0", "1", "5", "20", "25", "-1"]
        case ("round", 1), ("trunc", 1): return ["0", "1", "2", "-1", "-3", "5"]
        default: return nil
        }
    }

    private static let dateFields = [
        "year", "month", "day", "quarter", "week", "dow", "doy", "isodow", "isoyear", "decade", "century", "millennium",
        "epoch", "julian",
    ]
    private static let timeFields = ["hour", "minute", "second", "milliseconds", "microseconds", "epoch"]
    private static let truncations = [
        "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
        "century", "millennium",
    ]
    private static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+03", "EST", "Pacific/Apia",
    ]
    private static let timeTemplates = [
        "YYYY-MM-DD HH24:MI:SS.US", "Day, DD Month YYYY", "IYYY-IW-ID", "FMHH12:MI AM", "J Q CC WW W DDD D",
        "Dy DY dy Mon MON mon RM rm", "HH:MI:SS.MS a.m.", "Y,YYY YYY YY Y BC AD",
        "FMDDth \"of\" FMMonth", "SSSS SSSSS FF1 FF3 FF6",
    ]
    private static let intervalTemplates = ["YYYY-MM-DD HH24:MI:SS", "HH12:MI:SS.US", "DDD FMHH24"]
    private static let numberTemplates = [
        "999", "0000.00", "S999,999.9", "FM999990.99", "9.99EEEE", "RN", "999PR", "MI99", "99V9", "FM9999th", "B999",
        "SG99",
    ]
}
