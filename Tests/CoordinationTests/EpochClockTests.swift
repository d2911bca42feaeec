import Coordination
import Log
import Testing

/// The clock as a value: events in, effects out.
@Suite struct EpochClockTests {
    private let a = TopicPartition("a", 0)
    private let b = TopicPartition("b", 0)

    private func clock(records: Int64 = 100, bytes: Int64 = 1_000_000) -> EpochClock {
        EpochClock(
            limits: EpochClock.Limits(recordsMax: records, bytesMax: bytes, tick: 20_000), epoch: 4,
            frontier: Frontier([a: 10]))
    }

    @Test func isSilentWithoutInput() {
        var clock = clock()
        #expect(clock.handle(.ends([a: 10, b: 0], paced: [], isForced: false), now: 0).isEmpty)
        #expect(clock.handle(.ends([:], paced: [], isForced: false), now: 99).isEmpty)
        #expect(clock.epoch == 4)
    }

    @Test func beginsTheNextWhenTheLastIsDone() {
        var clock = clock()
        let first = clock.handle(.ends([a: 15, b: 2], paced: [], isForced: false), now: 0)
        #expect(first == [.begin(epoch: 5, frontier: Frontier([a: 15, b: 2]), limited: [])])
        #expect(clock.handle(.ends([a: 30, b: 2], paced: [], isForced: false), now: 1).isEmpty)
        #expect(clock.handle(.finished(bytesRead: [a: 50, b: 20]), now: 2).isEmpty)
        let second = clock.handle(.ends([a: 30, b: 2], paced: [], isForced: false), now: 3)
        #expect(second == [.begin(epoch: 6, frontier: Frontier([a: 30, b: 2]), limited: [])])
    }

    @Test func takesAtMostTheLimits() {
        var clock = clock()
        let first = clock.handle(.ends([a: 1_000, b: 2], paced: [], isForced: false), now: 0)
        #expect(first == [.begin(epoch: 5, frontier: Frontier([a: 110, b: 2]), limited: [a])])
        // A record has 20 kB: the bytes allow 50 of them.
        _ = clock.handle(.finished(bytesRead: [a: 2_000_000]), now: 0)
        let second = clock.handle(.ends([a: 1_000, b: 2], paced: [], isForced: false), now: 0)
        #expect(second == [.begin(epoch: 6, frontier: Frontier([a: 160, b: 2]), limited: [a])])
        // A record larger than the bytes is taken alone.
        _ = clock.handle(.finished(bytesRead: [a: 500_000_000]), now: 0)
        let third = clock.handle(.ends([a: 1_000, b: 2], paced: [], isForced: false), now: 0)
        #expect(third == [.begin(epoch: 7, frontier: Frontier([a: 161, b: 2]), limited: [a])])
    }

    @Test func pacedInputAloneBeginsOneEpochATick() {
        var clock = clock()
        #expect(clock.handle(.ends([b: 5], paced: [b], isForced: false), now: 1_000).count == 1)
        _ = clock.handle(.finished(bytesRead: [:]), now: 0)
        #expect(clock.handle(.ends([b: 6], paced: [b], isForced: false), now: 2_000) == [.wake(at: 21_000)])
        // Stored input does not wait, and takes the paced along.
        let both = clock.handle(.ends([a: 11, b: 7], paced: [b], isForced: false), now: 3_000)
        #expect(both == [.begin(epoch: 6, frontier: Frontier([a: 11, b: 7]), limited: [])])
        _ = clock.handle(.finished(bytesRead: [:]), now: 0)
        #expect(clock.handle(.ends([b: 8], paced: [b], isForced: false), now: 23_000).count == 1)
        // A clock that was set back does not stop it.
        _ = clock.handle(.finished(bytesRead: [:]), now: 0)
        #expect(clock.handle(.ends([b: 9], paced: [b], isForced: false), now: 5) != [.wake(at: 43_000)])
    }

    @Test func aForcedEpochNeedsNoInput() {
        var clock = clock()
        let effects = clock.handle(.ends([a: 10], paced: [], isForced: true), now: 0)
        #expect(effects == [.begin(epoch: 5, frontier: Frontier([a: 10]), limited: [])])
    }

    @Test func alignmentMovesTheFrontier() {
        var clock = clock()
        _ = clock.handle(.ends([a: 1_000], paced: [], isForced: false), now: 0)
        clock.align(Frontier([a: 90]))
        #expect(clock.frontier == Frontier([a: 90]))
        _ = clock.handle(.finished(bytesRead: [a: 80 * 20_000]), now: 0)
        let next = clock.handle(.ends([a: 1_000], paced: [], isForced: false), now: 0)
        #expect(next == [.begin(epoch: 6, frontier: Frontier([a: 140]), limited: [a])])
    }

    @Test func histogramFindsQuantiles() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        for value in 1...1_000 { histogram.record(Int64(value)) }
        let median = histogram.quantile(0.5) ?? 0
        let tail = histogram.quantile(0.99) ?? 0
        #expect((500...625).contains(median))
        #expect((990...1_240).contains(tail))
        histogram.record(.max)
        #expect(histogram.count == 1_001)
    }

    @Test func answersRoundTrip() {
        let receipt = AppendReceipt(
            topic: "t",
            locations: [.init(partition: 1, offset: 4), .init(partition: 0, offset: 9), .init(partition: 1, offset: 5)])
        #expect(receipt.frontier == Frontier([TopicPartition("t", 0): 10, TopicPartition("t", 1): 6]))
    }
}
