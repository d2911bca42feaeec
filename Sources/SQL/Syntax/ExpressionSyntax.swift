/// A scalar expression as written: only what is supported; the reader of the parse tree refuses the rest by name.
struct ExpressionSyntax {
    var kind: Kind
    /// 0-based byte of the parsed text; −1 if unknown.
    var location: Int

    indirect enum Kind {
        /// `name` or `qualifier.name`.
        case column(qualifier: String?, name: String)
        /// `*` or `t.*`, in a select list.
        case star(qualifier: String?)
        case null
        case boolean(Bool)
        case integer(Int32)
        /// Digits with a point, an exponent or more than an integer holds.
        case number(String)
        case string(String)
        case unary(String, ExpressionSyntax)
        case binary(String, ExpressionSyntax, ExpressionSyntax)
        case and([ExpressionSyntax])
        case or([ExpressionSyntax])
        case not(ExpressionSyntax)
        case isNull(ExpressionSyntax, negated: Bool)
        /// `IS [NOT] TRUE | FALSE | UNKNOWN`; nil is UNKNOWN.
        case isTruth(ExpressionSyntax, Bool?, negated: Bool)
        case isDistinct(ExpressionSyntax, ExpressionSyntax, negated: Bool)
        case isIn(ExpressionSyntax, [ExpressionSyntax], negated: Bool)
        case between(ExpressionSyntax, ExpressionSyntax, ExpressionSyntax, negated: Bool, symmetric: Bool)
        case nullIf(ExpressionSyntax, ExpressionSyntax)
        case branches(
            operand: ExpressionSyntax?, [(condition: ExpressionSyntax, value: ExpressionSyntax)],
            otherwise: ExpressionSyntax?)
        case coalesce([ExpressionSyntax])
        case extreme(isGreatest: Bool, [ExpressionSyntax])
        /// `ARRAY[…]`.
        case array([ExpressionSyntax])
        /// `a[i]`, `a[i:j]`, one after the other.
        case element(ExpressionSyntax, [Subscript])
        /// `(row).field`.
        case field(ExpressionSyntax, String)
        /// `x op ANY (array)`, or ALL.
        case arrayQuantified(String, ExpressionSyntax, ExpressionSyntax, isAll: Bool)
        case cast(ExpressionSyntax, TypeSyntax)
        case call(CallSyntax)
        /// A scalar sub-query, or the table of a table function.
        case subquery(QuerySyntax)
        /// One of the columns of a sub-query that is compared with a row of `count` fields.
        case subqueryColumn(QuerySyntax, Int, count: Int)
        case exists(QuerySyntax)
        /// `ARRAY(SELECT …)`.
        case arrayOf(QuerySyntax)
        /// `text COLLATE "C"`.
        case collated(ExpressionSyntax)
        /// `x op ANY (SELECT …)` or ALL; IN is `= ANY`.
        case quantified(ExpressionSyntax, symbol: String, isAll: Bool, QuerySyntax)
        /// `(a, b)`, only where rows are compared.
        case row([ExpressionSyntax])
        /// `GROUPING(a, b)`.
        case grouping([ExpressionSyntax])
        /// `DEFAULT` in the rows of an INSERT.
        case defaultValue
    }
}

extension ExpressionSyntax {
    enum Subscript {
        case index(ExpressionSyntax)
        /// A bound left out is that of the array.
        case slice(ExpressionSyntax?, ExpressionSyntax?)
    }
}

/// A type's name with its modifiers, e.g. `numeric(10,2)`.
struct TypeSyntax {
    var name: String
    var modifiers: [ExpressionSyntax]
    /// `[]` or `ARRAY` follows; the number of dimensions does not count, as in PostgreSQL.
    var isArray = false
    var location: Int
}

/// A call of a function, aggregate or window function.
struct CallSyntax {
    var name: String
    var arguments: [ExpressionSyntax]
    /// The names that arguments were given by (`days => 10`), as many as arguments; empty stands for none.
    var argumentNames: [String?] = []
    /// `VARIADIC` stands before the last argument.
    var isVariadic = false
    /// `count(*)`.
    var isStar = false
    var isDistinct = false
    var filter: ExpressionSyntax?
    /// ORDER BY inside of an aggregate, or of WITHIN GROUP.
    var orderBy: [SortSyntax] = []
    var isWithinGroup = false
    var over: WindowSyntax?
}

/// What follows OVER, or a name in WINDOW.
struct WindowSyntax {
    /// The named window that it is, or that it copies.
    var base: String?
    /// It is written in brackets, or in WINDOW: then it may say more than its base.
    var isWritten = true
    var partitionBy: [ExpressionSyntax]
    var orderBy: [SortSyntax]
    var frame: FrameSyntax?
    var location: Int
}

struct FrameSyntax {
    enum Bound {
        case unboundedPreceding
        case preceding(ExpressionSyntax)
        case currentRow
        case following(ExpressionSyntax)
        case unboundedFollowing
    }

    var unit: Unit
    var start: Bound
    var end: Bound
    var exclusion: Exclusion

    enum Unit { case rows, range, groups }
    enum Exclusion { case none, currentRow, group, ties }
}

struct SortSyntax {
    var expression: ExpressionSyntax
    var descending: Bool
    /// nil for the direction's own: last if ascending.
    var nullsFirst: Bool?
}
