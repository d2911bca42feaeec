import Glibc
import Synchronization

/// The time zones of the system's tzdata, by name in any case, read when they are first named and then kept.
package enum TimeZones {
    private static let directory = "/usr/share/zoneinfo"

    /// The release of the tzdata, e.g. `2024a`; "unknown" if the system does not tell.
    package static let version: String = {
        let prefix = "# version "
        let start = String(decoding: read("\(directory)/tzdata.zi", bytesMax: 64), as: UTF8.self)
        guard start.hasPrefix(prefix) else { return "unknown" }
        return String(start.dropFirst(prefix.count).prefix { !$0.isWhitespace })
    }()

    /// Names in lower case to names as written.
    private static let names: [String: String] = {
        var names: [String: String] = [:]
        collect("", into: &names)
        return names
    }()

    /// The zones read so far: as many as the directory has names, at most.
    private static let zones = Mutex<[String: TimeZone]>([:])

    /// The zone of a name of the tzdata (`Europe/Berlin`); nil if there is none.
    package static func named(_ name: String) -> TimeZone? {
        let folded = name.lowercased()
        return zones.withLock { zones in
            if let zone = zones[folded] { return zone }
            guard let file = names[folded],
                let zone = TimeZone(name: file, tzif: read("\(directory)/\(file)", bytesMax: 1 << 20))
            else { return nil }
            zones[folded] = zone
            return zone
        }
    }

    /// As `AT TIME ZONE` reads it: an abbreviation, else a name, else an offset or a rule as POSIX writes them (`UTC+3` is west of
    /// Greenwich, `CET-1CEST,M3.5.0,M10.5.0`).
    package static func zone(_ text: String) -> TimeZone? {
        if let offset = abbreviations[text.lowercased()] { return TimeZone(name: text, offset: offset) }
        if let zone = named(text) { return zone }
        let rule = text.first.map { $0 == "+" || $0 == "-" || $0.isNumber } == true ? "UTC\(text)" : text
        guard let rule = TimeZoneRule(rule[...]), rule.standard.magnitude < 168 * 3600 else { return nil }
        return TimeZone(name: text, rule: rule)
    }

    /// Abbreviations of one offset each, in seconds east of Greenwich, as PostgreSQL's default set has them.
    package static let abbreviations: [String: Int] = {
        let hours: [(String, Double)] = [
            ("utc", 0), ("gmt", 0), ("ut", 0), ("uct", 0), ("z", 0), ("zulu", 0), ("wet", 0), ("west", 1), ("bst", 1),
            ("cet", 1), ("cest", 2), ("met", 1), ("mest", 2), ("eet", 2), ("eest", 3), ("sast", 2), ("ist", 2),
            ("idt", 3), ("eat", 3), ("msk", 3), ("msd", 4), ("pkt", 5), ("npt", 5.75), ("ict", 7), ("hkt", 8),
            ("cct", 8), ("pht", 8), ("awst", 8), ("jst", 9), ("kst", 9), ("acst", 9.5), ("acdt", 10.5), ("aest", 10),
            ("aedt", 11), ("nzst", 12), ("nzdt", 13), ("nst", -3.5), ("ndt", -2.5), ("ast", -4), ("adt", -3),
            ("est", -5), ("edt", -4), ("cst", -6), ("cdt", -5), ("mst", -7), ("mdt", -6), ("pst", -8), ("pdt", -7),
            ("akst", -9), ("akdt", -8), ("hst", -10), ("brt", -3), ("brst", -2), ("clt", -4), ("clst", -3),
        ]
        return Dictionary(uniqueKeysWithValues: hours.map { ($0.0, Int($0.1 * 3600)) })
    }()

    private static func read(_ path: String, bytesMax: Int) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = fread(&bytes, 1, bytesMax, file)
        return Array(bytes[..<count])
    }

    /// The files below a part of the directory, without the copies that count leap seconds or leave them out by name.
    private static func collect(_ part: String, into names: inout [String: String]) {
        guard let open = opendir("\(directory)/\(part)") else { return }
        defer { closedir(open) }
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let first = name.first, first.isUppercase || part != "" && first.isLetter, !name.contains(".") else {
                continue
            }
            let path = part.isEmpty ? name : "\(part)/\(name)"
            var status = stat()
            guard stat("\(directory)/\(path)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                collect(path, into: &names)
            } else {
                names[path.lowercased()] = path
            }
        }
    }
}
