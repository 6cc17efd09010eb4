/// The lengths of an array's dimensions, outermost first. Making one is the only place where dimensions are multiplied:
/// a `Shape` that exists has a count of elements that fits.
public struct Shape: Hashable, Sendable {
  /// Most dimensions an array may have.
  public static let maximumRank = 8
  /// Most bytes, and so most elements, that all arrays of a file or net may have together: whoever holds to it can add
  /// them up without a thought.
  public static let largestTotal = 1 << 60

  public let dimensions: [Int]
  /// Product of the dimensions; 1 for a scalar.
  public let elements: Int

  /// - Throws: `Failure` of kind `badData` when a dimension is negative, there are more than `maximumRank`, or the
  ///   product does not fit 63 bits.
  public init(_ dimensions: [Int]) throws(Failure) {
    guard dimensions.count <= Shape.maximumRank else {
      throw Failure(.badData, "shape has \(dimensions.count) dimensions; at most \(Shape.maximumRank) are supported")
    }
    guard dimensions.allSatisfy({ $0 >= 0 }) else {
      throw Failure(.badData, "shape \(dimensions) has a negative dimension")
    }
    var product = 1
    for dimension in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw Failure(.badData, "shape \(dimensions) has more elements than 63 bits can count") }
      product = next
    }
    self.dimensions = dimensions
    elements = product
  }

  /// Bytes that an array of this shape takes.
  /// - Throws: `Failure` of kind `badData` when they don't fit 63 bits.
  public func bytes(of type: ElementType) throws(Failure) -> Int {
    // A packed array ends with the byte that its last element ends in.
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: type.isPacked ? type.bits : type.size)
    guard !overflow else {
      throw Failure(.badData, "shape \(dimensions) of \(type.rawValue) has more bytes than 63 bits can count")
    }
    return type.isPacked ? bytes / 8 + (bytes.isMultiple(of: 8) ? 0 : 1) : bytes
  }

  /// Whether the last byte of such an array has no bits that are left.
  public func fillsBytes(_ type: ElementType) -> Bool {
    !type.isPacked || (elements % 8 * type.bits).isMultiple(of: 8)
  }

  public var rank: Int { dimensions.count }
}

extension Shape: CustomStringConvertible {
  /// `768 × 3072`, or `scalar`.
  public var description: String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: " × ")
  }
}
