import Arrays
import CKernels

/// Rows of weights as integers from -127 to 127 with a scale per row: of six scales, the row's largest magnitude over 127
/// and that times 0.96, 0.92, 0.88, 0.84, 0.8, the one with the least sum of squared errors. Every element is rounded to
/// the nearest integer, or so that errors cancel along some directions. The same bytes come out on every processor.
public struct QuantizedRows: Sendable {
  /// int8, row by row.
  public let elements: [UInt8]
  public let scales: [Float]

  /// - Parameter rows: float32, row by row.
  /// - Returns: nil when an element is not finite, or so large that its square is not.
  public init?(_ rows: [Float], columns: Int, along directions: RoundingDirections? = nil) {
    guard let made = unsafe rows.withUnsafeBufferPointer({ unsafe Self.quantized($0, columns, directions) }) else {
      return nil
    }
    (elements, scales) = made
  }

  /// - Parameter rows: bytes of float32 elements, row by row.
  /// - Returns: as above.
  public init?(bytes rows: borrowing RawSpan, columns: Int, along directions: RoundingDirections? = nil) {
    let made = unsafe rows.withUnsafeBytes { bytes -> ([UInt8], [Float])? in
      let isAligned = unsafe bytes.baseAddress.map { Int(bitPattern: $0).isMultiple(of: MemoryLayout<Float>.alignment) }
      guard isAligned == true else {
        return unsafe Floats.array(unsafe Array(bytes)).withUnsafeBufferPointer {
          unsafe Self.quantized($0, columns, directions)
        }
      }
      return unsafe Self.quantized(bytes.assumingMemoryBound(to: Float.self), columns, directions)
    }
    guard let made else { return nil }
    (elements, scales) = made
  }

  private static func quantized(
    _ rows: UnsafeBufferPointer<Float>, _ columns: Int, _ directions: RoundingDirections?
  ) -> ([UInt8], [Float])? {
    precondition(columns > 0 && rows.count.isMultiple(of: columns))
    precondition(directions?.columns ?? columns == columns, "directions don't fit the rows")
    let count = rows.count / columns
    var scales = [Float](repeating: 0, count: count)
    var status: Int32 = 0
    let elements = unsafe [UInt8](unsafeUninitializedCapacity: rows.count) { out, used in
      unsafe out.baseAddress?.withMemoryRebound(to: Int8.self, capacity: rows.count) { target in
        status = unsafe ck_quantize_rows(
          rows.baseAddress, count, columns, directions?.elements, directions?.gains, directions?.count ?? 0, target,
          &scales)
      }
      used = rows.count
    }
    return status == 0 ? (elements, scales) : nil
  }
}

/// Directions in which the inputs of a matrix vary more than in others, by which its elements are rounded: an error in one
/// of them is made up for by those behind it. See `ck_quantize_rows` for what exactly is done.
public struct RoundingDirections: Sendable {
  public static let most = Int(ck_most_directions)

  public let columns: Int
  /// How many directions.
  public let count: Int
  /// Columns × count. The length of a direction is how much the inputs vary there, relative to all others.
  public let elements: [Float]
  fileprivate let gains: [Float]

  /// - Parameter elements: columns × 1 to `most`.
  public init(_ elements: [Float], columns: Int) {
    precondition(columns > 0 && elements.count.isMultiple(of: columns), "directions are not whole")
    let count = elements.count / columns
    precondition((1...Self.most).contains(count), "rounding knows at most \(Self.most) directions")
    self.columns = columns
    self.count = count
    self.elements = elements
    gains = unsafe [Float](unsafeUninitializedCapacity: elements.count) { out, used in
      unsafe ck_rounding_gains(elements, columns, count, out.baseAddress)
      used = elements.count
    }
  }
}
