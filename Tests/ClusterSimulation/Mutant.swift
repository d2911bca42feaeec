/// One mistake each, made by the simulated shell or by a setting: the simulation must catch all of them.
package enum Mutant: String, Sendable, CaseIterable {
    /// A receiver takes frames of any generation.
    case acceptOldGeneration
    /// A coordinator acts on its assignment before it is read back.
    case skipReadBack
    /// A node's objections to being suspected do not carry a new number.
    case loseRefutation
    /// The fold takes a second lead of a term.
    case twoLeadsInATerm
    /// An epoch counts as recorded when its record is sent.
    case acknowledgeBeforeFold
    /// Nobody probes for others.
    case forgetIndirectProbe
    /// The same join twice makes two lives.
    case doubleJoin
    /// Records of ended lives count.
    case acceptEndedAuthor
    /// A record that was lost is not appended again.
    case neverRepeat
    /// A node answers without knowing the log's end.
    case ignoreLease
    /// Suspicions last no time.
    case hastySuspicion
    /// A node proposes itself though the coordinator still acts.
    case ignoreLeadSilence
    /// The coordinator counts a node as done that it has only told to begin.
    case commitWithoutReports
    /// A node reads an assignment wrongly.
    case misreadAssignment
    /// The log is trimmed behind a folded state that was not read back as accepted.
    case trimUnread
    /// A node makes a folded state though it has skipped records of a later release.
    case foldUnknown
    /// A paused process goes on in its old life when it wakes up.
    case forgetTheLog
    /// Joiners are not probed by the coordinator: it admits nobody.
    case neverAdmit
}
