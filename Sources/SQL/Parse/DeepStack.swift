import Glibc

/// Runs work on a thread whose stack is deep enough for the recursion that the compiler's limits allow.
enum DeepStack {
    /// Address space, not memory: a page counts once it is touched. libpg_query and protobuf-c take up to 3 KiB for
    /// a level of the parse tree, debug builds of the binder about 6 KiB, and ``Limits/chainMax`` bounds the levels.
    private static let size = 256 << 20

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

    private final class Start {
        let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Runs `body` to its end on the other thread and waits for it.
    static func run<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let outcome = withoutActuallyEscaping(body) { body -> Swift.Result<Result, Failure>? in
            let job = Job(body)
            let start = Unmanaged.passRetained(Start { job.run() })
            var thread: pthread_t = 0
            let status = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { memory -> Int32 in
                guard let attributes = memory.baseAddress, pthread_attr_init(attributes) == 0 else { return ENOMEM }
                defer { pthread_attr_destroy(attributes) }
                pthread_attr_setstacksize(attributes, size)
                return pthread_create(
                    &thread, attributes,
                    { argument in
                        guard let argument else { return nil }
                        Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                        return nil
                    }, start.toOpaque())
            }
            if status != 0 {
                start.release()
                return nil
            }
            pthread_join(thread, nil)
            return job.outcome
        }
        guard let outcome else { throw Failure("53000", "no thread could be started to compile the statement") }
        return try outcome.get()
    }
}
