internal import Synchronization

/// The versions of the messages and records that a build can read and write.
package struct WireVersions: Hashable, Sendable, Codable, CustomStringConvertible {
    package var lowest: Int
    package var highest: Int

    package init(lowest: Int, highest: Int) {
        precondition(1 <= lowest && lowest <= highest, "wire versions \(lowest) to \(highest)")
        self.lowest = lowest
        self.highest = highest
    }

    /// What this build writes and reads.
    package static let current = WireVersions(lowest: 1, highest: 1)

    /// What this process writes and reads: ``current`` unless a test of upgrades makes it a build of the next version.
    package static var used: WireVersions {
        isNext ? WireVersions(lowest: current.lowest, highest: current.highest + 1) : current
    }

    /// Whether this process stands for a build of the next version, which has a field more in membership messages and calls
    /// and a record kind more in the control log.
    package static var isNext: Bool { next.load(ordering: .relaxed) }

    /// For tests of upgrades, before anything else.
    package static func useNext() { next.store(true, ordering: .relaxed) }

    private static let next = Atomic<Bool>(false)

    /// The version that two builds talk in: the highest that both know; nil if there is none.
    package func negotiated(with other: WireVersions) -> Int? {
        let version = min(highest, other.highest)
        return version >= max(lowest, other.lowest) ? version : nil
    }

    package var description: String { lowest == highest ? "\(lowest)" : "\(lowest)-\(highest)" }
}
