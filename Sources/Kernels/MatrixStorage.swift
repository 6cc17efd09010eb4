import Glibc
import Synchronization

/// Memory of a matrix, aligned to cache lines; of a large one, to large pages.
@safe final class MatrixStorage: Sendable {
  nonisolated(unsafe) let base: UnsafeMutablePointer<Float>
  private let bytes: Int

  init(_ count: Int) {
    let wanted = max(64, count * MemoryLayout<Float>.stride)
    let block = Self.spare.take(wanted) ?? Self.allocate(wanted)
    bytes = block.count
    unsafe base = block.start.bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
  }

  deinit {
    if unsafe !Self.spare.keep(.init(start: base, count: bytes)) { unsafe base.deallocate() }
  }

  private static let spare = SpareBlocks()
  private static let largePage = 2 << 20

  private static func allocate(_ bytes: Int) -> SpareBlocks.Block {
    guard bytes >= 2 * largePage else {
      return unsafe .init(start: .allocate(byteCount: bytes, alignment: 64), count: bytes)
    }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: largePage)
    // Fewer page faults; without large pages nothing is lost.
    _ = unsafe madvise(memory, bytes, MADV_HUGEPAGE)
    return unsafe .init(start: memory, count: bytes)
  }
}

/// Large blocks that were let go of, kept for the next image: the kernel would take and clear their pages each time.
private final class SpareBlocks: Sendable {
  @safe struct Block: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let count: Int

    init(start: UnsafeMutableRawPointer, count: Int) {
      unsafe self.start = start
      self.count = count
    }
  }

  private static let smallest = 1 << 20
  /// Bytes kept in all.
  private static let most = 96 << 20

  private let blocks = Mutex<[Block]>([])

  /// A block that is large enough and not much larger.
  func take(_ bytes: Int) -> Block? {
    guard bytes >= Self.smallest else { return nil }
    return blocks.withLock { blocks in
      blocks.firstIndex { $0.count >= bytes && $0.count <= bytes + bytes / 8 }.map { blocks.remove(at: $0) }
    }
  }

  /// Whether the block was kept.
  func keep(_ block: Block) -> Bool {
    guard block.count >= Self.smallest else { return false }
    return blocks.withLock { blocks in
      guard blocks.reduce(block.count, { $0 + $1.count }) <= Self.most else { return false }
      blocks.append(block)
      return true
    }
  }
}
