internal import CPgQuery

extension TreeReader {
    /// The bits of PostgreSQL's frame options (its parsenodes.h).
    private enum FrameOption {
        static let isWritten: Int32 = 0x1
        static let rows: Int32 = 0x4
        static let groups: Int32 = 0x8
        static let startUnboundedPreceding: Int32 = 0x20
        static let endUnboundedPreceding: Int32 = 0x40
        static let startUnboundedFollowing: Int32 = 0x80
        static let endUnboundedFollowing: Int32 = 0x100
        static let startCurrentRow: Int32 = 0x200
        static let endCurrentRow: Int32 = 0x400
        static let startPreceding: Int32 = 0x800
        static let endPreceding: Int32 = 0x1000
        static let excludeCurrentRow: Int32 = 0x8000
        static let excludeGroup: Int32 = 0x10000
        static let excludeTies: Int32 = 0x20000
    }

    mutating func window(_ window: PgQuery__WindowDef) throws(Failure) -> WindowSyntax {
        let name = Self.string(window.name)
        let copied = Self.string(window.refname)
        var syntax = WindowSyntax(
            base: copied.isEmpty ? nil : copied,
            partitionBy: try expressions(
                Self.list(window.partition_clause, window.n_partition_clause)),
            orderBy: try sort(Self.list(window.order_clause, window.n_order_clause)), frame: try frame(window),
            location: Int(window.location))
        // `OVER w` names its window; in WINDOW the name is the window's own.
        if copied.isEmpty, !name.isEmpty {
            syntax.base = name
            syntax.isWritten = false
        }
        return syntax
    }

    /// The windows of a WINDOW clause.
    mutating func windows(_ nodes: [Node]) throws(Failure) -> [(name: String, window: WindowSyntax)] {
        var result: [(name: String, window: WindowSyntax)] = []
        for node in nodes {
            let definition = node.pointee.window_def.pointee
            let name = Self.string(definition.name)
            var syntax = try window(definition)
            if !syntax.isWritten {
                syntax.base = nil
                syntax.isWritten = true
            }
            if result.contains(where: { $0.name == name }) {
                throw Failure("42P20", "window \"\(name)\" is already defined", at: syntax.location)
            }
            result.append((name, syntax))
        }
        return result
    }

    private mutating func frame(_ window: PgQuery__WindowDef) throws(Failure) -> FrameSyntax? {
        let options = window.frame_options
        guard options & FrameOption.isWritten != 0 else { return nil }
        func has(_ option: Int32) -> Bool { options & option != 0 }
        let start: FrameSyntax.Bound
        if has(FrameOption.startUnboundedPreceding) {
            start = .unboundedPreceding
        } else if has(FrameOption.startUnboundedFollowing) {
            start = .unboundedFollowing
        } else if has(FrameOption.startCurrentRow) {
            start = .currentRow
        } else {
            guard let offset = window.start_offset else { throw Failure("42601", "a frame's offset is missing") }
            start =
                has(FrameOption.startPreceding)
                ? .preceding(try expression(offset)) : .following(try expression(offset))
        }
        let end: FrameSyntax.Bound
        if has(FrameOption.endUnboundedFollowing) {
            end = .unboundedFollowing
        } else if has(FrameOption.endUnboundedPreceding) {
            end = .unboundedPreceding
        } else if has(FrameOption.endCurrentRow) {
            end = .currentRow
        } else {
            guard let offset = window.end_offset else { throw Failure("42601", "a frame's offset is missing") }
            end =
                has(FrameOption.endPreceding) ? .preceding(try expression(offset)) : .following(try expression(offset))
        }
        return FrameSyntax(
            unit: has(FrameOption.rows) ? .rows : has(FrameOption.groups) ? .groups : .range, start: start, end: end,
            exclusion: has(FrameOption.excludeCurrentRow)
                ? .currentRow : has(FrameOption.excludeGroup) ? .group : has(FrameOption.excludeTies) ? .ties : .none)
    }
}
