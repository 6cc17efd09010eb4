import Arrays
import CKernels

/// Where the elements of an array of weights are.
public enum WeightData: Sendable {
  /// Nowhere: the net is only described.
  case none
  /// In place in a mapped net file.
  case mapped(MappedFile, Range<Int>)
  /// Unpacked in memory.
  case memory(MemoryBlock)
  /// Computed: a matrix whose rows are adjacent.
  case computed(Matrix)

  /// Lends the elements, row by row, little-endian; empty when the net is only described.
  public func withBytes<Result>(_ body: (borrowing RawSpan) throws -> Result) rethrows -> Result {
    switch self {
    case .none: try body(RawSpan())
    case .mapped(let file, let range): try file.withBytes(in: range, body)
    case .memory(let block): try block.withBytes(body)
    case .computed(let matrix): try body(Floats.bytes(matrix.elements).rawSpan)
    }
  }

  var count: Int {
    switch self {
    case .none: 0
    case .mapped(_, let range): range.count
    case .memory(let block): block.count
    case .computed(let matrix): matrix.rows * matrix.columns * MemoryLayout<Float>.stride
    }
  }

  /// Valid for as long as this value is held.
  @unsafe var address: UnsafeRawPointer {
    switch self {
    case .none: preconditionFailure("a net that is only described can't run")
    case .mapped(let file, let range): unsafe file.address(at: range.lowerBound)
    case .memory(let block): unsafe block.address
    case .computed(let matrix): unsafe UnsafeRawPointer(matrix.base)
    }
  }
}

/// What int8 weights are multiplied with.
public enum Activations: String, Sendable, CaseIterable {
  /// Rows of x, quantized on the way: each has a scale of its own, its largest magnitude over 127. Sums of products are
  /// exact integers, and so the same on every processor. An attention between such maps may round its operands to
  /// bfloat16.
  case int8
  /// x as it is; weights are widened.
  case float32
}

/// An array of weights as kernels take it.
public struct KernelWeight: Sendable {
  let data: WeightData
  let type: ck_type
  /// Of int8 elements: one per row.
  let scales: WeightData?
  /// Of int8 elements.
  private(set) var activations: Activations
  let elements: Int
  /// Of an int8 array: elements of a row.
  private let columns: Int
  /// Where the first element is, of those of `data`.
  private let first: Int

  /// - Parameters:
  ///   - elementType: float32, float16 or bfloat16; int8 with `scales`.
  ///   - scales: float32, one per row.
  ///   - activations: what int8 elements are multiplied with.
  public init(
    _ data: WeightData, _ elementType: ElementType, elements: Int, scales: WeightData? = nil,
    activations: Activations = .float32
  ) {
    precondition(
      Self.isPossible(elementType) && (elementType == .int8) == (scales != nil),
      "kernels don't know \(elementType.rawValue)")
    self.scales = scales
    self.activations = activations
    let rows = (scales?.count ?? 0) / MemoryLayout<Float>.stride
    columns = rows > 0 ? elements / rows : 0
    precondition(scales == nil || rows * columns == elements, "an int8 array has other than a scale per row")
    precondition(data.count == elements * elementType.size, "an array of weights has other than its bytes")
    self.data = data
    self.elements = elements
    first = 0
    type =
      switch elementType {
      case .float16: ck_float16
      case .bfloat16: ck_bfloat16
      case .int8: ck_int8
      default: ck_float32
      }
  }

  /// A matrix that was computed, in the place of weights: outputs × inputs.
  public init(_ matrix: Matrix) {
    precondition(matrix.hasAdjacentRows, "a matrix in the place of weights needs adjacent rows")
    self.init(.computed(matrix), .float32, elements: matrix.rows * matrix.columns)
  }

  private init(_ whole: KernelWeight, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= whole.elements, "range outside the weights")
    data = whole.data
    type = whole.type
    scales = whole.scales
    activations = whole.activations
    columns = whole.columns
    precondition(
      scales == nil || range.lowerBound.isMultiple(of: columns) && range.upperBound.isMultiple(of: columns),
      "part of a row of int8 weights")
    elements = range.count
    first = whole.first + range.lowerBound
  }

  /// Whether there is a scale for each of so many rows, or no scales are needed.
  func hasScalesOf(rows: Int) -> Bool { scales == nil || elements == rows * columns }

  /// The same weights, multiplied with x as it is.
  public var withFloatActivations: KernelWeight {
    var copy = self
    copy.activations = .float32
    return copy
  }

  /// Some of the elements, as weights of their own.
  public func part(_ range: Range<Int>) -> KernelWeight { KernelWeight(self, range) }

  /// Whether kernels can use such elements.
  public static func isPossible(_ type: ElementType) -> Bool {
    [.float32, .float16, .bfloat16, .int8].contains(type)
  }

  /// Bytes of one element.
  private var size: Int { type == ck_float32 ? 4 : type == ck_int8 ? 1 : 2 }

  /// Of the first row's scale; nil for floats. Valid for as long as this value is held.
  @unsafe var scalesAddress: UnsafePointer<Float>? {
    guard let scales else { return nil }
    return unsafe scales.address.assumingMemoryBound(to: Float.self) + first / columns
  }

  /// Of the first element; valid for as long as this value is held.
  @unsafe var address: UnsafeRawPointer { unsafe data.address + first * size }

  /// Some of the elements as float32.
  public func floats(_ range: Range<Int>) -> [Float] {
    precondition(range.lowerBound >= 0 && range.upperBound <= elements, "range outside the weights")
    guard !range.isEmpty else { return [] }
    var out = unsafe [Float](unsafeUninitializedCapacity: range.count) { out, count in
      unsafe ck_widen(address + range.lowerBound * size, type, range.count, out.baseAddress)
      count = range.count
    }
    if let scales = unsafe scalesAddress {
      for index in out.indices { out[index] *= unsafe scales[(range.lowerBound + index) / columns] }
    }
    return out
  }

  /// All the elements as float32.
  public var floats: [Float] { floats(0..<elements) }
}
