/// What one worker sends another over an exchange edge, in order.
package enum ExchangeMessage: Sendable {
    /// Rows for the receiver's vnodes. `edge` is the id of the exchange node.
    case rows(edge: OperatorID, Delta)
    /// The sender has sent all rows of the running epoch on this edge.
    case barrier(edge: OperatorID)
}

/// A message and the worker that it is for.
package struct OutboundMessage: Sendable {
    package var target: Int
    package var message: ExchangeMessage

    package init(target: Int, message: ExchangeMessage) {
        self.target = target
        self.message = message
    }
}
