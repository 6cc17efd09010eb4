import Arrays
import Families
import Kernels

enum PairVerdict: Sendable {
  /// The same; after what, if anything.
  case same(after: String?)
  case different(Difference.Item)
}

/// Compares two arrays of one name. Holds the first of them in memory.
struct PairComparison {
  private let a: ComparisonSide.Item
  private let b: ComparisonSide.Item

  init(_ a: ComparisonSide.Item, _ b: ComparisonSide.Item) {
    self.a = a
    self.b = b
  }

  func verdict() throws -> PairVerdict {
    guard a.shape == b.shape else { return try resizedVerdict() ?? .different(item(.shape)) }
    let isConverted = a.elementType != b.elementType
    let isPacked = a.elementType.isPacked || b.elementType.isPacked
    let (first, second) = isConverted || isPacked ? (numbers(of: a), numbers(of: b)) : (a, b)
    if isConverted, !(isComparable(a) && isComparable(b)) {
      return .different(item(.elementType))
    }
    let bytes = try data(of: first)
    // Complex numbers are compared part by part.
    let (mineType, theirType) = (first.elementType.component, second.elementType.component)
    let size = mineType.size
    var tally = Tally()
    if isConverted { tally.reference = reference }
    var offset = 0
    try second.forEachChunk { piece in
      let count = piece.byteCount / theirType.size
      let mine = Array(bytes[offset * size..<(offset + count) * size])
      offset += count
      if !isConverted, mine.rawSpan.holdsSameBytes(as: piece) {
        tally.elements += count
      } else {
        var theirs: [UInt8] = []
        theirs.append(contentsOf: piece)
        tally.add(mineType.values(mine), theirType.values(theirs)) { index in
          isConverted || mine[index * size..<(index + 1) * size] != theirs[index * size..<(index + 1) * size]
        }
      }
    }
    if isConverted { return .different(item(.elementType, tally)) }
    return tally.count == 0 ? .same(after: a.transform == b.transform ? nil : how) : .different(item(.values, tally))
  }

  /// What int8 elements with scales stand for, and packed elements; of others themselves.
  private func numbers(of item: ComparisonSide.Item) -> ComparisonSide.Item {
    guard item.quantized != nil || item.elementType.isPacked else { return item }
    return .init(
      name: item.name, shape: item.shape, elementType: .float32, transform: item.transform,
      forEachChunk: item.quantized?.forEachChunk ?? item.elementType.unpacking(item.shape, item.forEachChunk))
  }

  /// Whether its elements can be compared with those of another such type.
  private func isComparable(_ item: ComparisonSide.Item) -> Bool {
    item.quantized != nil || item.elementType.isFloatingPoint
  }

  /// The side that the other one's numbers were made of: the floats beside int8, the wider of two types.
  private var reference: Tally.Side? {
    if (a.quantized == nil) != (b.quantized == nil) { return a.quantized == nil ? .first : .second }
    guard a.elementType.bits != b.elementType.bits else { return nil }
    return a.elementType.bits > b.elementType.bits ? .first : .second
  }

  private var how: String {
    for transform in [a.transform, b.transform] {
      if case .permute = transform { return "transposed" }
      if case .resizeGrid = transform { return "resized" }
    }
    return "rearranged"
  }

  /// Position embeddings of two square grids, when those of one are the other's resized; nil: they are not.
  private func resizedVerdict() throws -> PairVerdict? {
    guard let sides = try resizable(), a.elementType == .float32, b.elementType == .float32 else { return nil }
    let (first, second) = (Floats.array(try data(of: a)), Floats.array(try data(of: b)))
    let size = a.shape.dimensions[1]
    func error(_ values: [Float], _ side: Int, _ target: [Float], _ newSide: Int) -> Double {
      let resized = GridResize.bicubic(values, size: size, leading: 1, side: side, newSide: newSide)
      return zip(resized, target).reduce(0) { worst, pair in
        // What is no number is not the same.
        let error = Double(abs(pair.0 - pair.1))
        return error.isNaN ? .infinity : max(worst, error)
      }
    }
    let isSame =
      error(first, sides.a, second, sides.b) <= Difference.resizeTolerance
      || error(second, sides.b, first, sides.a) <= Difference.resizeTolerance
    return isSame ? .same(after: "resized") : nil
  }

  private func resizable() throws -> (a: Int, b: Int)? {
    guard a.name.hasSuffix(".positions"), a.shape.rank == 2, b.shape.rank == 2,
      a.shape.dimensions[1] == b.shape.dimensions[1]
    else { return nil }
    guard let first = GridResize.side(ofRows: a.shape.dimensions[0]),
      let second = GridResize.side(ofRows: b.shape.dimensions[0])
    else { return nil }
    return (first, second)
  }

  private func data(of item: ComparisonSide.Item) throws -> [UInt8] {
    let bytes = item.shape.elements * item.elementType.size
    try Limit.checkArrayMemory(bytes, place: "array \"\(item.name)\"")
    var out: [UInt8] = []
    out.reserveCapacity(min(bytes, 1 << 30))
    try item.forEachChunk { out.append(contentsOf: $0) }
    return out
  }

  private func item(_ kind: Difference.Kind, _ tally: Tally? = nil) -> Difference.Item {
    Difference.Item(
      name: a.name, kind: kind, shapes: (a.shape, b.shape), elementTypes: (a.elementType, b.elementType),
      count: tally?.count, maxError: tally?.maxError, meanError: tally.map { $0.sum / Double(max(1, $0.elements)) },
      sqnr: tally.flatMap(\.sqnr))
  }
}

/// Sums over the elements of two arrays.
private struct Tally {
  enum Side {
    case first, second
  }

  /// The side whose numbers are the right ones; nil: there is none.
  var reference: Side?
  private var signal = 0.0
  private var noise = 0.0
  var elements = 0
  var count = 0
  var maxError = 0.0
  var sum = 0.0

  /// - Parameter differ: whether the bytes of two elements differ, which their values may not show: a NaN is no other
  ///   NaN, and large integers are rounded.
  mutating func add(_ first: [Double], _ second: [Double], differ: (Int) -> Bool) {
    elements += first.count
    if let reference {
      for (x, y) in zip(first, second) {
        let right = reference == .first ? x : y
        signal += right * right
        noise += (x - y) * (x - y)
      }
    }
    for (index, (x, y)) in zip(first, second).enumerated()
    where differ(index) && (x.bitPattern != y.bitPattern || !x.isFinite || abs(x) >= 0x1p53) {
      count += 1
      let error = abs(x - y)
      maxError = error.isNaN || maxError.isNaN ? .nan : max(maxError, error)
      sum += error
    }
  }
}

extension Tally {
  /// nil where there is no reference, or something is not finite.
  fileprivate var sqnr: Double? {
    guard reference != nil, signal.isFinite, noise.isFinite else { return nil }
    return QuantizationError.decibels(signal, noise)
  }
}

extension ElementType {
  /// Elements as numbers. What is no truth value is told apart from one.
  fileprivate func values(_ bytes: [UInt8]) -> [Double] {
    var out = [Double](repeating: 0, count: bytes.count / size)
    (self == .bool ? .uint8 : self).read(bytes.rawSpan, out.indices, into: &out)
    return out
  }
}
