internal import CMalloc
import Glibc

/// The memory of keyed state: blocks that grow for a long time.
///
/// A large block is a mapping of its own, so that growing it moves page tables instead of bytes, and is backed by huge pages where the
/// kernel has them. Batches live in smaller blocks, which the allocator keeps for the next ones.
enum StateMemory {
    /// Bytes from which on a block is a mapping of its own.
    private static let mappedBytesMin = 4 << 20
    /// Free bytes that the allocator keeps at the end of a thread's heap rather than give them back to the kernel.
    private static let keptBytesMax: Int32 = 1 << 20
    private static let pageBytes = 4096

    /// Set once for the process: by itself the allocator would move both limits with every block freed.
    private static let isTuned: Bool = memory_set_limits(Int32(mappedBytesMin), keptBytesMax) == 1

    static func tune() { _ = isTuned }

    /// A block of `count` elements at least 16-byte aligned, not initialised.
    static func allocate<Element: BitwiseCopyable>(_ count: Int, of _: Element.Type = Element.self)
        -> UnsafeMutablePointer<Element>
    { grow(nil, from: 0, to: count) }

    /// The block, made for `oldCount` elements, with room for `count`, which is no less; its elements stay, new ones are not
    /// initialised. It may have moved.
    static func grow<Element: BitwiseCopyable>(
        _ block: UnsafeMutablePointer<Element>?, from oldCount: Int, to count: Int
    ) -> UnsafeMutablePointer<Element> {
        let stride = MemoryLayout<Element>.stride
        let raw = block.map { UnsafeMutableRawPointer($0) }
        return growRaw(raw, from: oldCount * stride, to: count * stride).assumingMemoryBound(to: Element.self)
    }

    /// As ``grow(_:from:to:)``, in bytes.
    static func growRaw(_ block: UnsafeMutableRawPointer?, from oldBytes: Int, to bytes: Int) -> UnsafeMutableRawPointer
    {
        tune()
        guard bytes >= mappedBytesMin else {
            guard let grown = realloc(block, max(bytes, 1)) else { preconditionFailure("no memory for \(bytes) bytes") }
            return grown
        }
        let mapping: UnsafeMutableRawPointer?
        if let block, oldBytes >= mappedBytesMin {
            mapping = memory_remap(block, pages(oldBytes), pages(bytes))
        } else {
            mapping = mmap(nil, pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        }
        guard let mapping, mapping != MAP_FAILED else { preconditionFailure("no memory for \(bytes) bytes") }
        if let block, oldBytes < mappedBytesMin {
            mapping.copyMemory(from: block, byteCount: oldBytes)
            Glibc.free(block)
        }
        // The whole mapping, or it would become several, which cannot be moved. A kernel without huge pages refuses, which is no error.
        madvise(mapping, pages(bytes), MADV_HUGEPAGE)
        return mapping
    }

    /// Frees a block of so many elements.
    static func free<Element: BitwiseCopyable>(_ block: UnsafeMutablePointer<Element>, count: Int) {
        freeRaw(UnsafeMutableRawPointer(block), bytes: count * MemoryLayout<Element>.stride)
    }

    static func freeRaw(_ block: UnsafeMutableRawPointer, bytes: Int) {
        if bytes >= mappedBytesMin { munmap(block, pages(bytes)) } else { Glibc.free(block) }
    }

    private static func pages(_ bytes: Int) -> Int { (bytes + pageBytes - 1) & ~(pageBytes - 1) }
}
