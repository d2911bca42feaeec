// JSON records to columns by simdjson's On-Demand API. Every value of a record is validated, those of unknown fields too, since
// whether a record is malformed must not depend on which columns are read.
#include "CSimdJSON.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using namespace simdjson;

namespace {

constexpr int depth_max = 64;
// simdjson reads past a record's end, and comparing a key with a column's name (63 bytes at most) may, too.
constexpr size_t padding = SIMDJSON_PADDING + 64;
typedef unsigned __int128 u128;

struct Numeric {
    __int128 mantissa;
    int32_t scale;
    int32_t padding[3];
};
static_assert(sizeof(Numeric) == 32, "as Swift lays it out");

struct Column {
    std::string name;
    dp_type type;
    bool is_nullable, is_key;
    int precision, scale;
    size_t stride;
    bool has_text;         // no fixed size: values are end offsets into text
    std::vector<uint8_t> values;
    std::vector<uint8_t> valid;
    std::string text;
    bool has_nulls;

    void put(const void *value) {
        size_t at = values.size();
        values.resize(at + stride);
        std::memcpy(values.data() + at, value, stride);
        valid.push_back(1);
    }
    void put_null() {
        size_t at = values.size();
        values.resize(at + stride);
        if (has_text) {
            uint32_t end = uint32_t(text.size());
            std::memcpy(values.data() + at, &end, 4);
        } else {
            std::memset(values.data() + at, 0, stride);
        }
        valid.push_back(0);
        has_nulls = true;
    }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// JSON's grammar of numbers.
bool is_number(std::string_view token) {
    size_t i = 0, n = token.size();
    if (i < n && token[i] == '-') i++;
    if (i >= n || !is_digit(token[i])) return false;
    if (token[i] == '0') i++;
    else while (i < n && is_digit(token[i])) i++;
    if (i < n && token[i] == '.') {
        i++;
        if (i >= n || !is_digit(token[i])) return false;
        while (i < n && is_digit(token[i])) i++;
    }
    if (i < n && (token[i] == 'e' || token[i] == 'E')) {
        i++;
        if (i < n && (token[i] == '+' || token[i] == '-')) i++;
        if (i >= n || !is_digit(token[i])) return false;
        while (i < n && is_digit(token[i])) i++;
    }
    return i == n;
}

std::string_view trimmed(std::string_view token) {
    while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t'))
        token.remove_suffix(1);
    return token;
}

enum class Integer { ok, not_integer, out_of_range };

Integer parse_integer(std::string_view token, int64_t &out) {
    size_t i = 0, n = token.size();
    bool negative = n > 0 && token[0] == '-';
    if (negative) i++;
    if (i >= n || !is_digit(token[i]) || (token[i] == '0' && i + 1 < n)) return Integer::not_integer;
    if (n - i <= 18) {
        int64_t value = 0;
        for (; i < n; i++) {
            if (!is_digit(token[i])) return Integer::not_integer;
            value = value * 10 + (token[i] - '0');
        }
        out = negative ? -value : value;
        return Integer::ok;
    }
    u128 value = 0;
    bool too_large = false;
    for (; i < n; i++) {
        if (!is_digit(token[i])) return Integer::not_integer;
        if (value > (u128(1) << 70)) too_large = true;
        else value = value * 10 + u128(token[i] - '0');
    }
    u128 limit = (u128(1) << 63) - (negative ? 0 : 1);
    if (too_large || value > limit) return Integer::out_of_range;
    out = negative ? int64_t(-(__int128)value) : int64_t(value);
    return Integer::ok;
}

u128 power(int n) {
    u128 value = 1;
    while (n-- > 0) value *= 10;
    return value;
}

// The exact decimal of a JSON number, rounded half away from zero to the column's scale if it has one.
bool parse_numeric(std::string_view token, const Column &column, Numeric &out) {
    static const u128 limit = power(38);
    size_t i = 0, n = token.size();
    bool negative = token[0] == '-';
    if (negative) i++;
    u128 mantissa = 0;
    int scale = 0;
    bool point = false;
    for (; i < n && token[i] != 'e' && token[i] != 'E'; i++) {
        if (token[i] == '.') { point = true; continue; }
        if (mantissa >= limit / 10) return false;
        mantissa = mantissa * 10 + u128(token[i] - '0');
        if (point) scale++;
    }
    if (i < n) {
        i++;
        bool down = token[i] == '-';
        if (token[i] == '+' || token[i] == '-') i++;
        int exponent = 0;
        for (; i < n; i++) if (exponent < 10000) exponent = exponent * 10 + (token[i] - '0');
        scale += down ? exponent : -exponent;
    }
    if (mantissa == 0) scale = scale < 0 ? 0 : scale > 38 ? 38 : scale;
    while (scale < 0) {
        if (mantissa >= limit / 10) return false;
        mantissa *= 10;
        scale++;
    }
    if (column.precision > 0) {
        while (scale > column.scale + 1 && mantissa > 0) {
            // All but the last digit beyond the scale are dropped with their stickiness irrelevant to half away from zero.
            mantissa /= 10;
            scale--;
        }
        if (mantissa == 0) scale = column.scale;
        if (scale == column.scale + 1) {
            bool up = mantissa % 10 >= 5;
            mantissa = mantissa / 10 + (up ? 1 : 0);
            scale--;
        }
        while (scale < column.scale) {
            if (mantissa >= limit / 10) return false;
            mantissa *= 10;
            scale++;
        }
        if (mantissa >= power(column.precision)) return false;
    }
    if (scale > 38) return false;
    out = Numeric{};
    out.mantissa = negative ? -(__int128)mantissa : (__int128)mantissa;
    out.scale = scale;
    return true;
}

int64_t days_from_civil(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

// `YYYY-MM-DD[T ]HH:MM:SS[.f…][Z]`, the plain form; anything else is left to the general reader.
bool parse_plain_timestamp(std::string_view s, int64_t &out) {
    auto two = [&](size_t at) { return (s[at] - '0') * 10 + (s[at + 1] - '0'); };
    if (s.size() < 19 || s[4] != '-' || s[7] != '-' || (s[10] != ' ' && s[10] != 'T') || s[13] != ':' || s[16] != ':') return false;
    for (size_t at : {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18}) if (!is_digit(s[at])) return false;
    int year = two(0) * 100 + two(2), month = two(5), day = two(8), hour = two(11), minute = two(14), second = two(17);
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
    int last = month_days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 1 : 0);
    if (day > last) return false;
    int64_t micros = 0;
    size_t at = 19;
    if (at < s.size() && s[at] == '.') {
        at++;
        int64_t unit = 100000;
        size_t start = at;
        for (; at < s.size() && is_digit(s[at]); at++) {
            if (unit == 0) return false;
            micros += (s[at] - '0') * unit;
            unit /= 10;
        }
        if (at == start) return false;
    }
    if (at < s.size() && s[at] == 'Z') at++;
    if (at != s.size()) return false;
    out = (days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000000 + micros;
    return true;
}

}  // namespace

struct dp_decoder {
    std::vector<Column> columns;
    std::vector<uint8_t> seen;
    ondemand::parser parser;
    std::vector<char> scratch;
    std::string message;
    dp_parse_time parse_time;
    dp_parse_value parse_value;
    void *context;
    size_t rows = 0;

