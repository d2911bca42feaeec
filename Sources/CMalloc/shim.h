#pragma once
// What Swift's Glibc module leaves out: the allocator's limits, and mremap, whose arguments are variadic.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/// Moves page tables so that the mapping has `size` bytes; MAP_FAILED if there is no room.
static inline void *memory_remap(void *mapping, size_t old_size, size_t size) {
    return mremap(mapping, old_size, size, MREMAP_MAYMOVE);
}

/// Gives free pages back to the kernel: those within all heaps, and the whole free end of the calling thread's own heap, which malloc_trim
/// leaves alone. That end goes when a block of some size is freed while the limit is below what is free, so the limit is lowered for that
/// moment; it is `kept_bytes` afterwards.
static inline void memory_give_back(int kept_bytes) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    // Or the compiler would leave both calls out.
    void *volatile block = malloc(128 << 10);
    free(block);
    mallopt(M_TRIM_THRESHOLD, kept_bytes);
    pthread_mutex_unlock(&mutex);
    malloc_trim(0);
}
