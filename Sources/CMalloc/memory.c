#define _GNU_SOURCE
#include "CMalloc.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

int memory_set_limits(int mapped_bytes_min, int kept_bytes_max) {
    return mallopt(M_MMAP_THRESHOLD, mapped_bytes_min) == 1 && mallopt(M_TRIM_THRESHOLD, kept_bytes_max) == 1;
}

void *memory_remap(void *mapping, size_t old_size, size_t size) {
    return mremap(mapping, old_size, size, MREMAP_MAYMOVE);
}

// malloc_trim leaves the free end of a thread's own heap alone. It goes when a block of some size is freed while the limit is below what is
// free, so the limit is lowered for that moment.
void memory_give_back(int kept_bytes_max) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    // Or the compiler would leave both calls out.
    void *volatile block = malloc(128 << 10);
    free(block);
    mallopt(M_TRIM_THRESHOLD, kept_bytes_max);
    pthread_mutex_unlock(&mutex);
    malloc_trim(0);
}
