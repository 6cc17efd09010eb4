import Arrays
import Synchronization

/// A file at an address, read by ranges.
struct RemoteFile: Source {
  let bytes: RemoteBytes
  let folder: (any SourceFolder)?
  var path: String { bytes.path }
  var size: Int { bytes.size }

  func willRead(_ count: Int) { bytes.willRead(count) }

  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    try bytes.read(count, at: offset, into: &buffer)
  }

  func neighbour(_ name: String, followsLinks: Bool) throws(Failure) -> any Source {
    guard let folder else { throw Failure(.noInput, file: name, "no such file") }
    return try folder.beside(name)
  }
}

extension SourceFolder {
  /// What a file of it names, which a stranger wrote.
  /// - Throws: as `existing`, and `Failure` of kind `badData` when the name could lead elsewhere.
  func beside(_ name: String) throws(Failure) -> any Source {
    guard RepositoryPath.isSafe(name) else {
      throw Failure(.badData, file: path(of: name), "is no name of a file")
    }
    return try existing(name)
  }
}

/// The bytes of a file at an address. What was fetched is kept, up to a limit, so that what stands together costs one
/// request; from any thread.
final class RemoteBytes: Sendable {
  private let fetcher: RangeFetcher
  private let state: Mutex<State>
  var path: String { fetcher.path }
  var size: Int { fetcher.size }

  /// Bytes that are fetched where few are asked for, and nothing is known of what will be.
  static let leastFetched = 64 << 10
  /// The same, of the front of a large file: headers of nets of hundreds of millions of elements are about so long (that of
  /// BLIP for questions has 101,984 bytes).
  static let leastOfLarge = 112 << 10
  /// The most that are fetched ahead, where a file is read from its front to its end.
  static let mostAhead = 8 << 20
  /// Bytes of a file that are kept.
  static let mostKept = 64 << 20

  private struct State {
    /// What was fetched, in that order.
    var pieces: [(start: Int, bytes: [UInt8])] = []
    var kept = 0
    /// Bytes that will be read from the front.
    var expected = 0
    /// Bytes of the next fetch, where it goes on where the last one ended.
    var ahead = RemoteBytes.leastFetched

    func piece(_ range: Range<Int>) -> (start: Int, bytes: [UInt8])? {
      pieces.last { $0.start <= range.lowerBound && $0.start + $0.bytes.count >= range.upperBound }
    }

    mutating func keep(_ start: Int, _ bytes: [UInt8]) {
      pieces.append((start, bytes))
      kept += bytes.count
      while kept > RemoteBytes.mostKept, pieces.count > 1 { kept -= pieces.removeFirst().bytes.count }
    }
  }

  /// - Parameter front: its first bytes, where they are known.
  init(_ fetcher: RangeFetcher, front: [UInt8] = []) {
    self.fetcher = fetcher
    var state = State()
    if !front.isEmpty { state.keep(0, front) }
    self.state = Mutex(state)
  }

  func willRead(_ count: Int) { state.withLock { $0.expected = max($0.expected, count) } }

  func read(_ count: Int, at offset: Int, into buffer: inout [UInt8]) throws(Failure) {
    guard offset >= 0, count >= 0, offset <= size - count else {
      throw Failure(.io, file: path, place: "byte \(offset)", "ends before byte \(offset + count)")
    }
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    guard count > 0 else { return }
    let wanted = offset..<offset + count
    let piece: (start: Int, bytes: [UInt8])
    if let there = state.withLock({ $0.piece(wanted) }) { piece = there } else { piece = try fetch(wanted) }
    buffer.replaceSubrange(0..<count, with: piece.bytes[(offset - piece.start)..<(offset - piece.start + count)])
  }

  /// Fetches bytes, and more behind them where that is likely to be read next.
  private func fetch(_ wanted: Range<Int>) throws(Failure) -> (start: Int, bytes: [UInt8]) {
    let length = state.withLock { state in
      if wanted.lowerBound == 0 {
        return max(state.expected, size < 32 << 20 ? Self.leastFetched : Self.leastOfLarge)
      }
      let goesOn = state.pieces.contains { $0.start + $0.bytes.count == wanted.lowerBound }
      state.ahead = goesOn ? min(state.ahead * 2, Self.mostAhead) : Self.leastFetched
      return state.ahead
    }
    let bytes = try fetcher.fetch(wanted.lowerBound..<min(size, max(wanted.upperBound, wanted.lowerBound + length)))
    state.withLock { $0.keep(wanted.lowerBound, bytes) }
    return (wanted.lowerBound, bytes)
  }
}
