/// The names of a function's parameters, and their defaults: for calls such as `make_interval(days => 10)`.
package struct FunctionParameters: Sendable {
    package let names: [String]
    /// A literal for each parameter that may be left out.
    package let defaults: [Expression?]

    private init(_ names: [String], defaults: [Expression?] = []) {
        self.names = names
        self.defaults = [Expression?](repeating: nil, count: names.count - defaults.count) + defaults
    }

    private static let jsonPath = FunctionParameters(
        ["target", "path", "vars", "silent"],
        defaults: [.literal(.jsonb("{}"), type: .jsonb), .literal(.boolean(false), type: .boolean)])

    /// The functions that have named parameters in PostgreSQL and one signature, or several of which the longest is called with
    /// defaults.
    package static let byName: [String: FunctionParameters] = [
        "make_interval": FunctionParameters(
            ["years", "months", "weeks", "days", "hours", "mins", "secs"],
            defaults: [Expression?](repeating: .literal(.integer(0), type: .integer), count: 6)
                + [.literal(.double(0), type: .double)]),
        "make_timestamp": FunctionParameters(["year", "month", "mday", "hour", "min", "sec"]),
        "make_timestamptz": FunctionParameters(["year", "month", "mday", "hour", "min", "sec", "timezone"]),
        "make_date": FunctionParameters(["year", "month", "day"]),
        "make_time": FunctionParameters(["hour", "min", "sec"]),
        "jsonb_set": FunctionParameters(
            ["jsonb_in", "path", "replacement", "create_if_missing"],
            defaults: [.literal(.boolean(true), type: .boolean)]),
        "jsonb_insert": FunctionParameters(
            ["jsonb_in", "path", "replacement", "insert_after"],
            defaults: [.literal(.boolean(false), type: .boolean)]),
        "jsonb_path_exists": jsonPath, "jsonb_path_match": jsonPath, "jsonb_path_query_array": jsonPath,
        "jsonb_path_query_first": jsonPath, "jsonb_path_query": jsonPath,
    ]
}
