import Arrays
import CKernels

/// Rows of an array along one of its dimensions: all elements of one index there. Those of the first dimension are adjacent,
/// others are gathered from all over the array.
public struct AxisRows: Sendable {
  /// Indexes before, at and after the dimension, each multiplied together.
  public let outer: Int
  public let rows: Int
  public let inner: Int

  public init(_ shape: Shape, axis: Int) {
    let dimensions = shape.dimensions
    outer = dimensions[..<axis].reduce(1, *)
    rows = dimensions[axis]
    inner = dimensions[(axis + 1)...].reduce(1, *)
  }

  /// Elements of a row.
  public var columns: Int { outer * inner }

  /// Whether rows stand one after the other.
  public var areAdjacent: Bool { outer == 1 }

  /// The rows of a range, one after the other.
  /// - Parameter size: bytes of an element, 1, 2, 4 or 8.
  public func gather(_ range: Range<Int>, of array: [UInt8], size: Int) -> [UInt8] {
    precondition(array.count == rows * columns * size && range.lowerBound >= 0 && range.upperBound <= rows)
    let bytes = range.count * columns * size
    return unsafe [UInt8](unsafeUninitializedCapacity: bytes) { out, count in
      unsafe array.withUnsafeBytes { array in
        unsafe ck_gather_rows(
          array.baseAddress, size, outer, rows, inner, range.lowerBound, range.count, out.baseAddress)
      }
      count = bytes
    }
  }

  /// Puts the integers of some rows into the first byte of their elements' places.
  public func scatter(_ elements: [UInt8], _ range: Range<Int>, into array: inout [UInt8], size: Int) {
    precondition(array.count == rows * columns * size && range.lowerBound >= 0 && range.upperBound <= rows)
    precondition(elements.count == range.count * columns)
    unsafe array.withUnsafeMutableBytes { array in
      unsafe elements.withUnsafeBytes { elements in
        unsafe ck_scatter_rows(
          elements.bindMemory(to: Int8.self).baseAddress, size, outer, rows, inner, range.lowerBound, range.count,
          array.baseAddress)
      }
    }
  }

  /// Brings the first bytes of all elements together, and leaves the rest off.
  public func pack(_ array: inout [UInt8], size: Int) {
    precondition(array.count == rows * columns * size)
    unsafe array.withUnsafeMutableBytes { unsafe ck_pack_first_bytes($0.baseAddress, size, rows * columns) }
    array.removeLast(array.count - rows * columns)
  }
}
