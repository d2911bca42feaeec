/// Functions that the planner writes, not users: they make a row an error.
enum RowCheckFunctions {
    static let all: [ScalarFunction] = [
        ScalarFunction(
            "single_row", [.bigint, .text], .boolean,
            "True of a number of rows up to one; of more, error 21000 with the text as its message."
        ) { arguments, count, validity, errors in
            let (rows, messages) = (arguments[0], arguments[1])
            return Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                rows.withValues(as: Int64.self) { rows in
                    for row in 0..<count {
                        out[row] = 1
                        guard rows[row] > 1, validity?.isValid(row) ?? true,
                            case .text(let message) = messages.datum(at: row)
                        else { continue }
                        errors.append(RowError(row: row, code: "21000", message: message))
                    }
                }
            }
        },
        ScalarFunction(
            "row_check", [.boolean, .text, .text], .boolean,
            "True of true; of false, an error with the second as its SQLSTATE and the third as its message."
        ) { arguments, count, validity, errors in
            let (tests, codes, messages) = (arguments[0], arguments[1], arguments[2])
            return Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                tests.withValues(as: UInt8.self) { tests in
                    for row in 0..<count {
                        out[row] = 1
                        guard tests[row] & 1 == 0, validity?.isValid(row) ?? true,
                            case .text(let code) = codes.datum(at: row),
                            case .text(let message) = messages.datum(at: row)
                        else { continue }
                        errors.append(RowError(row: row, code: code, message: message))
                    }
                }
            }
        },
    ]
}