    const char *fail(const std::string &text) {
        message = text;
        return message.c_str();
    }

    const char *fail(const Column &column, const char *text) { return fail("column \"" + column.name + "\": " + text); }

    // Validates a value that no column takes.
    const char *skip(ondemand::value value, int depth) {
        if (depth > depth_max) return fail("nested deeper than 64");
        ondemand::json_type type;
        if (value.type().get(type)) return fail("not valid JSON");
        switch (type) {
        case ondemand::json_type::object: {
            ondemand::object object;
            if (value.get_object().get(object)) return fail("not valid JSON");
            for (auto field : object) {
                ondemand::value inner;
                std::string_view key;
                if (field.error() || field.unescaped_key().get(key) || field.value().get(inner)) return fail("not valid JSON");
                if (auto problem = skip(inner, depth + 1)) return problem;
            }
            return nullptr;
        }
        case ondemand::json_type::array: {
            ondemand::array array;
            if (value.get_array().get(array)) return fail("not valid JSON");
            for (auto element : array) {
                ondemand::value inner;
                if (element.get(inner)) return fail("not valid JSON");
                if (auto problem = skip(inner, depth + 1)) return problem;
            }
            return nullptr;
        }
        case ondemand::json_type::string: {
            std::string_view text;
            return value.get_string().get(text) ? fail("a string is not valid JSON") : nullptr;
        }
        case ondemand::json_type::number: return is_number(trimmed(value.raw_json_token())) ? nullptr : fail("not valid JSON");
        case ondemand::json_type::boolean: {
            bool flag;
            return value.get_bool().get(flag) ? fail("not valid JSON") : nullptr;
        }
        case ondemand::json_type::null: {
            bool null = false;
            return value.is_null().get(null) || !null ? fail("not valid JSON") : nullptr;
        }
        }
        return fail("not valid JSON");
    }

