/// An ad-hoc query: a graph over scans, and how its rows are presented.
package struct QueryPlan: Hashable, Sendable, Codable {
    package var graph: Graph
    /// The node whose rows are the answer.
    package var output: OperatorID
    /// The columns shown: the first `columns.count` of the output; further ones are for ordering only.
    package var columns: [ColumnSchema]
    /// Ties are broken by all columns, so an answer is determined also without ORDER BY.
    package var orderBy: [SortKey]
    package var limit: Int?
    package var offset: Int

    package init(
        graph: Graph, output: OperatorID, columns: [ColumnSchema], orderBy: [SortKey] = [], limit: Int? = nil,
        offset: Int = 0
    ) {
        self.graph = graph
        self.output = output
        self.columns = columns
        self.orderBy = orderBy
        self.limit = limit
        self.offset = offset
    }
}
