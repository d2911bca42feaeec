/// The constants of the protocol. Times are in microseconds.
///
/// With the defaults a killed node of three is dead to the others after about 1.1 s: its closed connections make both
/// probe at once, both suspicions confirm each other, and the time-out falls to its least value. A silent one takes about 2 s.
package struct MembershipSettings: Sendable, Equatable {
    /// Between the beginnings of two probes in turn. Halving it finds silent nodes sooner and doubles the idle traffic.
    package var probeInterval: Int64 = 500_000
    /// From a probe until indirect ones help. Above the longest pause that is usual on a busy machine.
    package var probeTimeout: Int64 = 300_000
    /// From the indirect probes until their target is suspect.
    package var indirectTimeout: Int64 = 300_000
    /// Members asked to probe for us.
    package var indirectProbes = 3
    /// Probes of ours that run at a time; members that are to be probed out of turn wait for a place.
    package var probesMax = 8
    /// Probes for others that run at a time; more are not answered.
    package var relaysMax = 32
    /// The least time-out of a suspicion, in clusters of up to ten; it grows with the logarithm of the members.
    package var suspicionMin: Int64 = 1_000_000
    /// The time-out of a suspicion that nobody confirms, in multiples of the least one.
    package var suspicionFactor: Int64 = 5
    /// Confirmations after which the time-out is least, at most 3.
    package var confirmations = 2
    /// Local health at its worst: intervals and time-outs are multiplied by 1 + health.
    package var healthMax = 8
    /// Between full exchanges with a random member, plus up to half of it.
    package var exchangeInterval: Int64 = 5_000_000
    /// Between attempts to reach a dead member that the control log still lists.
    package var reconnectInterval: Int64 = 1_500_000
    /// A claim is passed on this many times, times the binary logarithm of the members.
    package var transmissionFactor = 3
    /// Claims on one message besides those about its receiver.
    package var claimsMax = 8
    /// An event that comes later than this after the time it was due shows that this process was held up: its own deadlines move.
    package var stallMin: Int64 = 200_000
    /// Lives in the table; the control log lists no more.
    package static let membersMax = 1_024

    package init() {}
}
