import Arrays

/// Writes the file of weights that ONNX files refer to (their external data): arrays in any order and from any thread. The file
/// appears on `commit`.
public final class ONNXWeightsWriter: PlacedArraysWriter {
  /// Data of this size and more begin at pages of memory, so that they can be mapped; others at cache lines.
  private static let (page, line) = (4096, 64)

  public let file: OutputFile
  public let ranges: [Range<Int>]

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
    let places = Self.places(bytes)
    ranges = zip(places.offsets, bytes).map { $0..<$0 + $1 }
    file = try OutputFile(path)
    // What isn't written are zeros: the padding.
    try file.setSize(places.end)
  }
}
