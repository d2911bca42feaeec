/// Where the rows of a view or sink leave the engine, in the order and batches in which they come: not netted.
package protocol Outlet: AnyObject {
    /// Called on the worker's thread.
    func consume(_ delta: Delta)
}

/// Makes a worker's outlets when nodes are installed.
package protocol OutletProvider {
    func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet
    func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet
    /// For rows of ``TableSchema/rowErrorColumns``: the evaluation errors of a view's or sink's rows.
    func errorOutlet(owner: String) -> any Outlet
}
