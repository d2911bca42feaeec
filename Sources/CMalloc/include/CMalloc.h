#pragma once
// The allocator's limits, and mremap, whose arguments are variadic: what Swift's Glibc module leaves out. The system's headers stay in the
// implementation, where _GNU_SOURCE changes nobody else's definitions.
#include <stddef.h>

/// Sets from how many bytes on a block is a mapping of its own, and how many free bytes the allocator keeps at the end of a thread's heap.
/// Returns 1, or 0 if the allocator refuses.
int memory_set_limits(int mapped_bytes_min, int kept_bytes_max);

/// Has the calling thread's heap keep so many free bytes, at most 48 MiB, as long as the block that is returned is not freed: it lies behind
/// them. They take up no memory before they are used. NULL if there is no room.
void *memory_reserve(size_t bytes);

/// Moves page tables so that the mapping has `size` bytes; MAP_FAILED if there is no room.
void *memory_remap(void *mapping, size_t old_size, size_t size);

/// Gives the free pages of all heaps back to the kernel, but for what they keep at their ends.
void memory_give_back(void);
