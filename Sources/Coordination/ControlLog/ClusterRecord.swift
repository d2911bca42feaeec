package import Cluster

/// A decision about nodes, leadership or placement.
///
/// `author` is the life that appended the record: one that is not current when the record is folded is refused, so that
/// whatever a removed node still appends counts for nothing.
package enum ClusterRecord: Hashable, Sendable {
    case found(Found)
    case join(Join)
    case admit(Admit)
    case leave(Leave)
    case remove(Remove)
    case lead(Lead)
    case assign(Assign)
    case place(Place)
    case drain(Drain)
    case moveLead(MoveLead)
    case rebalance(Rebalance)

    /// The cluster's id, for ever: the first one counts. Nodes whose log has another id refuse each other.
    package struct Found: Hashable, Sendable, Codable {
        package var id: String
        /// The release of the tzdata that its maker reads time zones from; nil in older logs.
        package var tzdata: String?

        package init(id: String, tzdata: String? = nil) {
            self.id = id
            self.tzdata = tzdata
        }
    }

    /// A process wants to be a node. The record's offset is the incarnation of that life.
    package struct Join: Hashable, Sendable, Codable {
        package var name: NodeName
        /// Identifies the data directory: another one may take the name over only when the old life has been removed.
        package var directory: String
        /// Drawn for each attempt to begin a life: the same one again is a duplicate.
        package var nonce: String
        /// The newest life of that name; nil if there was none.
        package var after: Incarnation?
        package var description: NodeDescription

        package init(
            name: NodeName, directory: String, nonce: String, after: Incarnation?, description: NodeDescription
        ) {
            self.name = name
            self.directory = directory
            self.nonce = nonce
            self.after = after
            self.description = description
        }
    }

    /// The coordinator has reached the joiner and the joiner has reached it: from now on it may own vnodes.
    package struct Admit: Hashable, Sendable, Codable {
        package var life: Incarnation
        package var author: Incarnation
        package var term: Int64

        package init(life: Incarnation, author: Incarnation, term: Int64) {
            self.life = life
            self.author = author
            self.term = term
        }
    }

    /// The author's life ends as it wishes.
    package struct Leave: Hashable, Sendable, Codable {
        package var author: Incarnation
        package var reason: String

        package init(author: Incarnation, reason: String) {
            self.author = author
            self.reason = reason
        }
    }

    /// A life ends, whether or not its process runs.
    package struct Remove: Hashable, Sendable, Codable {
        package var life: Incarnation
        package var reason: String
        package var author: Incarnation
        /// The coordinator's; nil if an operator asked for it.
        package var term: Int64?

        package init(life: Incarnation, reason: String, author: Incarnation, term: Int64?) {
            self.life = life
            self.reason = reason
            self.author = author
            self.term = term
        }
    }

    /// The author becomes coordinator.
    package struct Lead: Hashable, Sendable, Codable {
        package var term: Int64
        /// The term that it follows.
        package var after: Int64
        package var author: Incarnation
        package var reason: String

        package init(term: Int64, after: Int64, author: Incarnation, reason: String) {
            self.term = term
            self.after = after
            self.author = author
            self.reason = reason
        }
    }

    /// The next generation.
    package struct Assign: Hashable, Sendable, Codable {
        package var assignment: Assignment
        /// The generation that it follows.
        package var after: Int64
        package var author: Incarnation
        package var term: Int64
        package var reason: String

        package init(assignment: Assignment, after: Int64, author: Incarnation, term: Int64, reason: String) {
            self.assignment = assignment
            self.after = after
            self.author = author
            self.term = term
            self.reason = reason
        }
    }

    /// Where the connector tasks of the current generation run from now on: its vnodes and its state stay as they are.
    package struct Place: Hashable, Sendable, Codable {
        /// In order of the task's name.
        package var tasks: [Assignment.TaskPlacement]
        package var generation: Int64
        package var author: Incarnation
        package var term: Int64
        package var reason: String

        package init(
            tasks: [Assignment.TaskPlacement], generation: Int64, author: Incarnation, term: Int64, reason: String
        ) {
            self.tasks = tasks
            self.generation = generation
            self.author = author
            self.term = term
            self.reason = reason
        }
    }

    /// A node shall own nothing any more, or may again. When a generation without it is under way it can leave.
    package struct Drain: Hashable, Sendable, Codable {
        package var life: Incarnation
        package var isDraining: Bool
        package var author: Incarnation
        package var reason: String

        package init(life: Incarnation, isDraining: Bool, author: Incarnation, reason: String) {
            self.life = life
            self.isDraining = isDraining
            self.author = author
            self.reason = reason
        }
    }

    /// Another node shall be coordinator: it may propose itself at once.
    package struct MoveLead: Hashable, Sendable, Codable {
        package var to: Incarnation
        package var author: Incarnation
        package var reason: String

        package init(to: Incarnation, author: Incarnation, reason: String) {
            self.to = to
            self.author = author
            self.reason = reason
        }
    }

    /// The coordinator shall make a new generation of equal shares, also if no node came or went.
    package struct Rebalance: Hashable, Sendable, Codable {
        package var author: Incarnation
        package var reason: String

        package init(author: Incarnation, reason: String) {
            self.author = author
            self.reason = reason
        }
    }

    /// The life that appended it; nil for records that come before there is one.
    package var author: Incarnation? {
        switch self {
        case .found, .join: nil
        case .admit(let record): record.author
        case .leave(let record): record.author
        case .remove(let record): record.author
        case .lead(let record): record.author
        case .assign(let record): record.author
        case .place(let record): record.author
        case .drain(let record): record.author
        case .moveLead(let record): record.author
        case .rebalance(let record): record.author
        }
    }
}
