import Arrays
import Synchronization

/// Writes a net file: arrays in any order and from any thread, then the header. The file appears when `commit` is
/// called, whole, in place of whatever was there.
///
/// The header stands before the data but holds digests of it. As a digest always has 64 digits, the header's length is
/// known before they are; with compression the offsets aren't, so the longest possible header is made room for, and the
/// real one is filled up with spaces.
public final class NetFileWriter: Sendable {
  private struct State {
    var arrays: [ArrayEntry]
    var written: Set<Int> = []
    /// Where the next compressed array goes.
    var end: Int
  }

  private let header: NetHeader
  private let headerLength: Int
  private let compresses: Bool
  private let output: OutputFile
  private let state: Mutex<State>

  /// - Parameter header: complete but for offsets, digests and encodings of its arrays and digests of its sources.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public init(_ path: String, header: NetHeader, compress: Bool) throws(Failure) {
    // Said before the work rather than after it.
    do { try header.validateNames() } catch { throw error.inFile(path) }
    self.header = header
    compresses = compress
    var plan = header
    var end = 0
    if compress {
      for index in plan.arrays.indices {
        plan.arrays[index].offset = Int.max
        plan.arrays[index].encoding = .zstdPlanes(bytes: BytePlanes.bound(plan.arrays[index].bytes), sha256: .zero)
      }
      headerLength = plan.json.compactText.utf8.count
      end = NetFormat.prologueLength + headerLength
    } else {
      // A larger header moves the data, and larger offsets make the header larger: this settles after a step or two.
      var length = 0
      while true {
        end = NetFormat.prologueLength + length
        for index in plan.arrays.indices {
          guard let start = NetFormat.aligned(end), !start.addingReportingOverflow(plan.arrays[index].bytes).overflow
          else {
            throw Failure(.badData, file: path, "the net is too large for a file")
          }
          plan.arrays[index].offset = start
          end = start + plan.arrays[index].bytes
        }
        let needed = plan.json.compactText.utf8.count
        if needed <= length { break }
        length = needed
      }
      headerLength = length
    }
    guard headerLength <= NetFormat.maximumHeaderLength else {
      throw Failure(
        .badData, file: path,
        "the header would have \(headerLength) bytes; at most \(NetFormat.maximumHeaderLength) are read")
    }
    // What is written must be readable: the planned header is held to the reader's own rules.
    do {
      let text = Array(plan.json.compactText.utf8)
      _ = try NetHeader(json: JSONValue(parsing: text, rules: NetFormat.headerRules))
    } catch {
      throw Failure(
        .badData, file: path, "the header would not be readable: \(error.reason)",
        hint: "the checkpoint's configuration or vocabulary is larger or deeper than a net file can hold")
    }
    state = Mutex(State(arrays: plan.arrays, end: end))
    output = try OutputFile(path)
    if !compress { try output.setSize(end) }
  }

  public var path: String { output.path }

  /// What is written, to be put in place together with others by `OutputFile.commit`.
  public var file: OutputFile { output }

  /// Writes one array. With compression, call it for all arrays in order.
  /// - Parameters:
  ///   - index: into the header's arrays.
  ///   - produce: hands all of the array's data to its argument, in order, in pieces of any size.
  public func write(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    if compresses { try writeCompressed(index, produce) } else { try writePlain(index, produce) }
  }

  private func writePlain(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    let entry = state.withLock { $0.arrays[index] }
    var hash = SHA256()
    var offset = entry.offset
    try produce { bytes in
      hash.update(bytes)
      try output.write(bytes, at: offset)
      offset += bytes.byteCount
    }
    precondition(offset == entry.offset + entry.bytes, "array \(entry.name) got other than its bytes")
    output.startFlushing(from: entry.offset, count: entry.bytes)
    let digest = hash.finish()
    state.withLock {
      $0.arrays[index].sha256 = digest
      $0.written.insert(index)
    }
  }

  private func writeCompressed(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    let (entry, end) = state.withLock { ($0.arrays[index], $0.end) }
    guard let start = NetFormat.aligned(end) else {
      throw Failure(.badData, file: path, "the net is too large for a file")
    }
    let elementSize = entry.elementType.size
    var hash = SHA256()
    var storedHash = SHA256()
    var (offset, count) = (start, 0)
    var block: [UInt8] = []
    block.reserveCapacity(min(BytePlanes.blockSize, entry.bytes))
    func flush() throws {
      let frame = BytePlanes.compress(block.rawSpan, elementSize: elementSize)
      storedHash.update(frame.rawSpan)
      try output.write(frame.rawSpan, at: offset)
      offset += frame.count
      block.removeAll(keepingCapacity: true)
    }
    try produce { bytes in
      hash.update(bytes)
      count += bytes.byteCount
      var position = 0
      while position < bytes.byteCount {
        let size = min(BytePlanes.blockSize - block.count, bytes.byteCount - position)
        block.append(contentsOf: bytes.extracting(position..<position + size))
        position += size
        if block.count == BytePlanes.blockSize { try flush() }
      }
    }
    if !block.isEmpty { try flush() }
    precondition(count == entry.bytes, "array \(entry.name) got other than its bytes")
    let digest = hash.finish()
    let encoding = ArrayEntry.Encoding.zstdPlanes(bytes: offset - start, sha256: storedHash.finish())
    let written = offset
    state.withLock {
      $0.arrays[index].offset = start
      $0.arrays[index].sha256 = digest
      $0.arrays[index].encoding = encoding
      $0.written.insert(index)
      $0.end = written
    }
  }

  /// Writes the header and waits until the file is on the disk; every array must have been written.
  /// - Parameter sourceDigests: of the header's sources, in their order.
  /// - Returns: the header as it stands in the file.
  @discardableResult
  public func finish(sourceDigests: [Digest] = []) throws(Failure) -> NetHeader {
    let (arrays, written, end) = state.withLock { ($0.arrays, $0.written, $0.end) }
    precondition(written.count == arrays.count, "arrays are missing")
    var final = header
    final.arrays = arrays
    for (index, digest) in sourceDigests.enumerated() { final.provenance.sources[index].sha256 = digest }
    var text = Array(final.json.compactText.utf8)
    precondition(text.count <= headerLength, "the header outgrew its place")
    text += [UInt8](repeating: UInt8(ascii: " "), count: headerLength - text.count)
    try final.validate(headerLength: headerLength, fileLength: end)
    let prologue = NetFormat.prologue(of: final, headerLength: headerLength, fileLength: end)
    let digest = SHA256.digest(prologue + text)
    try output.write((prologue + digest.bytes + text).rawSpan, at: 0)
    try output.setSize(end)
    try output.flush()
    return final
  }

  /// Puts the finished file in its place.
  public func commit() throws(Failure) { try output.commit() }
}
