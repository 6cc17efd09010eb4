import Arrays
import NetFile

/// An array that graphs refer to, as it is written beside them, and the one of a net that it is made of.
struct StoredArray: Sendable {
  enum Form: Hashable, Sendable {
    /// As it is.
    case same
    /// Of bfloat16: the same numbers in float32, since few runtimes compute with bfloat16.
    case widened
    /// Of int8: inputs × outputs, and 128 more, as uint8. Products of two unsigned bytes are exact on every processor; where
    /// one of them is signed, processors of x86 without VNNI add pairs of them in 16 bits, in which they may not fit.
    case transposed
    /// Of int8: the sums of its rows, as int32.
    case rowSums
    /// Of positions of a grid of patches: those of a grid of another side, as float32 (`VisionTrunk.taking(imageSide:)`).
    case resized(leading: Int, side: Int, newSide: Int, isAntialiased: Bool)
  }

  let name: String
  let form: Form
  let net: NetFile
  let entry: ArrayEntry
  let elementType: ElementType
  let dimensions: [Int]

  init(_ name: String, _ form: Form, _ net: NetFile, _ entry: ArrayEntry) {
    (self.name, self.form, self.net, self.entry) = (name, form, net, entry)
    let shape = entry.shape.dimensions
    switch form {
    case .same: (elementType, dimensions) = (entry.elementType, shape)
    case .widened: (elementType, dimensions) = (.float32, shape)
    case .transposed: (elementType, dimensions) = (.uint8, [shape[1], shape[0]])
    case .rowSums: (elementType, dimensions) = (.int32, [shape[0]])
    case .resized(let leading, _, let newSide, _):
      (elementType, dimensions) = (.float32, [leading + newSide * newSide, shape[1]])
    }
  }

  var bytes: Int { dimensions.reduce(1, *) * elementType.size }

  /// Hands its data to `sink` in order, in pieces, and checks at the end that those of the net were the right ones.
  /// - Throws: `Failure` of kind `badData` when the net's data don't match their SHA-256; `io`; what `sink` throws.
  func produce(_ sink: (borrowing RawSpan) throws -> Void) throws {
    switch form {
    case .same: try net.forEachCheckedChunk(of: entry, sink)
    case .widened:
      try net.forEachCheckedChunk(of: entry, multipleOf: entry.elementType.size) { piece in
        let wide = FloatConversion.convert(piece, from: entry.elementType, to: .float32)
        try sink(wide.rawSpan)
      }
    case .transposed:
      let shape = entry.shape.dimensions
      var all: [UInt8] = []
      all.reserveCapacity(entry.bytes)
      try net.forEachCheckedChunk(of: entry) { piece in
        for index in 0..<piece.byteCount { all.append(Self.byte(piece, index) ^ 0x80) }
      }
      let turned = Transposition.matrix(all, rows: shape[0], columns: shape[1], elementSize: 1)
      try sink(turned.rawSpan)
    case .rowSums:
      let columns = entry.shape.dimensions[1]
      var (sums, sum, column): ([UInt8], Int32, Int) = ([], 0, 0)
      try net.forEachCheckedChunk(of: entry) { piece in
        for index in 0..<piece.byteCount {
          sum += Int32(Int8(bitPattern: Self.byte(piece, index)))
          column += 1
          guard column == columns else { continue }
          sums += sum.littleEndianBytes
          (sum, column) = (0, 0)
        }
      }
      try sink(sums.rawSpan)
    case .resized(let leading, let side, let newSide, let isAntialiased):
      var all: [UInt8] = []
      try net.forEachCheckedChunk(of: entry, multipleOf: entry.elementType.size) { piece in
        all += FloatConversion.convert(piece, from: entry.elementType, to: .float32)
      }
      let resized = GridResize.bicubic(
        Floats.array(all), size: entry.shape.dimensions[1], leading: leading, side: side, newSide: newSide,
        isAntialiased: isAntialiased)
      let bytes = Floats.bytes(resized)
      try sink(bytes.rawSpan)
    }
  }

  private static func byte(_ piece: borrowing RawSpan, _ index: Int) -> UInt8 {
    unsafe piece.unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }
}
