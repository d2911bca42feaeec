#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Decodes batches of JSON records (one object each) straight into columns. A decoder belongs to one thread.

typedef enum {
    DP_BOOLEAN, DP_INT16, DP_INT32, DP_INT64, DP_NUMERIC, DP_REAL, DP_DOUBLE, DP_TEXT, DP_TIMESTAMP, DP_TIMESTAMPTZ, DP_INTERVAL,
    // Read by dp_parse_value: a fixed number of bytes; any number; any number, given as JSON text.
    DP_FIXED, DP_BYTES, DP_JSON
} dp_type;

typedef struct {
    const char *name;      // UTF-8, copied
    size_t name_length;
    dp_type type;
    size_t stride;         // bytes of a value; 4 for types of no fixed size
    int is_nullable;
    int is_key;            // set in tombstones
    int precision;         // of numeric; 0 for none
    int scale;
} dp_column;

typedef struct dp_decoder dp_decoder;

// Reads a text that is no plain ISO timestamp (out: int64 microseconds since 1970) or an interval (out: 16 bytes); 0 if it is none.
typedef int (*dp_parse_time)(const char *text, size_t length, dp_type type, void *out);

// Reads a string's contents, or another value's JSON text; gives the value's bytes, or says what is wrong; both are valid until the
// next call.
typedef const char *(*dp_parse_value)(void *context, size_t column, int is_string, const char *text, size_t length,
                                      const void **out, size_t *out_length);

dp_decoder *dp_decoder_new(const dp_column *columns, size_t count, dp_parse_time parse_time, dp_parse_value parse_value,
                           void *context);
void dp_decoder_free(dp_decoder *decoder);

// Begins a batch. Afterwards rows lie densely from 0.
void dp_decoder_begin(dp_decoder *decoder);

// Decodes one record. `readable` bytes from `record` on may be read: if it is less than `length` plus 128, the record is copied first.
// Returns NULL and appends a row, or says what is wrong and appends nothing; the text is valid until the next call.
const char *dp_decoder_add(dp_decoder *decoder, const char *record, size_t length, size_t readable, int is_tombstone);

size_t dp_decoder_rows(const dp_decoder *decoder);

// The values of a column: 1, 2, 4 or 8 bytes each; numeric 32 (mantissa of 16, scale of 4, padding); interval and uuid 16;
// of types of no fixed size the end offset of each row, 4 bytes.
const void *dp_decoder_values(const dp_decoder *decoder, size_t column);
// One byte per row: 1 for a value, 0 for NULL.
const uint8_t *dp_decoder_valid(const dp_decoder *decoder, size_t column);
int dp_decoder_has_nulls(const dp_decoder *decoder, size_t column);
// The bytes of a column of no fixed size.
const char *dp_decoder_text(const dp_decoder *decoder, size_t column, size_t *length);

// 1 if the record is a JSON object with a field "_deleted" that is true (of several the last counts), else 0. From any thread.
int dp_has_tombstone_mark(const char *record, size_t length);

#ifdef __cplusplus
}
#endif
