/// Errors on the wire: those of the table as they were thrown, others as their description.
///
/// An error of the table is the payload of a ``CallError`` that has ``CallStatus/failed``: a CBOR map
/// `{"type": text, "value": item}`.
extension ActorMethodTable {
    /// What the caller is answered when serving its call threw `error`.
    package func answer(to error: any Error) -> CallError {
        // The transport's own errors keep their status: a method may fail because a call of its own did.
        if let error = error as? CallError { return error }
        guard let type = errorsByType[ObjectIdentifier(Swift.type(of: error))] else { return Self.plain(error) }
        do {
            guard let bytes = try type.encode(error) else { return Self.plain(error) }
            let item = CBORValue.map([("type", .text(type.name)), ("value", try CBORValue.decode(bytes))])
            return CallError(.failed, "the method threw \(type.name)", payload: item.written)
        } catch {
            return Self.plain(error)
        }
    }

    /// An error without an entry in the table: its description alone.
    static func plain(_ error: any Error) -> CallError {
        (error as? CallError) ?? CallError(.failed, String(describing: error))
    }

    /// The error that was thrown where the call was served, if it is of the table, else `error` itself.
    package func thrown(_ error: CallError) -> any Error {
        guard error.status == .failed, !error.payload.isEmpty else { return error }
        do {
            guard case .map(let entries) = try CBORValue.decode(error.payload),
                case .text(let name)? = entries.first(where: { $0.0 == "type" })?.1,
                let value = entries.first(where: { $0.0 == "value" })?.1, let type = errorsByName[name]
            else { return error }
            return try type.decode(value)
        } catch {
            return CallError(.internalFailure, "cannot read the error that a method threw: \(error)")
        }
    }
}
