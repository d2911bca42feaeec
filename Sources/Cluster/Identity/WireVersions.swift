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

    /// The version that two builds talk in: the highest that both know; nil if there is none.
    package func negotiated(with other: WireVersions) -> Int? {
        let version = min(highest, other.highest)
        return version >= max(lowest, other.lowest) ? version : nil
    }

    package var description: String { lowest == highest ? "\(lowest)" : "\(lowest)-\(highest)" }
}
