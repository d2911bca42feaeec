import Actors
import Testing

/// The worker's thread and the doorbell: what would hang or be lost if a wake-up went missing.
@Suite(.timeLimit(.minutes(1))) struct ExecutorTests {
    private actor Counter {
        nonisolated let executor: WorkerExecutor
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private(set) var count = 0
        private var steps = 0

        init(_ executor: WorkerExecutor) { self.executor = executor }

        func add() { count += 1 }

        /// A thousand steps of work.
        func step() -> Bool {
            steps += 1
            if steps <= 1_000 { count += 1 }
            return steps < 1_000
        }
    }

    @Test func jobsOfManyTasksRunOneAtATime() async {
        let executor = WorkerExecutor(index: 0)
        let counter = Counter(executor)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<500 { await counter.add() } }
            }
        }
        #expect(await counter.count == 4_000)
        executor.stop()
    }

    @Test func stepsAndJobsTakeTurnsWithoutAHop() async {
        let executor = WorkerExecutor(index: 0)
        let counter = Counter(executor)
        executor.attach { [weak counter] in counter?.assumeIsolated { $0.step() } ?? false }
        while await counter.count < 1_000, !Task.isCancelled { await Task.yield() }
        #expect(await counter.count == 1_000)
        #expect(executor.busyNanoseconds > 0)
        executor.stop()
    }

    @Test func actorsOnAStoppedExecutorStillAnswer() async {
        let executor = WorkerExecutor(index: 0)
        let counter = Counter(executor)
        await counter.add()
        executor.stop()
        for _ in 0..<100 { await counter.add() }
        #expect(await counter.count == 101)
    }

    @Test func ringsBeforeAWaitAreNotLost() async {
        let bell = Doorbell()
        bell.ring()
        bell.ring()
        await bell.wait()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bell.wait() }
            bell.ring()
        }
        // Only the time-out ends this one.
        await bell.wait(atMost: .milliseconds(5))
    }

    @Test func aCancelledWaitEnds() async {
        let bell = Doorbell()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bell.wait() }
            group.cancelAll()
        }
    }
}
