/// The nearest name to one that is not there.
enum Suggestion {
    /// `Perhaps you meant "bids".`, if a name is near enough.
    static func hint(for name: String, among names: [String]) -> String? {
        nearest(to: name, among: names).map { "Perhaps you meant \"\($0)\"." }
    }

    /// The name with the least edit distance, at most a third of the length and at least one edit; the first in order among equals.
    static func nearest(to name: String, among names: [String]) -> String? {
        let limit = max(1, min(name.utf8.count, 63) / 3)
        var best: (name: String, distance: Int)?
        for candidate in names.sorted() where abs(candidate.utf8.count - name.utf8.count) <= limit {
            let distance = distance(Array(name.lowercased().utf8), Array(candidate.lowercased().utf8))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Levenshtein's distance, with a swap of neighbours as one edit.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var before = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var least = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
                current.append(least)
            }
            before = previous
            previous = current
        }
        return previous[b.count]
    }
}
