/// The draws that decide what a generator makes, recorded, so that a case can be made again and made smaller.
///
/// A generator asks for nothing else. Zero is always the simplest choice, and draws past the end of a replayed record are zero:
/// so a shorter record, or one of smaller numbers, makes a simpler case.
struct Choices {
    private var rng: SeededGenerator
    private let given: [Int]?
    private(set) var taken: [Int] = []

    init(seed: UInt64) {
        rng = SeededGenerator(seed: seed)
        given = nil
    }

    init(replaying record: [Int]) {
        rng = SeededGenerator(seed: 0)
        given = record
    }

    mutating func below(_ bound: Int) -> Int {
        let value: Int
        if let given {
            value = taken.count < given.count ? min(given[taken.count], bound - 1) : 0
        } else {
            value = rng.below(bound)
        }
        taken.append(value)
        return value
    }

    mutating func chance(_ percent: Int) -> Bool { below(100) >= 100 - percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
