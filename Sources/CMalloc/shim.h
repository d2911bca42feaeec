#pragma once
// What Swift's Glibc module leaves out: the allocator's limits, and mremap, whose arguments are variadic.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <malloc.h>
#include <sys/mman.h>

/// Moves page tables so that the mapping has `size` bytes; MAP_FAILED if there is no room.
static inline void *memory_remap(void *mapping, size_t old_size, size_t size) {
    return mremap(mapping, old_size, size, MREMAP_MAYMOVE);
}