    // A value that is not read here.
    const char *take_parsed(Column &column, ondemand::json_type type, ondemand::value value) {
        std::string_view text;
        bool is_string = type == ondemand::json_type::string && column.type != DP_JSON;
        if (is_string) {
            if (value.get_string().get(text)) return fail(column, "not a valid string");
            if (std::memchr(text.data(), 0, text.size())) return fail(column, "holds \\u0000, which text cannot");
        } else if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
            // What the text holds is checked by its reader.
            if (type == ondemand::json_type::object) {
                ondemand::object object;
                if (value.get_object().get(object) || object.raw_json().get(text)) return fail("not valid JSON");
            } else {
                ondemand::array array;
                if (value.get_array().get(array) || array.raw_json().get(text)) return fail("not valid JSON");
            }
        } else {
            text = trimmed(value.raw_json_token());
            // A token is passed over only by being read.
            if (auto problem = skip(value, 1)) return problem;
        }
        const void *bytes = nullptr;
        size_t length = 0;
        if (auto problem = parse_value(context, size_t(&column - columns.data()), is_string, text.data(), text.size(), &bytes, &length))
            return fail(column, problem);
        if (column.has_text) {
            if (column.text.size() + length > UINT32_MAX) return fail(column, "too long");
            column.text.append(static_cast<const char *>(bytes), length);
            uint32_t end = uint32_t(column.text.size());
            column.put(&end);
        } else {
            column.put(bytes);
        }
        return nullptr;
    }

    const char *take(Column &column, ondemand::value value) {
        ondemand::json_type type;
        if (value.type().get(type)) return fail("not valid JSON");
        if (type == ondemand::json_type::null) {
            bool null = false;
            if (value.is_null().get(null) || !null) return fail("not valid JSON");
            if (!column.is_nullable) return fail(column, "must not be null");
            column.put_null();
            return nullptr;
        }
        switch (column.type) {
        case DP_BOOLEAN: {
            bool flag;
            if (type != ondemand::json_type::boolean || value.get_bool().get(flag)) return fail(column, "not a boolean");
            uint8_t byte = flag;
            column.put(&byte);
            return nullptr;
        }
        case DP_INT16:
        case DP_INT32:
        case DP_INT64: {
            int64_t number = 0;
            if (type != ondemand::json_type::number) return fail(column, "not a number");
            switch (parse_integer(trimmed(value.raw_json_token()), number)) {
            case Integer::not_integer: return fail(column, "not an integer");
            case Integer::out_of_range: return fail(column, "out of range");
            case Integer::ok: break;
            }
            if (column.type == DP_INT64) {
                column.put(&number);
            } else if (column.type == DP_INT32) {
                if (number < INT32_MIN || number > INT32_MAX) return fail(column, "out of range");
                int32_t small = int32_t(number);
                column.put(&small);
            } else {
                if (number < INT16_MIN || number > INT16_MAX) return fail(column, "out of range");
                int16_t small = int16_t(number);
                column.put(&small);
            }
            return nullptr;
        }
        case DP_NUMERIC: {
            if (type != ondemand::json_type::number) return fail(column, "not a number");
            std::string_view token = trimmed(value.raw_json_token());
            Numeric number;
            if (!is_number(token)) return fail("not valid JSON");
            if (!parse_numeric(token, column, number)) return fail(column, "out of range");
            column.put(&number);
            return nullptr;
        }
        case DP_DOUBLE: {
            double number = 0;
            if (type == ondemand::json_type::string) {
                std::string_view text;
                if (value.get_string().get(text)) return fail("a string is not valid JSON");
                if (text == "NaN") number = std::numeric_limits<double>::quiet_NaN();
                else if (text == "Infinity") number = std::numeric_limits<double>::infinity();
                else if (text == "-Infinity") number = -std::numeric_limits<double>::infinity();
                else return fail(column, "not a number");
            } else if (type != ondemand::json_type::number) {
                return fail(column, "not a number");
            } else if (value.get_double().get(number)) {
                return is_number(trimmed(value.raw_json_token())) ? fail(column, "out of range") : fail("not valid JSON");
            }
            column.put(&number);
            return nullptr;
        }
        case DP_REAL: {
            float number = 0;
            if (type == ondemand::json_type::string) {
                std::string_view text;
                if (value.get_string().get(text)) return fail("a string is not valid JSON");
                if (text == "NaN") number = std::numeric_limits<float>::quiet_NaN();
                else if (text == "Infinity") number = std::numeric_limits<float>::infinity();
                else if (text == "-Infinity") number = -std::numeric_limits<float>::infinity();
                else return fail(column, "not a number");
            } else if (type != ondemand::json_type::number) {
                return fail(column, "not a number");
            } else {
                std::string_view token = trimmed(value.raw_json_token());
                if (!is_number(token)) return fail("not valid JSON");
                auto read = std::from_chars(token.data(), token.data() + token.size(), number);
                if (read.ec != std::errc()) return fail(column, "out of range");
            }
            column.put(&number);
            return nullptr;
        }
        case DP_TEXT: {
            std::string_view text;
            if (type != ondemand::json_type::string) return fail(column, "not a string");
            if (value.get_string().get(text)) return fail(column, "not a valid string");
            if (std::memchr(text.data(), 0, text.size())) return fail(column, "holds \\u0000, which text cannot");
            if (column.text.size() + text.size() > UINT32_MAX) return fail(column, "too long");
            column.text.append(text);
            uint32_t end = uint32_t(column.text.size());
            column.put(&end);
            return nullptr;
        }
        case DP_TIMESTAMP:
        case DP_TIMESTAMPTZ: {
            int64_t micros = 0;
            if (type == ondemand::json_type::number) {
                int64_t millis = 0;
                if (parse_integer(trimmed(value.raw_json_token()), millis) != Integer::ok)
                    return fail(column, "neither a timestamp nor whole milliseconds since 1970");
                // PostgreSQL's range of years, 4714 BC to 294276.
                if (millis < -210866803200000 || millis > 9224318015999999) return fail(column, "out of range");
                micros = millis * 1000;
                if (millis > 9223372036854775) return fail(column, "out of range");
            } else if (type == ondemand::json_type::string) {
                std::string_view text;
                if (value.get_string().get(text)) return fail(column, "not a valid string");
                if (!parse_plain_timestamp(text, micros) && !parse_time(text.data(), text.size(), column.type, &micros))
                    return fail(column, "not a timestamp");
            } else {
                return fail(column, "not a timestamp");
            }
            column.put(&micros);
            return nullptr;
        }
        case DP_INTERVAL: {
            std::string_view text;
            uint8_t interval[16];
            if (type != ondemand::json_type::string || value.get_string().get(text) ||
                !parse_time(text.data(), text.size(), DP_INTERVAL, interval))
                return fail(column, "not an interval");
            column.put(interval);
            return nullptr;
        }
        case DP_FIXED:
        case DP_BYTES:
        case DP_JSON: return take_parsed(column, type, value);
        }
        return fail("not valid JSON");
    }

