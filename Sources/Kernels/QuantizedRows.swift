import Arrays
import CKernels

/// Rows of weights as integers from -127 to 127 with a scale per row: of six scales, the row's largest magnitude over 127
/// and that times 0.96, 0.92, 0.88, 0.84, 0.8, the one with the least sum of squared errors. The same bytes come out on
/// every processor.
public struct QuantizedRows: Sendable {
  /// int8, row by row.
  public let elements: [UInt8]
  public let scales: [Float]

  /// - Parameter rows: float32, row by row.
  /// - Returns: nil when an element is not finite, or so large that its square is not.
  public init?(_ rows: [Float], columns: Int) {
    guard let made = unsafe rows.withUnsafeBufferPointer({ unsafe Self.quantized($0, columns) }) else { return nil }
    (elements, scales) = made
  }

  /// - Parameter rows: bytes of float32 elements, row by row.
  /// - Returns: as above.
  public init?(bytes rows: borrowing RawSpan, columns: Int) {
    let made = unsafe rows.withUnsafeBytes { bytes -> ([UInt8], [Float])? in
      let isAligned = unsafe bytes.baseAddress.map { Int(bitPattern: $0).isMultiple(of: MemoryLayout<Float>.alignment) }
      guard isAligned == true else {
        return unsafe Floats.array(unsafe Array(bytes)).withUnsafeBufferPointer { unsafe Self.quantized($0, columns) }
      }
      return unsafe Self.quantized(bytes.assumingMemoryBound(to: Float.self), columns)
    }
    guard let made else { return nil }
    (elements, scales) = made
  }

  private static func quantized(_ rows: UnsafeBufferPointer<Float>, _ columns: Int) -> ([UInt8], [Float])? {
    precondition(columns > 0 && rows.count.isMultiple(of: columns))
    let count = rows.count / columns
    var scales = [Float](repeating: 0, count: count)
    var status: Int32 = 0
    let elements = unsafe [UInt8](unsafeUninitializedCapacity: rows.count) { out, used in
      unsafe out.baseAddress?.withMemoryRebound(to: Int8.self, capacity: rows.count) { target in
        status = unsafe ck_quantize_rows(rows.baseAddress, count, columns, target, &scales)
      }
      used = rows.count
    }
    return status == 0 ? (elements, scales) : nil
  }
}
