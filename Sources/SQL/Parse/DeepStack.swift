import Glibc

/// Runs work on threads whose stacks are deep enough for the recursion that the compiler's limits allow.
///
/// The threads stay: libpg_query makes a thread-specific key in every thread that parses, which it never deletes, and a process has
/// 1 024 of them.
enum DeepStack {
    /// Address space, not memory: a page counts once it is touched. libpg_query and protobuf-c take up to 3 KiB for
    /// a level of the parse tree, debug builds of the binder about 6 KiB, and ``Limits/chainMax`` bounds the levels.
    private static let stackBytes = 256 << 20
    /// So many statements are compiled at once; others wait.
    private static let threadsMax = 4

    private final class Job<Result> {
        let body: () throws(Failure) -> Result
        var outcome: Swift.Result<Result, Failure>?

        init(_ body: @escaping () throws(Failure) -> Result) { self.body = body }

        func run() {
            do throws(Failure) {
                outcome = .success(try body())
            } catch {
                outcome = .failure(error)
            }
        }
    }

    /// Runs `body` to its end on one of the threads and waits for it.
    static func run<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let outcome = withoutActuallyEscaping(body) { body -> Swift.Result<Result, Failure>? in
            let job = Job(body)
            guard pool.run({ job.run() }) else { return nil }
            return job.outcome
        }
        guard let outcome else { throw Failure("53000", "no thread could be started to compile the statement") }
        return try outcome.get()
    }

    private static let pool = Pool()

    /// Threads and the work that waits for them. Whoever gives work blocks until it is done, so there is no more of it than callers.
    // SAFETY: all properties but the two primitives, which never move, are used with the mutex held.
    private final class Pool: @unchecked Sendable {
        private final class Work {
            let body: () -> Void
            var isDone = false

            init(_ body: @escaping () -> Void) { self.body = body }
        }

        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        /// Signalled when work comes and when some is done.
        private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var waiting: [Work] = []
        private var threads = 0
        private var idle = 0

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(change, nil)
        }

        deinit {
            pthread_cond_destroy(change)
            pthread_mutex_destroy(mutex)
            change.deallocate()
            mutex.deallocate()
        }

        /// False if there is no thread and none could be started.
        func run(_ body: @escaping () -> Void) -> Bool {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            if idle <= waiting.count, threads < DeepStack.threadsMax, start() { threads += 1 }
            guard threads > 0 else { return false }
            let work = Work(body)
            waiting.append(work)
            pthread_cond_broadcast(change)
            while !work.isDone { pthread_cond_wait(change, mutex) }
            return true
        }

        private func start() -> Bool {
            withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { memory in
                guard let attributes = memory.baseAddress, pthread_attr_init(attributes) == 0 else { return false }
                defer { pthread_attr_destroy(attributes) }
                pthread_attr_setstacksize(attributes, DeepStack.stackBytes)
                pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
                let reference = Unmanaged.passRetained(self)
                var thread: pthread_t = 0
                let status = pthread_create(
                    &thread, attributes,
                    { argument in
                        if let argument { Unmanaged<Pool>.fromOpaque(argument).takeRetainedValue().work() }
                        return nil
                    }, reference.toOpaque())
                if status != 0 { reference.release() }
                return status == 0
            }
        }

        private func work() {
            pthread_mutex_lock(mutex)
            while true {
                guard !waiting.isEmpty else {
                    idle += 1
                    pthread_cond_wait(change, mutex)
                    idle -= 1
                    continue
                }
                let work = waiting.removeFirst()
                pthread_mutex_unlock(mutex)
                work.body()
                pthread_mutex_lock(mutex)
                work.isDone = true
                pthread_cond_broadcast(change)
            }
        }
    }
}
