extension OperatorKind {
    /// A join on equal keys, of which there may be none: then every pair of rows meets. Rows are pairs where also `condition` is true.
    ///
    /// Output: of `semi` and `anti` the left columns; else the left columns, then the right ones, NULL where a row kept has no partner.
    /// A key that is NULL meets nothing, unless its place is in `nullSafe`: there NULL equals NULL.
    package struct Join: Hashable, Sendable, Codable {
        package enum Kind: String, Hashable, Sendable, Codable {
            case inner, left, full
            /// Left rows that have a partner.
            case semi
            /// Left rows that have none.
            case anti

            /// The output has the columns of both sides.
            package var isWide: Bool { self != .semi && self != .anti }
            /// A left row's partners are counted: whether it has one decides what is shown.
            package var tracksLeft: Bool { self != .inner }
            package var tracksRight: Bool { self == .full }
        }

        package var kind: Kind
        package var leftKeys: [Int]
        package var rightKeys: [Int]
        /// Places in the lists of keys, ascending.
        package var nullSafe: [Int]
        /// Over the left columns, then the right ones.
        package var condition: Expression?
        /// When the rows kept of a side can go, if ever.
        package var leftExpiry: Expiry?
        package var rightExpiry: Expiry?

        package init(
            kind: Kind = .inner, leftKeys: [Int], rightKeys: [Int], nullSafe: [Int] = [], condition: Expression? = nil,
            leftExpiry: Expiry? = nil, rightExpiry: Expiry? = nil
        ) {
            self.kind = kind
            self.leftKeys = leftKeys
            self.rightKeys = rightKeys
            self.nullSafe = nullSafe
            self.condition = condition
            self.leftExpiry = leftExpiry
            self.rightExpiry = rightExpiry
        }

        /// Graphs deployed before there were other joins name only keys and expiries.
        package init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                kind: try values.decodeIfPresent(Kind.self, forKey: .kind) ?? .inner,
                leftKeys: try values.decode([Int].self, forKey: .leftKeys),
                rightKeys: try values.decode([Int].self, forKey: .rightKeys),
                nullSafe: try values.decodeIfPresent([Int].self, forKey: .nullSafe) ?? [],
                condition: try values.decodeIfPresent(Expression.self, forKey: .condition),
                leftExpiry: try values.decodeIfPresent(Expiry.self, forKey: .leftExpiry),
                rightExpiry: try values.decodeIfPresent(Expiry.self, forKey: .rightExpiry))
        }
    }
}
