/// One flat JSON object with its keys in order, as the node writes rows.
struct OrderedRow {
    private(set) var names: [String] = []
    /// nil for null.
    private(set) var values: [String?] = []
    private(set) var isNumber: [Bool] = []

    subscript(name: String) -> String? { names.firstIndex(of: name).flatMap { values[$0] } }

    init?(_ line: Substring) {
        var rest = Substring(line.drop { $0 == " " || $0 == "\n" }).unicodeScalars
        guard rest.popFirst() == "{" else { return nil }
        while let next = rest.first, next != "}" {
            if next == "," { rest.removeFirst() }
            guard let name = Self.string(&rest), rest.popFirst() == ":", let first = rest.first else { return nil }
            names.append(name)
            if first == "\"" {
                guard let value = Self.string(&rest) else { return nil }
                values.append(value)
                isNumber.append(false)
            } else {
                let token = String(rest.prefix { $0 != "," && $0 != "}" })
                rest = rest.dropFirst(token.unicodeScalars.count)
                values.append(token == "null" ? nil : token)
                isNumber.append(first == "-" || first.properties.numericType != nil)
            }
        }
    }

    private static func string(_ rest: inout Substring.UnicodeScalarView) -> String? {
        guard rest.popFirst() == "\"" else { return nil }
        var text = ""
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return text }
            guard scalar == "\\" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case "r": text.append("\r")
            case "u":
                let digits = String(rest.prefix(4))
                rest = rest.dropFirst(4)
                guard let value = UInt32(digits, radix: 16), let character = Unicode.Scalar(value) else { return nil }
                text.unicodeScalars.append(character)
            case let other?: text.unicodeScalars.append(other)
            case nil: return nil
            }
        }
        return nil
    }
}
