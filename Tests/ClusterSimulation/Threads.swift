internal import Glibc

/// Plain threads: the simulation never suspends, and must not block the cooperative pool.
enum Threads {
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    /// Runs the body on `count` threads and returns when all are done.
    static func run(count: Int, _ body: @escaping @Sendable () -> Void) {
        var threads: [pthread_t] = []
        for _ in 0..<count {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(Work(body)).toOpaque()
            let result = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
                    return nil
                }, context)
            precondition(result == 0, "cannot start a thread: error \(result)")
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}
