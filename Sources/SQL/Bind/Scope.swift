internal import Dataflow

/// The columns that names can refer to: those of the FROM clause's elements, in the order of its plan's output.
struct Scope {
    struct Column {
        /// The alias or name of the element that it comes from; nil if it has none.
        var table: String?
        var name: String
        var type: DataType
        var isNullable: Bool
        /// Found by its name, but not part of `*`: a source's metadata, or the second column of USING.
        var isHidden = false
        /// Found only with its table's name: the second column of USING.
        var isMerged = false
        /// Part of the primary key of the table that it comes from.
        var isKey = false
        /// The only column of a function, for which the function's alias alone stands.
        var isWhole = false
        /// The row that it is of may be missing: its table is a side of an outer join that is not kept whole.
        var isOptional = false
        /// Never NULL where the row that it is of is there.
        var isFirm = false
    }

    var columns: [Column] = []

    var tables: [String] {
        var names: [String] = []
        for column in columns {
            if let table = column.table, !names.contains(table) { names.append(table) }
        }
        return names
    }

    func find(qualifier: String?, name: String, at location: Int) throws(Failure) -> Int {
        let matches = columns.indices.filter { index in
            let column = columns[index]
            guard column.name == name else { return false }
            return qualifier.map { column.table == $0 } ?? !column.isMerged
        }
        if matches.count == 1 { return matches[0] }
        let shown = qualifier.map { "\($0).\(name)" } ?? name
        if matches.count > 1 { throw Failure("42702", "column reference \"\(name)\" is ambiguous", at: location) }
        if let qualifier, !columns.contains(where: { $0.table == qualifier }) {
            throw Failure(
                "42P01", "missing FROM-clause entry for table \"\(qualifier)\"", at: location,
                hint: Suggestion.hint(for: qualifier, among: tables))
        }
        let candidates = columns.filter { qualifier == nil || $0.table == qualifier }
        let nearest = Suggestion.nearest(to: name, among: candidates.map(\.name))
        let owner = nearest.flatMap { found in candidates.first { $0.name == found }?.table }
        throw Failure(
            "42703", qualifier == nil ? "column \"\(name)\" does not exist" : "column \(shown) does not exist",
            at: location,
            hint: nearest.map { name in
                "Perhaps you meant to reference the column \"\(owner.map { "\($0).\(name)" } ?? name)\"."
            })
    }

    /// The column for which the alias of a function stands.
    func whole(_ alias: String) -> Int? {
        let matches = columns.indices.filter { columns[$0].isWhole && columns[$0].table == alias }
        return matches.count == 1 ? matches[0] : nil
    }

    /// The columns of `*` or `t.*`.
    func star(_ qualifier: String?, at location: Int) throws(Failure) -> [Int] {
        if let qualifier, !columns.contains(where: { $0.table == qualifier }) {
            throw Failure(
                "42P01", "missing FROM-clause entry for table \"\(qualifier)\"", at: location,
                hint: Suggestion.hint(for: qualifier, among: tables))
        }
        if qualifier == nil, columns.isEmpty {
            throw Failure("42601", "SELECT * with no tables specified is not valid", at: location)
        }
        return columns.indices.filter { index in
            let column = columns[index]
            if let qualifier { return column.table == qualifier && (!column.isHidden || column.isMerged) }
            return !column.isHidden
        }
    }
}
