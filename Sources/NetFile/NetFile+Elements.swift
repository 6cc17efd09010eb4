import Arrays

extension NetFile {
  /// Hands the unpacked data of an array to `body` in order, in pieces, and checks at the end that it was the right one.
  /// - Parameters:
  ///   - multipleOf: bytes that the size of a piece is a multiple of, where the data is stored as it is.
  ///   - hint: what helps where it was not.
  /// - Throws: `Failure` of kind `badData` when the data don't match their SHA-256; what `body` throws.
  public func forEachCheckedChunk(
    of array: ArrayEntry, multipleOf unit: Int = 1,
    hint: String = "the file is damaged: make it again, or fetch it again",
    _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    var hash = SHA256()
    try forEachChunk(of: array, multipleOf: unit) { piece in
      hash.update(piece)
      try body(piece)
    }
    guard hash.finish() == array.sha256 else {
      throw Failure(
        .badData, file: path, place: "array \"\(array.name)\"", "does not match its SHA-256", hint: hint)
    }
  }

  /// All numbers of a small array of floats, as float32.
  public func floats(of array: ArrayEntry) throws -> [Float] {
    var bytes: [UInt8] = []
    try forEachChunk(of: array) { bytes.append(contentsOf: $0) }
    return Floats.array(FloatConversion.convert(bytes.rawSpan, from: array.elementType, to: .float32))
  }
}

/// Makes float32 numbers of int8 elements that come in order, in pieces: each times the scale of its row, in single
/// precision (schemas/FORMAT.md, Scales of int8 arrays).
public struct Dequantizer {
  private let scales: [Float]
  /// Elements beside each other that have the same scale. Behind those of the last one come those of the first again.
  private let run: Int
  private var row = 0
  private var left: Int

  /// - Parameters:
  ///   - array: int8 elements with scales.
  ///   - scales: as many as the array's dimension has indexes that they go along.
  public init(_ array: ArrayEntry, scales: [Float]) {
    self.scales = scales
    run = array.shape.dimensions[((array.scaleAxis ?? 0) + 1)...].reduce(1, *)
    left = run
  }

  /// The numbers of the next elements, little-endian.
  public mutating func float32(_ elements: borrowing RawSpan) -> [UInt8] {
    var out: [Float] = []
    out.reserveCapacity(elements.byteCount)
    for index in 0..<elements.byteCount {
      out.append(Float(unsafe elements.unsafeLoad(fromByteOffset: index, as: Int8.self)) * scales[row])
      left -= 1
      if left == 0 { (row, left) = ((row + 1) % scales.count, run) }
    }
    return Floats.bytes(out)
  }
}
