import Arrays
import Checkpoints

/// What is done to a published array on its way into a net.
public enum ArrayTransform: Hashable, Sendable {
  case none
  /// Dimension i of the net's array is dimension `permutation[i]` of the published one.
  case permute([Int])
  /// Position embeddings, one before the grid, are brought from one side of the grid to another.
  case resizeGrid(from: Int, to: Int)
  /// A row of zeros comes first: the position of a token that has it in its own vector.
  case zeroRowFirst
}

extension Checkpoint {
  /// Hands the elements of an array, transformed, to `body` in pieces.
  public func forEachChunk(
    of array: Int, _ transform: ArrayTransform, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    switch transform {
    case .none: try forEachChunk(of: array, body)
    case .permute(let permutation) where permutation == [1, 0]: try forEachTransposedBand(of: array, body)
    case .permute(let permutation): try lend(permuted(array, permutation), body)
    case .resizeGrid(let side, let newSide): try lend(resized(array, from: side, to: newSide), body)
    case .zeroRowFirst:
      let row = (arrays[array].shape.dimensions.last ?? 0) * arrays[array].elementType.size
      try lend([UInt8](repeating: 0, count: row), body)
      try forEachChunk(of: array, body)
    }
  }

  private func lend(_ bytes: [UInt8], _ body: (borrowing RawSpan) throws -> Void) throws { try body(bytes.rawSpan) }

  private func permuted(_ array: Int, _ permutation: [Int]) throws(Failure) -> [UInt8] {
    Transposition.array(
      try data(of: array), shape: arrays[array].shape, permutation: permutation,
      elementSize: arrays[array].elementType.size)
  }

  private func resized(_ array: Int, from side: Int, to newSide: Int) throws(Failure) -> [UInt8] {
    let size = arrays[array].shape.elements / (1 + side * side)
    let floats = Floats.array(try data(of: array))
    return Floats.bytes(GridResize.bicubic(floats, size: size, leading: 1, side: side, newSide: newSide))
  }

  private func forEachChunk(of array: Int, _ body: (borrowing RawSpan) throws -> Void) throws {
    var buffer: [UInt8] = []
    var offset = 0
    while offset < arrays[array].bytes {
      let count = min(chunkSize, arrays[array].bytes - offset)
      try read(array, at: offset, count: count, into: &buffer)
      try body(buffer.rawSpan.extracting(0..<count))
      offset += count
    }
  }

  /// A matrix, transposed a band of columns at a time: memory stays at about 4 MiB, or 4 kB a row where there are more
  /// than a thousand rows.
  private func forEachTransposedBand(of array: Int, _ body: (borrowing RawSpan) throws -> Void) throws {
    let dimensions = arrays[array].shape.dimensions
    let (rows, columns, size) = (dimensions[0], dimensions[1], arrays[array].elementType.size)
    guard arrays[array].bytes > 0 else { return }
    // Bands of about 4 MiB, and no row's piece shorter than a memory page where that can be.
    let width = min(columns, max(4096 / size, (4 << 20) / (rows * size)))
    var piece: [UInt8] = []
    for left in stride(from: 0, to: columns, by: width) {
      let count = min(width, columns - left)
      var band: [UInt8] = []
      band.reserveCapacity(rows * count * size)
      if count == columns {
        try read(array, at: 0, count: rows * columns * size, into: &band)
      } else {
        for row in 0..<rows {
          try read(array, at: (row * columns + left) * size, count: count * size, into: &piece)
          band.append(contentsOf: piece.rawSpan.extracting(0..<count * size))
        }
      }
      try lend(Transposition.matrix(band, rows: rows, columns: count, elementSize: size), body)
    }
  }

  /// Whether an array, transformed, holds the same bytes as another one.
  func holdsSameBytes(_ first: Int, _ transform: ArrayTransform, as second: Int) throws(Failure) -> Bool {
    guard arrays[first].bytes == arrays[second].bytes, arrays[first].elementType == arrays[second].elementType else {
      return false
    }
    if case .permute(let permutation) = transform {
      let dimensions = arrays[first].shape.dimensions
      guard permutation.count == dimensions.count,
        Transposition.permuted(dimensions, permutation) == arrays[second].shape.dimensions
      else { return false }
    }
    var buffer: [UInt8] = []
    var offset = 0
    var isSame = true
    do {
      try forEachChunk(of: first, transform) { piece in
        guard isSame else { return }
        try read(second, at: offset, count: piece.byteCount, into: &buffer)
        isSame = buffer.rawSpan.holdsSameBytes(as: piece)
        offset += piece.byteCount
      }
    } catch {
      throw Failure.wrapping(error, file: path)
    }
    return isSame && offset == arrays[second].bytes
  }
}
