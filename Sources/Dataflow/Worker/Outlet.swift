/// Where the rows of a view or sink leave the engine, in the order and batches in which they come: not netted.
package protocol Outlet: AnyObject {
    /// Called on the worker's thread.
    func consume(_ delta: Delta)
}

/// Hands the same to several.
final class ManyOutlet: Outlet {
    private let outlets: [any Outlet]

    init(_ outlets: [any Outlet]) {
        self.outlets = outlets
    }

    func consume(_ delta: Delta) {
        for outlet in outlets { outlet.consume(delta) }
    }
}

/// Makes a worker's outlets when nodes are installed.
package protocol OutletProvider {
    func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet
    func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet
    /// For rows of ``TableSchema/rowErrorColumns``: the evaluation errors of a view's or sink's rows.
    func errorOutlet(owner: String) -> any Outlet
}
