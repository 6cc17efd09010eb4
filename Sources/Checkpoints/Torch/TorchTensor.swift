import Arrays

/// A storage of a file: which of its pickles mentions it, and its key there.
struct StorageKey: Hashable, Sendable {
  let pickle: Int
  let key: String
}

/// Where the elements of a tensor stand.
enum TorchSource: Equatable, Sendable {
  /// In a storage, of so many elements as the pickle says.
  case storage(StorageKey, count: Int)
  /// In the pickle, from there on in the file.
  case pickle(at: Int, bytes: Int)
  /// In the pickle as text whose characters are bytes, of so many bytes in UTF-8.
  case latin(at: Int, bytes: Int)
  /// Nowhere: a number of the pickle's.
  case value([UInt8])
}

/// A tensor: a view of a storage.
struct TorchView: Sendable {
  let elementType: ElementType
  let source: TorchSource
  /// First element, in the storage.
  let offset: Int
  let shape: Shape
  let strides: [Int]
  /// Whether the elements stand the other way round than here, whatever the file says of its storages.
  var isBigEndian = false
  /// What torch calls the elements, where these are bits of which it has no numbers, or pairs that are kept as bytes.
  var keptAs: String?

  /// Whether its elements stand one after the other in the order of its indices.
  var isContiguous: Bool {
    if shape.elements == 0 { return true }
    var expected = 1
    for (dimension, stride) in zip(shape.dimensions, strides).reversed() where dimension != 1 {
      if stride != expected { return false }
      expected *= dimension
    }
    return true
  }

  /// What an array of a checkpoint has of it.
  func array(named name: String) throws(Failure) -> CheckpointArray {
    let bytes = try shape.bytes(of: elementType)
    return CheckpointArray(
      name: name, shape: shape, elementType: elementType, bytes: bytes,
      packing: keptAs.map { Packing(type: $0, bytes: bytes) })
  }

  /// The same bytes as so many packed elements, which stand one after the other as the bytes do.
  func packed(_ type: ElementType, _ dimensions: [Int]) throws(Failure) -> TorchView {
    TorchView(
      elementType: type, source: source, offset: offset, shape: try Shape(dimensions),
      strides: TorchView.strides(of: dimensions), isBigEndian: false)
  }

  /// A number, as an array without dimensions.
  init(_ bytes: [UInt8], _ type: ElementType) throws(Failure) {
    self.init(elementType: type, source: .value(bytes), offset: 0, shape: try Shape([]), strides: [])
  }

  /// - Parameters:
  ///   - count: elements of the storage.
  ///   - start: where a view of old files begins in the storage.
  /// - Throws: `Failure` of kind `badData` unless all elements are in the storage.
  init(
    _ type: ElementType, _ source: TorchSource, count: Int, start: Int = 0, offset: Int, dimensions: [Int],
    strides: [Int], isBigEndian: Bool = false
  ) throws(Failure) {
    let shape = try Shape(dimensions)
    guard strides.count == dimensions.count else {
      throw Failure(.badData, "has \(dimensions.count) dimensions and \(strides.count) strides")
    }
    let bytes = try shape.bytes(of: type)
    // Strides of 0 repeat elements: a file of a few bytes could otherwise make terabytes.
    guard bytes <= Limit.repeatedBytes.value || shape.elements <= count else {
      throw Limit.repeatedBytes.failure("repeats the \(count) elements of its storage to \(bytes) bytes", needed: bytes)
    }
    // The last element that the view touches must be in the storage.
    var last = start
    var overflow = false
    func add(_ value: (partialValue: Int, overflow: Bool)) {
      let sum = last.addingReportingOverflow(value.partialValue)
      overflow = overflow || value.overflow || sum.overflow
      last = sum.partialValue
    }
    add((offset, offset < 0))
    for (dimension, stride) in zip(dimensions, strides) where shape.elements > 0 {
      let reach = (dimension - 1).multipliedReportingOverflow(by: stride)
      add((reach.partialValue, reach.overflow || stride < 0))
    }
    guard !overflow, last < count || shape.elements == 0 && last <= count else {
      throw Failure(.badData, "reaches outside its storage of \(count) elements")
    }
    self.init(
      elementType: type, source: source, offset: start + offset, shape: shape, strides: strides,
      isBigEndian: isBigEndian)
  }

  private init(
    elementType: ElementType, source: TorchSource, offset: Int, shape: Shape, strides: [Int], isBigEndian: Bool = false
  ) {
    (self.elementType, self.source, self.offset) = (elementType, source, offset)
    (self.shape, self.strides, self.isBigEndian) = (shape, strides, isBigEndian)
  }

  /// Strides of elements that stand row by row, or, as Fortran has them, column by column.
  static func strides(of dimensions: [Int], isFortran: Bool = false) -> [Int] {
    var strides = [Int](repeating: 1, count: dimensions.count)
    var step = 1
    for index in isFortran ? Array(dimensions.indices) : dimensions.indices.reversed() {
      strides[index] = step
      // Of arrays without elements any strides will do.
      step = step.multipliedReportingOverflow(by: max(dimensions[index], 1)).partialValue
    }
    return strides
  }
}
