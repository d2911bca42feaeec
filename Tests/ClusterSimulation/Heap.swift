/// Events in order of time; events of one time in an order that the seed draws.
struct EventQueue {
    private struct Entry {
        var time: Int64
        var tie: UInt64
        var slot: Int
    }

    private var heap: [Entry] = []
    private var events: [SimulationEvent?] = []
    private var free: [Int] = []
    private var pushed: UInt64 = 0
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        heap.reserveCapacity(1_024)
        events.reserveCapacity(1_024)
    }

    mutating func push(_ event: SimulationEvent, at time: Int64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        pushed &+= 1
        let entry = Entry(time: time, tie: SeededRandom.mixed(seed ^ pushed), slot: slot)
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isBefore(entry, heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    mutating func pop() -> (time: Int64, event: SimulationEvent)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            var parent = 0
            while true {
                var child = parent * 2 + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, Self.isBefore(heap[child + 1], heap[child]) { child += 1 }
                guard Self.isBefore(heap[child], last) else { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = last
        }
        guard let event = events[first.slot] else { preconditionFailure("slot \(first.slot) is empty") }
        events[first.slot] = nil
        free.append(first.slot)
        return (first.time, event)
    }

    private static func isBefore(_ first: Entry, _ second: Entry) -> Bool {
        first.time == second.time ? first.tie < second.tie : first.time < second.time
    }
}
