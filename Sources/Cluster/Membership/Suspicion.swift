/// Why and until when a member is suspect: the time-out shrinks as independent accusers confirm (Lifeguard).
struct Suspicion: Sendable {
    let since: Instant
    private(set) var deadline: Instant
    /// In order of accusation, the first one included; at most 1 + the confirmations wanted.
    private(set) var accusers: [NodeName]
    private let least: Int64
    private let most: Int64
    private let wanted: Int
    /// Moved by the time for which this process was held up.
    private var shift: Int64 = 0

    /// - Parameters:
    ///   - members: alive and suspect ones, this node included.
    init(by accuser: NodeName, members: Int, settings: MembershipSettings, now: Instant) {
        since = now
        accusers = [accuser]
        least = settings.suspicionMin * Self.sizeFactor(members) / 1_000
        // Of n members one is suspect and one has accused it.
        wanted = min(settings.confirmations, max(0, members - 2))
        most = wanted == 0 ? least : least * settings.suspicionFactor
        deadline = now + most
    }

    /// Whether the accuser was a new one that counts.
    mutating func confirm(by accuser: NodeName) -> Bool {
        guard accusers.count <= wanted, !accusers.contains(accuser) else { return false }
        accusers.append(accuser)
        // timeout = max(least, most − (most − least) · log(c + 1) / log(k + 1)) for c of k confirmations.
        let fraction = Self.fractions[wanted][accusers.count - 1]
        deadline = since + (most - (most - least) * fraction / 1_000) + shift
        return true
    }

    mutating func postpone(by microseconds: Int64) {
        shift += microseconds
        deadline = deadline + microseconds
    }

    /// Thousandths of log(c + 1) / log(k + 1), by k and c.
    private static let fractions: [[Int64]] = [[1_000], [0, 1_000], [0, 631, 1_000], [0, 500, 792, 1_000]]

    /// Thousandths of max(1, log10 n).
    private static func sizeFactor(_ members: Int) -> Int64 {
        switch members {
        case ...10: 1_000
        case ...16: 1_200
        case ...32: 1_500
        case ...64: 1_800
        case ...128: 2_100
        case ...256: 2_400
        default: 3_000
        }
    }
}
