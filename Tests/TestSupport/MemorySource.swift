import Arrays
import Synchronization

/// What a file holds, had from memory, and a tally of what was asked for. Behind `content` there are zeros up to `size`.
public final class MemorySource: Source {
  public let path: String
  public let size: Int
  private let content: [UInt8]
  private let neighbours: [String: [UInt8]]
  private let asked = Mutex(0)

  public init(_ name: String, _ content: [UInt8], size: Int? = nil, beside neighbours: [String: [UInt8]] = [:]) {
    (path, self.content, self.neighbours) = ("memory://\(name)", content, neighbours)
    self.size = size ?? content.count
  }

  /// Bytes that were read.
  public var read: Int { asked.withLock { $0 } }

  public func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    guard offset + count <= size else { throw Failure(.io, file: path, "ends early") }
    asked.withLock { $0 += count }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    for index in 0..<count { buffer[index] = offset + index < content.count ? content[offset + index] : 0 }
  }

  public func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source {
    guard let bytes = neighbours[name] else { throw Failure(.noInput, file: name, "no such file") }
    return MemorySource(name, bytes)
  }
}
