import Arrays
import Synchronization

/// A file of a repository on its way into the cache, piece by piece.
final class FileFetch: Sendable {
  let item: Pull.Item
  let partial: PartialFile
  /// For messages.
  let path: String
  private let source: RangeFetcher
  private let front: Mutex<FrontDigest>
  private let mended = Mutex(false)

  /// Files that have git's name only.
  static let mostOfGit = 64 << 20

  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  init(_ item: Pull.Item, _ partial: PartialFile, of repository: HubRepository) throws(Failure) {
    (self.item, self.partial) = (item, partial)
    path = "\(repository.path)/\(item.path)"
    source = try repository.source(item.file)
    front = Mutex(FrontDigest())
  }

  /// Whether what came first was damaged, and isn't now, so that who read it then has to read it again.
  var isMended: Bool { mended.withLock(\.self) }

  /// For who reads it again.
  func forgetMending() {
    mended.withLock { $0 = false }
    front.withLock { $0 = FrontDigest() }
  }

  /// Fetches a piece; from any thread.
  /// - Returns: its bytes.
  func fetch(_ piece: Int) throws(Failure) -> Int {
    let bytes = try source.fetch(partial.range(of: piece))
    try partial.write(bytes, as: piece) { bytes throws(Failure) in
      guard item.file.sha256 != nil else { return SHA256.digest(bytes) }
      let digest = try front.withLock { front throws(Failure) in try front.digest(bytes, as: piece, of: partial) }
      return digest ?? SHA256.digest(bytes)
    }
    return bytes.count
  }

  /// Sees to it that the file, of which all pieces are there, is what the hub says.
  /// - Throws: `Failure` of kind `badData` when it isn't, and what fetching throws.
  func check() throws(Failure) {
    let digest: Digest? =
      item.file.sha256 == nil
      ? nil
      : try front.withLock { front throws(Failure) in
        try front.advance(partial)
        return front.finish()
      }
    if try !isRight(digest) { try mend() }
  }

  /// Whether all pieces together are what the hub says.
  /// - Parameter digest: theirs, where the hub tells that.
  private func isRight(_ digest: Digest?) throws(Failure) -> Bool {
    if let digest { return digest == item.file.sha256 }
    // git keeps small files only.
    guard item.size <= Self.mostOfGit else {
      throw Failure(
        .unavailable, file: path, "has \(item.size) bytes, and the hub gives no SHA-256 of it",
        hint: "its owner should keep it in the hub's storage of large files")
    }
    var bytes: [UInt8] = []
    for piece in 0..<partial.pieces { bytes += try partial.bytes(of: piece) }
    return SHA256.gitBlob(bytes) == item.file.blob
  }

  /// The digest of all pieces, read again.
  private func digestAnew() throws(Failure) -> Digest? {
    guard item.file.sha256 != nil else { return nil }
    var front = FrontDigest()
    try front.advance(partial)
    return front.finish()
  }

  /// What came isn't what the hub says. A piece that comes otherwise the second time was damaged on its way; when what
  /// there is then is right, that is all that was fetched twice.
  private func mend() throws(Failure) {
    for piece in 0..<partial.pieces {
      let bytes = try source.fetch(partial.range(of: piece))
      guard SHA256.digest(bytes) != partial.digest(noted: piece) else { continue }
      try partial.write(bytes, as: piece)
      if try isRight(digestAnew()) {
        mended.withLock { $0 = true }
        return
      }
    }
    partial.discard()
    throw Failure(
      .badData, file: path, "is not what the hub says that it is: its SHA-256 is another",
      hint: "don't use it; try again later, and tell the repository's owner if it stays so")
  }
}

/// The digest of a file that comes in pieces of any order: of its front as far as it is there.
private struct FrontDigest: ~Copyable {
  private var hash = TwinSHA256()
  private var next = 0
  /// For pieces that are read again.
  private var buffer: [UInt8] = []

  /// The digest of a piece that has come, while the front goes on by one piece: both at once take less than one after the
  /// other. The front's next piece may be this one, which is not read again then.
  /// - Returns: nil where the front's next piece isn't there, so that there is nothing to be done together.
  mutating func digest(_ bytes: [UInt8], as piece: Int, of partial: PartialFile) throws(Failure) -> Digest? {
    if piece == next {
      next += 1
      return hash.update(bytes.rawSpan, digesting: bytes.rawSpan)
    }
    guard let count = try read(partial) else { return nil }
    // Not copied: it shares the buffer until it is read into again.
    let front = buffer
    return hash.update(front.rawSpan.extracting(first: count), digesting: bytes.rawSpan)
  }

  mutating func advance(_ partial: PartialFile) throws(Failure) {
    while let count = try read(partial) {
      let front = buffer
      hash.update(front.rawSpan.extracting(first: count))
    }
  }

  /// Reads the front's next piece into the buffer.
  /// - Returns: how many bytes that has; nil: it isn't there.
  private mutating func read(_ partial: PartialFile) throws(Failure) -> Int? {
    guard next < partial.pieces, partial.digest(noted: next) != nil else { return nil }
    try partial.readPiece(next, into: &buffer)
    next += 1
    return partial.range(of: next - 1).count
  }

  mutating func finish() -> Digest {
    buffer = []
    return hash.finish()
  }
}
