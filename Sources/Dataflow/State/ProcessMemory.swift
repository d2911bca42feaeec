internal import CMalloc

/// The memory of the whole process.
package enum ProcessMemory {
    /// Gives back to the kernel the pages that the allocator keeps for later, in the middle of its heaps too. Takes milliseconds.
    package static func giveBackFree() { malloc_trim(0) }
}
