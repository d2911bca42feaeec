/// Many signatures as one entry of the registry: a polymorphic function (`anyarray`) or one of any number of arguments.
///
/// A graph names one of its signatures by key, as any other function's, and ``make`` gives the function for it.
package struct FunctionTemplate: Sendable {
    package enum Parameter: Sendable, Hashable {
        case type(DataType)
        /// Any type at all; an untyped literal is text.
        case any
        /// A type that is no array; all of these, and the elements of all ``array``s, are of one type.
        case element
        case array
    }

    package let name: String
    package let parameters: [Parameter]
    /// The last parameter may stand any number of times, at least ``variadicMin``.
    package let isVariadic: Bool
    package let variadicMin: Int
    /// The most arguments of a call.
    package let argumentsMax: Int
    /// One sentence for the reference.
    package let documentation: String
    /// As the reference shows it, e.g. `text`.
    package let result: String
    /// The function for these argument types, which fit the parameters; nil if it has none for them after all.
    package let make: @Sendable (_ arguments: [DataType]) -> ScalarFunction?

    init(
        _ name: String, _ parameters: [Parameter], variadicMin: Int? = nil, result: String,
        argumentsMax: Int = 100, _ documentation: String,
        make: @escaping @Sendable (_ arguments: [DataType]) -> ScalarFunction?
    ) {
        self.name = name
        self.parameters = parameters
        isVariadic = variadicMin != nil
        self.variadicMin = variadicMin ?? 0
        self.argumentsMax = argumentsMax
        self.documentation = documentation
        self.result = result
        self.make = make
    }

    /// The parameters of a call with `count` arguments; nil if it cannot have so many.
    private func expanded(_ count: Int) -> [Parameter]? {
        guard isVariadic, let last = parameters.last else { return count == parameters.count ? parameters : nil }
        let fixed = parameters.dropLast()
        guard count >= fixed.count + variadicMin, count <= argumentsMax else { return nil }
        return fixed + [Parameter](repeating: last, count: count - fixed.count)
    }

    /// The function for operands of these types (nil: an untyped literal), which may still have to be cast to the arguments'
    /// types; nil if there is none.
    package func function(for types: [DataType?]) -> ScalarFunction? {
        guard let parameters = expanded(types.count) else { return nil }
        var element: DataType?
        if parameters.contains(where: { $0 == .element || $0 == .array }) {
            guard let found = Self.element(parameters, types) else { return nil }
            element = found
        }
        var arguments: [DataType] = []
        for (parameter, type) in zip(parameters, types) {
            switch (parameter, element) {
            case (.type(let wanted), _): arguments.append(wanted)
            case (.element, let element?): arguments.append(element)
            case (.array, let element?): arguments.append(.array(of: element))
            default: arguments.append(type ?? .text)
            }
        }
        return make(arguments)
    }

    /// The one type that all elements can be cast to; nil if there is none, or nothing tells it.
    private static func element(_ parameters: [Parameter], _ types: [DataType?]) -> DataType? {
        var found: DataType?
        for (parameter, type) in zip(parameters, types) {
            guard let type, parameter == .element || parameter == .array else { continue }
            guard let next = parameter == .array ? type.element : type, next.element == nil else { return nil }
            guard let current = found else {
                found = next
                continue
            }
            if current == next || isImplicit(next, current) { continue }
            guard isImplicit(current, next) else { return nil }
            found = next
        }
        return found
    }

    private static func isImplicit(_ from: DataType, _ to: DataType) -> Bool {
        FunctionRegistry.cast(from: from, to: to)?.context == .implicit
    }
}
