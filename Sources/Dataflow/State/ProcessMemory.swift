internal import CMalloc
internal import Glibc

/// The memory of the whole process.
package enum ProcessMemory {
    /// Bytes that a worker's heap keeps for its next batches.
    private static let reservedBytes = 48 << 20

    /// Runs `body`, whose batches come from the calling thread's heap: their memory goes back to the kernel only by ``giveBackFree()``.
    package static func reserving(_ body: () -> Void) {
        StateMemory.tune()
        let end = memory_reserve(reservedBytes)
        body()
        free(end)
    }

    /// Gives back to the kernel the pages that the allocator keeps for later. Takes milliseconds.
    package static func giveBackFree() { memory_give_back() }
}
