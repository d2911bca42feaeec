/// An ordered multiset: distinct elements ascending, each with a weight that is not zero.
///
/// Chunks of at most 256 elements, so that an insertion moves few. The order is given with each call, since it may need state
/// that lives elsewhere (row numbers are ordered by their rows). Logarithmic search; weights may be negative for a while.
package struct SortedBag<Element> {
    private var chunks: [[(element: Element, weight: Int64)]] = []
    /// Distinct elements.
    package private(set) var count = 0

    package init() {}

    /// Of distinct elements in ascending order.
    init(ascending elements: [(element: Element, weight: Int64)]) {
        count = elements.count
        for start in stride(from: 0, to: elements.count, by: Self.chunkMax / 2) {
            chunks.append(Array(elements[start..<min(start + Self.chunkMax / 2, elements.count)]))
        }
    }

    private static var chunkMax: Int { 256 }

    package enum Change {
        /// The element was not there and is now.
        case inserted
        /// An equal element was there; its weight has changed.
        case merged(Element)
        /// An equal element was there and its weight became zero: it is gone.
        case removed(Element)
    }

    /// Adds to an element's weight. `order` is negative if its first argument comes first.
    package mutating func add(_ element: Element, weight: Int64, order: (Element, Element) -> Int) -> Change {
        if chunks.isEmpty {
            chunks.append([(element, weight)])
            count = 1
            return .inserted
        }
        // Elements that come in order are appended.
        let end = chunks.count - 1
        if order(chunks[end][chunks[end].count - 1].element, element) < 0 {
            if chunks[end].count < Self.chunkMax {
                chunks[end].append((element, weight))
            } else {
                chunks.append([(element, weight)])
            }
            count += 1
            return .inserted
        }
        // The last chunk whose first element is not after the new one.
        var low = 0
        var high = chunks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if order(chunks[middle][0].element, element) <= 0 { low = middle } else { high = middle }
        }
        let chunk = low
        var (first, last) = (0, chunks[chunk].count)
        while first < last {
            let middle = (first + last) / 2
            if order(chunks[chunk][middle].element, element) < 0 { first = middle + 1 } else { last = middle }
        }
        if first < chunks[chunk].count, order(chunks[chunk][first].element, element) == 0 {
            chunks[chunk][first].weight += weight
            let found = chunks[chunk][first]
            if found.weight != 0 { return .merged(found.element) }
            chunks[chunk].remove(at: first)
            if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
            count -= 1
            return .removed(found.element)
        }
        chunks[chunk].insert((element, weight), at: first)
        count += 1
        if chunks[chunk].count > Self.chunkMax {
            let half = chunks[chunk].count / 2
            chunks.insert(Array(chunks[chunk][half...]), at: chunk + 1)
            chunks[chunk].removeLast(chunks[chunk].count - half)
        }
        return .inserted
    }

    /// Visits elements ascending until `body` returns false.
    package func forEach(_ body: (Element, Int64) -> Bool) {
        for chunk in chunks {
            for (element, weight) in chunk where !body(element, weight) { return }
        }
    }

    /// Visits elements ascending, from the first that is not before a place, until `body` returns false.
    package func forEach(from isBefore: (Element) -> Bool, _ body: (Element, Int64) -> Bool) {
        // The first chunk whose last element is not before the place.
        var (low, high) = (0, chunks.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(chunks[middle][chunks[middle].count - 1].element) { low = middle + 1 } else { high = middle }
        }
        guard low < chunks.count else { return }
        var (first, last) = (0, chunks[low].count)
        while first < last {
            let middle = (first + last) / 2
            if isBefore(chunks[low][middle].element) { first = middle + 1 } else { last = middle }
        }
        for chunk in low..<chunks.count {
            for index in (chunk == low ? first : 0)..<chunks[chunk].count {
                let (element, weight) = chunks[chunk][index]
                if !body(element, weight) { return }
            }
        }
    }

    package var first: (element: Element, weight: Int64)? { chunks.first?.first }

    package var last: (element: Element, weight: Int64)? { chunks.last?.last }

    /// Visits elements descending until `body` returns false.
    package func forEachReversed(_ body: (Element, Int64) -> Bool) {
        for chunk in chunks.reversed() {
            for (element, weight) in chunk.reversed() where !body(element, weight) { return }
        }
    }

    /// Drops the last element.
    package mutating func removeLast() {
        guard var chunk = chunks.popLast() else { return }
        chunk.removeLast()
        count -= 1
        if !chunk.isEmpty { chunks.append(chunk) }
    }

    /// Drops the first elements.
    package mutating func removeFirst(_ number: Int) {
        var left = number
        while left > 0, !chunks.isEmpty {
            let taken = min(left, chunks[0].count)
            if taken == chunks[0].count { chunks.removeFirst() } else { chunks[0].removeFirst(taken) }
            left -= taken
            count -= taken
        }
    }
}
