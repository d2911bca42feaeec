import Glibc
import Synchronization

/// A thread with a bounded queue of jobs, for calls that block: SQLite's belong on threads of their own.
final class LogThread<Job: Sendable>: Sendable {
    private let queue: JobQueue<Job>

    /// `loop` is called on the thread with all waiting jobs, again and again, until the queue is closed and empty; then `end`.
    init(
        name: String, jobsMax: Int, loop: @escaping @Sendable ([Job]) -> Void, end: @escaping @Sendable () -> Void = {}
    ) {
        let queue = JobQueue<Job>(jobsMax: jobsMax)
        self.queue = queue
        startThread(name) {
            while let jobs = queue.take() { loop(jobs) }
            end()
            queue.end()
        }
    }

    /// Puts a job into the queue; false if it is full or closed.
    func submit(_ job: Job) -> Bool { queue.submit(job) }

    /// Lets the waiting jobs run, then ends the thread.
    func close() async { await queue.close() }
}

/// Runs `body` on a new thread.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    precondition(result == 0, "no thread for \(name): error \(result)")
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Jobs on their way to a thread.
private final class JobQueue<Job: Sendable>: Sendable {
    private struct State {
        var jobs: [Job] = []
        var isClosed = false
        var closeWaiter: CheckedContinuation<Void, Never>?
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let wake = Semaphore()
    private let jobsMax: Int

    init(jobsMax: Int) { self.jobsMax = jobsMax }

    func submit(_ job: Job) -> Bool {
        let accepted = state.withLock { state in
            guard !state.isClosed, state.jobs.count < jobsMax else { return false }
            state.jobs.append(job)
            return true
        }
        if accepted { wake.signal() }
        return accepted
    }

    /// All waiting jobs; waits for some; nil once the queue is closed and empty.
    func take() -> [Job]? {
        while true {
            let (jobs, isClosed) = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                return (jobs, state.isClosed)
            }
            if !jobs.isEmpty { return jobs }
            if isClosed { return nil }
            wake.wait()
        }
    }

    func end() {
        let waiter = state.withLock { state in
            state.hasEnded = true
            return state.closeWaiter
        }
        waiter?.resume()
    }

    func close() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                state.isClosed = true
                if !state.hasEnded { state.closeWaiter = continuation }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() } else { wake.signal() }
        }
    }
}

/// A counting semaphore of the C library, to park a thread of ours.
// SAFETY: sem_post and sem_wait are made to be called from any thread; the memory lives as long as the object.
private final class Semaphore: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}
