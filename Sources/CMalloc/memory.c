#define _GNU_SOURCE
#include "CMalloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

int memory_set_limits(int mapped_bytes_min, int kept_bytes_max) {
    return mallopt(M_MMAP_THRESHOLD, mapped_bytes_min) == 1 && mallopt(M_TRIM_THRESHOLD, kept_bytes_max) == 1;
}

void *memory_reserve(size_t bytes) {
    // Blocks that are no mappings of their own. A heap ends at 64 MiB.
    enum { block_bytes = 1 << 20, blocks_max = 48 };
    void *blocks[blocks_max];
    size_t count = 0;
    while (count < blocks_max && count * block_bytes < bytes && (blocks[count] = malloc(block_bytes)) != NULL) count++;
    void *end = malloc(64);
    while (count > 0) free(blocks[--count]);
    return end;
}

void *memory_remap(void *mapping, size_t old_size, size_t size) {
    return mremap(mapping, old_size, size, MREMAP_MAYMOVE);
}

void memory_give_back(void) { malloc_trim(0); }
