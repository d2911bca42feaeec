internal import Dataflow
internal import Glibc
internal import Synchronization

/// A thread with a queue of jobs: the executor of one worker's actors.
///
/// A ``Processor`` and all its ``ViewShard``s live on one of these, so that they reach each other without a hop. Besides
/// jobs the thread runs one *stepper*: a function that does a slice of the dataflow's work and says whether there is more.
/// While there is none the thread sleeps; ``wake()`` makes it look again. Jobs and steps take turns, so a query waits for
/// one slice at most.
///
/// The thread ends after ``stop()``; jobs that are queued by then are still run, later ones run on the stopping thread's
/// last round or, once it is gone, at once on the caller's thread, so that no task hangs.
// SAFETY: `shared` is guarded by `mutex`; `thread` and `stepper` are set under it and read by the worker's thread only;
// the counters are atomic.
package final class WorkerExecutor: SerialExecutor, @unchecked Sendable {
    /// The worker's number.
    package let index: Int

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [UnownedJob] = []
    private var isWoken = false
    private var isStopping = false
    private var isStopped = false
    private var stepper: (@Sendable () -> Bool)?
    private let threadID = Atomic<UInt>(0)
    private let busy = Atomic<Int64>(0)

    package init(index: Int) {
        self.index = index
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        start()
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    private func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(&thread, nil, { workerThreadMain($0) }, context)
        precondition(result == 0, "cannot start worker thread \(index): error \(result)")
        pthread_detach(thread)
    }

    /// Nanoseconds that the thread has spent on jobs and steps.
    package var busyNanoseconds: Int64 { busy.load(ordering: .relaxed) }

    /// Sets the function that the thread calls again and again while it returns true, and after each ``wake()``.
    package func attach(_ step: @escaping @Sendable () -> Bool) {
        pthread_mutex_lock(mutex)
        stepper = step
        isWoken = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Makes the thread call the stepper soon. From any thread; never waits.
    package func wake() {
        pthread_mutex_lock(mutex)
        if !isWoken {
            isWoken = true
            pthread_cond_signal(condition)
        }
        pthread_mutex_unlock(mutex)
    }

    /// Ends the thread after the jobs queued by now. From any thread; does not wait for the end.
    package func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        if isStopped {
            pthread_mutex_unlock(mutex)
            job.runSynchronously(on: asUnownedSerialExecutor())
            return
        }
        jobs.append(job)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    package func checkIsolated() {
        precondition(isOnThread, "not on the thread of worker \(index)")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnThread }

    private var isOnThread: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Nanoseconds of work after which free memory goes back to the kernel, at the next quiet moment.
    private static let trimmedWorkMin: Int64 = 50_000_000
    /// Nanoseconds without work that are such a moment.
    private static let quietMin: Int64 = 200_000_000

    /// Waits, with the mutex locked, until there may be something to do. Gives back memory if that takes long; the mutex is free meanwhile.
    private func pause(_ workSinceTrim: inout Int64) {
        guard workSinceTrim >= Self.trimmedWorkMin else {
            pthread_cond_wait(condition, mutex)
            return
        }
        let end = MonotonicClock.nanoseconds + Self.quietMin
        var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        guard pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT else { return }
        workSinceTrim = 0
        pthread_mutex_unlock(mutex)
        ProcessMemory.giveBackFree()
        pthread_mutex_lock(mutex)
    }

    fileprivate func run() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        var hasMore = false
        var workSinceTrim: Int64 = 0
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !isWoken && !hasMore && !isStopping { pause(&workSinceTrim) }
            let batch = jobs
            jobs.removeAll(keepingCapacity: false)
            isWoken = false
            if isStopping && batch.isEmpty {
                isStopped = true
                stepper = nil
                pthread_mutex_unlock(mutex)
                return
            }
            let step = stepper
            pthread_mutex_unlock(mutex)
            let start = MonotonicClock.nanoseconds
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
            hasMore = step?() ?? false
            let spent = MonotonicClock.nanoseconds - start
            busy.add(spent, ordering: .relaxed)
            workSinceTrim += spent
        }
    }
}

private func workerThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let executor = Unmanaged<WorkerExecutor>.fromOpaque(context).takeRetainedValue()
    ProcessMemory.reserving { executor.run() }
    return nil
}
