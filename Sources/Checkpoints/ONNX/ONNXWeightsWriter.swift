import Arrays

/// Writes the file of weights that ONNX files refer to (their external data): arrays in any order and from any thread. The file
/// appears on `commit`.
public final class ONNXWeightsWriter: Sendable {
  /// Data of this size and more begin at pages of memory, so that they can be mapped; others at cache lines.
  private static let (page, line) = (4096, 64)

  private let output: OutputFile
  private let offsets: [Int]
  private let bytes: [Int]

  /// Where arrays of so many bytes stand, one after the other, and where the last one ends.
  public static func places(_ bytes: [Int]) -> (offsets: [Int], end: Int) {
    var (offsets, end): ([Int], Int) = ([], 0)
    for count in bytes {
      let alignment = count >= page ? page : line
      end = (end + alignment - 1) & ~(alignment - 1)
      offsets.append(end)
      end += count
    }
    return (offsets, end)
  }

  /// - Parameter bytes: of the arrays.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public init(_ path: String, bytes: [Int]) throws(Failure) {
    self.bytes = bytes
    let places = Self.places(bytes)
    offsets = places.offsets
    output = try OutputFile(path)
    // What isn't written are zeros: the padding.
    try output.setSize(places.end)
  }

  /// What is written, to be put in place together with others by `OutputFile.commit`.
  public var file: OutputFile { output }

  /// Writes one array.
  /// - Parameter produce: hands all of the array's data to its argument, in order, in pieces of any size.
  public func write(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    var offset = offsets[index]
    try produce { piece in
      try output.write(piece, at: offset)
      offset += piece.byteCount
    }
    precondition(offset == offsets[index] + bytes[index], "an array got other than its bytes")
    output.startFlushing(from: offsets[index], count: bytes[index])
  }

  /// Waits until the file is on the disk.
  public func finish() throws(Failure) { try output.flush() }
}
