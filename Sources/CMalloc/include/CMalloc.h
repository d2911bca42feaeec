#pragma once
// The allocator's limits, and mremap, whose arguments are variadic: what Swift's Glibc module leaves out. The system's headers stay in the
// implementation, where _GNU_SOURCE changes nobody else's definitions.
#include <stddef.h>

/// Sets from how many bytes on a block is a mapping of its own, and how many free bytes the allocator keeps rather than give them back to
/// the kernel. Returns 1, or 0 if the allocator refuses.
int memory_set_limits(int mapped_bytes_min, int kept_bytes_max);

/// Moves page tables so that the mapping has `size` bytes; MAP_FAILED if there is no room.
void *memory_remap(void *mapping, size_t old_size, size_t size);

/// Gives free pages back to the kernel: those within all heaps, and the whole free end of the calling thread's own heap. The limit of kept
/// bytes is `kept_bytes_max` afterwards.
void memory_give_back(int kept_bytes_max);
