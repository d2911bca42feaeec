internal import CMalloc

/// The memory of the whole process.
package enum ProcessMemory {
    /// Gives back to the kernel the pages that the allocator keeps for later: within its heaps, and at the end of the calling thread's.
    /// Takes milliseconds.
    package static func giveBackFree() { memory_give_back(StateMemory.keptBytesMax) }
}