    // A copy with the padding that simdjson reads past a record's end.
    const char *padded(const char *record, size_t length) {
        if (scratch.size() < length + padding) scratch.resize(2 * length + padding);
        std::memcpy(scratch.data(), record, length);
        std::memset(scratch.data() + length, ' ', padding);
        return scratch.data();
    }

    bool has_tombstone_mark(const char *record, size_t length) {
        ondemand::document document;
        ondemand::object object;
        if (parser.iterate(padded_string_view(padded(record, length), length, length + padding)).get(document)) return false;
        if (document.get_object().get(object)) return false;
        bool is_marked = false;
        for (auto field : object) {
            ondemand::raw_json_string key;
            ondemand::value value;
            if (field.error() || field.key().get(key) || field.value().get(value)) return false;
            if (key == "_deleted") {
                bool is_true = false;
                is_marked = !value.get_bool().get(is_true) && is_true;
            } else if (skip(value, 1)) {
                return false;
            }
        }
        const char *rest = nullptr;
        return is_marked && document.current_location().get(rest) != SUCCESS;
    }

    const char *decode(const char *record, size_t length, bool is_tombstone) {
        ondemand::document document;
        if (auto error = parser.iterate(padded_string_view(record, length, length + padding)).get(document))
            return fail(error == UTF8_ERROR ? "not valid UTF-8" : error == EMPTY ? "empty" : "not valid JSON");
        ondemand::object object;
        if (document.get_object().get(object)) return fail("not a JSON object");
        size_t next = 0;
        for (auto field : object) {
            ondemand::raw_json_string key;
            if (field.error() || field.key().get(key)) return fail("not valid JSON");
            size_t found = columns.size();
            const char *raw = key.raw();
            auto matches = [&](const Column &column) {
                return column.name.size() <= 64 && std::memcmp(raw, column.name.data(), column.name.size()) == 0 && raw[column.name.size()] == '"';
            };
            if (next < columns.size() && matches(columns[next])) {
                found = next;
            } else {
                for (size_t i = 0; i < columns.size() && found == columns.size(); i++)
                    if (matches(columns[i])) found = i;
                if (found == columns.size()) {
                    // A key may be written with escapes.
                    std::string_view name;
                    if (field.unescaped_key().get(name)) return fail("a key is not a valid string");
                    for (size_t i = 0; i < columns.size(); i++)
                        if (columns[i].name == name) found = i;
                }
            }
            ondemand::value value;
            if (field.value().get(value)) return fail("not valid JSON");
            if (found == columns.size() || (is_tombstone && !columns[found].is_key)) {
                if (auto problem = skip(value, 1)) return problem;
                continue;
            }
            if (seen[found]) return fail(columns[found], "given twice");
            if (auto problem = take(columns[found], value)) return problem;
            seen[found] = 1;
            next = found + 1;
        }
        const char *rest = nullptr;
        if (!document.current_location().get(rest)) return fail("more follows the JSON object");
        for (size_t i = 0; i < columns.size(); i++) {
            if (seen[i]) continue;
            if (!columns[i].is_nullable && !(is_tombstone && !columns[i].is_key)) return fail(columns[i], "missing, and must not be null");
            columns[i].put_null();
        }
        return nullptr;
    }
};

extern "C" {

dp_decoder *dp_decoder_new(const dp_column *columns, size_t count, dp_parse_time parse_time, dp_parse_value parse_value,
                           void *context) {
    auto decoder = new dp_decoder;
    decoder->parse_time = parse_time;
    decoder->parse_value = parse_value;
    decoder->context = context;
    for (size_t i = 0; i < count; i++) {
        Column column;
        column.name.assign(columns[i].name, columns[i].name_length);
        column.type = columns[i].type;
        column.is_nullable = columns[i].is_nullable;
        column.is_key = columns[i].is_key;
        column.precision = columns[i].precision;
        column.scale = columns[i].scale;
        column.stride = columns[i].stride;
        column.has_text = columns[i].type == DP_TEXT || columns[i].type == DP_BYTES || columns[i].type == DP_JSON;
        column.has_nulls = false;
        decoder->columns.push_back(std::move(column));
    }
    decoder->seen.resize(count);
    return decoder;
}

void dp_decoder_free(dp_decoder *decoder) { delete decoder; }

void dp_decoder_begin(dp_decoder *decoder) {
    decoder->rows = 0;
    for (auto &column : decoder->columns) {
        column.values.clear();
        column.valid.clear();
        column.text.clear();
        column.has_nulls = false;
    }
}

const char *dp_decoder_add(dp_decoder *decoder, const char *record, size_t length, size_t readable, int is_tombstone) {
    if (length >= 3 && std::memcmp(record, "\xEF\xBB\xBF", 3) == 0) {
        record += 3;
        length -= 3;
        readable -= 3;
    }
    if (readable < length + padding) {
        record = decoder->padded(record, length);
    }
    std::memset(decoder->seen.data(), 0, decoder->seen.size());
    const char *problem = decoder->decode(record, length, is_tombstone != 0);
    if (!problem) {
        decoder->rows++;
        return nullptr;
    }
    // Takes back what the record had written.
    for (auto &column : decoder->columns) {
        if (column.valid.size() == decoder->rows) continue;
        column.valid.resize(decoder->rows);
        column.values.resize(decoder->rows * column.stride);
        if (column.has_text) {
            uint32_t end = 0;
            if (decoder->rows > 0) std::memcpy(&end, column.values.data() + (decoder->rows - 1) * 4, 4);
            column.text.resize(end);
        }
    }
    return problem;
}

size_t dp_decoder_rows(const dp_decoder *decoder) { return decoder->rows; }

const void *dp_decoder_values(const dp_decoder *decoder, size_t column) { return decoder->columns[column].values.data(); }

const uint8_t *dp_decoder_valid(const dp_decoder *decoder, size_t column) { return decoder->columns[column].valid.data(); }

int dp_decoder_has_nulls(const dp_decoder *decoder, size_t column) { return decoder->columns[column].has_nulls; }

const char *dp_decoder_text(const dp_decoder *decoder, size_t column, size_t *length) {
    *length = decoder->columns[column].text.size();
    return decoder->columns[column].text.data();
}

int dp_has_tombstone_mark(const char *record, size_t length) {
    static const char mark[] = "\"_deleted\"";
    if (!memmem(record, length, mark, sizeof mark - 1)) return 0;
    thread_local dp_decoder reader;
    return reader.has_tombstone_mark(record, length) ? 1 : 0;
}
}
