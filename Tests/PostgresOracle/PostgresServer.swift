import Glibc
import Synchronization

/// The PostgreSQL server of this process: started at the first use, in a directory of its own under the system's temporary one.
///
/// A shell is its parent: it starts the server, says so, and waits for the end of its standard input, which is a pipe that only
/// this process holds. However the process ends, the pipe closes; the shell then stops the server and removes the directory.
enum PostgresServer {
    private static let binaries = "/usr/lib/postgresql/15/bin"

    private enum State {
        case none
        case running(directory: String)
        case failed(PostgresError)
    }

    private static let state = Mutex<State>(.none)
    /// The pipe's end and the shell's process, for the end of this process.
    private static let keeper = Mutex<(pipe: Int32, process: pid_t)>((-1, 0))

    /// The directory of the server's socket.
    static func shared() throws(PostgresError) -> String {
        let now = state.withLock { state in
            if case .none = state {
                do throws(PostgresError) {
                    state = .running(directory: try start())
                } catch {
                    state = .failed(error)
                }
            }
            return state
        }
        switch now {
        case .running(let directory): return directory
        case .failed(let error): throw error
        case .none: preconditionFailure("the state was just set")
        }
    }

    /// `$1` is the directory, the rest what runs a command as an unprivileged user.
    private static let script = """
        directory=$1; shift
        fail() { cat "$directory/log" >&2; rm -rf "$directory"; exit 1; }
        cd /
        "$@" \(binaries)/initdb -D "$directory/data" -U oracle --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync \
          --no-instructions >"$directory/log" 2>&1 || fail
        "$@" \(binaries)/postgres -D "$directory/data" -k "$directory" -c listen_addresses= -c fsync=off -c full_page_writes=off \
          -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c jit=off -c timezone=UTC \
          -c shared_buffers=128MB -c work_mem=64MB -c max_connections=60 -c statement_timeout=60s >"$directory/log" 2>&1 </dev/null &
        server=$!
        until \(binaries)/pg_isready -q -h "$directory"; do kill -0 $server 2>/dev/null || fail; sleep 0.05; done
        echo ready
        cat >/dev/null
        kill -QUIT $server; wait $server 2>/dev/null
        rm -rf "$directory"
        """

    private static func start() throws(PostgresError) -> String {
        guard access("\(binaries)/postgres", X_OK) == 0 else {
            throw PostgresError(message: "\(binaries)/postgres is missing: run scripts/setup, or install postgresql-15")
        }
        var template = Array("/tmp/dataprism-oracle-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw failure("mkdtemp") }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var command = ["/bin/sh", "-c", script, "postgres-oracle", directory]
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") ?? getpwnam("nobody") else { throw failure("getpwnam") }
            let (uid, gid) = (user.pointee.pw_uid, user.pointee.pw_gid)
            guard chown(directory, uid, gid) == 0 else { throw failure("chown") }
            command += ["setpriv", "--reuid=\(uid)", "--regid=\(gid)", "--clear-groups"]
        } else {
            command.append("env")
        }
        try launch(command)
        return directory
    }

    /// Starts the shell and waits until it says that the server is ready.
    private static func launch(_ command: [String]) throws(PostgresError) {
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw failure("pipe") }
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, which Glibc's module does not show. A session of its own: an interrupt from the terminal is for the tests, whose end the shell then sees.
        posix_spawnattr_setflags(&attributes, 0x80)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        guard posix_spawn(&process, command[0], &actions, &attributes, arguments, environ) == 0 else {
            throw failure("posix_spawn")
        }
        close(input[0])
        close(output[1])
        defer { close(output[0]) }
        keeper.withLock { $0 = (input[1], process) }
        atexit { PostgresServer.stop() }
        var byte: UInt8 = 0
        guard read(output[0], &byte, 1) == 1 else {
            throw PostgresError(message: "the PostgreSQL server did not start: its log is above")
        }
    }

    /// Lets the shell stop the server, and waits for it.
    private static func stop() {
        keeper.withLock { keeper in
            guard keeper.process != 0 else { return }
            close(keeper.pipe)
            waitpid(keeper.process, nil, 0)
            keeper = (-1, 0)
        }
    }

    private static func failure(_ call: String) -> PostgresError {
        PostgresError(message: "\(call): \(String(cString: strerror(errno)))")
    }
}
