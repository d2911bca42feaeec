#pragma once
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

// Once more, as inline functions of other names: a call costs more than hashing a short key.
#define XXH_INLINE_ALL
#include <xxhash.h>

/// XXH3, 64 bits, seed 0: as XXH3_64bits, inlined.
static inline uint64_t xxh3_inline(const void *bytes, size_t length) { return XXH3_64bits(bytes, length); }

/// As XXH3_64bits_withSeed, inlined.
static inline uint64_t xxh3_inline_seed(const void *bytes, size_t length, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}

/// Asks for a cache line that will be read soon.
static inline void cache_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
