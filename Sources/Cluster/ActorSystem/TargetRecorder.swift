internal import Synchronization

/// Notes which method a proxy was asked to call, while the table of methods is made.
final class TargetRecorder: Sendable {
    private let state = Mutex<String?>(nil)

    var identifier: String? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
