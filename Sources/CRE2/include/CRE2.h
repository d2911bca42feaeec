#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Compiled regular expressions of RE2. All functions may be called from any thread.

typedef struct dp_regex dp_regex;

// How a pattern is compiled; the bits may be combined.
enum {
    DP_REGEX_FOLD_CASE = 1,  // letters match in either case
    DP_REGEX_LONGEST = 2,    // the leftmost-longest match (POSIX) instead of the leftmost-first (Perl)
};

// The most compiled patterns that a thread keeps; past it, the one used longest ago goes.
#define DP_REGEX_CACHE_MAX 64
// Bytes that one pattern's programs and automata may take.
#define DP_REGEX_MEMORY_MAX (8 << 20)

// The pattern (RE2's syntax, UTF-8) from the calling thread's cache, compiled if it is not there; it stays valid until the
// thread's next call. NULL if it is none: `error` is then RE2's error code (RE2::ErrorCode), at most `message_size` bytes of whose
// text, with a final 0, are written to `message`.
const dp_regex *dp_regex_get(const char *pattern, size_t length, int options, int *error, char *message, size_t message_size);

// Groups of the pattern, without the whole match.
int dp_regex_groups(const dp_regex *regex);

// The first match that starts at `from` or later. Writes start and end of the whole match and of groups up to `count - 1` to
// `spans` (2 × count; −1, −1 of a group that took no part). 0 if there is none.
int dp_regex_match(const dp_regex *regex, const char *text, size_t length, size_t from, int32_t *spans, int count);

#ifdef __cplusplus
}
#endif
