/// An ordered multiset that sorts nothing before something is taken away: until then it keeps the best element, and what came in the
/// order of arrival. What is better is said with each call, like the order.
struct LazySortedBag<Element> {
    /// Without ``bag``: what is there, each with a positive weight; equal ones may stand more than once.
    private var arrivals: [(element: Element, weight: Int64)] = []
    /// How many arrivals are merged at the latest.
    private var mergedAt = 64
    private var bag: SortedBag<Element>?
    private var best: Element?

    /// Adds to an element's weight. `size` of the elements kept is added up: returns how much it has changed.
    mutating func add(
        _ element: Element, weight: Int64, isBetter: (Element, Element) -> Bool, order: (Element, Element) -> Int,
        size: (Element) -> Int
    ) -> Int {
        if weight > 0, bag == nil {
            if let best, !isBetter(element, best) {} else { best = element }
            arrivals.append((element, weight))
            guard arrivals.count >= mergedAt else { return size(element) }
            return size(element) - merge(order, size)
        }
        var change = 0
        if bag == nil {
            change -= merge(order, size)
            bag = SortedBag(ascending: arrivals)
            arrivals = []
        }
        switch bag?.add(element, weight: weight, order: order) {
        case .inserted: change += size(element)
        case .removed: change -= size(element)
        case .merged, nil: break
        }
        if bag?.count == 0 { self = Self() }
        return change
    }

    /// Sorts the arrivals and makes equal ones one; returns the size of those dropped.
    private mutating func merge(_ order: (Element, Element) -> Int, _ size: (Element) -> Int) -> Int {
        arrivals.sort { order($0.element, $1.element) < 0 }
        var dropped = 0
        var kept = 0
        for index in arrivals.indices.dropFirst() {
            if order(arrivals[kept].element, arrivals[index].element) == 0 {
                arrivals[kept].weight += arrivals[index].weight
                dropped += size(arrivals[index].element)
            } else {
                kept += 1
                arrivals[kept] = arrivals[index]
            }
        }
        arrivals.removeLast(arrivals.count - min(kept + 1, arrivals.count))
        mergedAt = max(64, 2 * arrivals.count)
        return dropped
    }

    /// The best element; `inBag` finds it among elements in order.
    func extreme(_ inBag: (SortedBag<Element>) -> Element?) -> Element? {
        if let bag { return inBag(bag) }
        return best
    }

    /// Visits the elements kept, in no order; equal ones may come more than once.
    func forEach(_ body: (Element) -> Void) {
        for arrival in arrivals { body(arrival.element) }
        bag?.forEach { element, _ in
            body(element)
            return true
        }
    }
}
