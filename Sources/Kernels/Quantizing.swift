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
    precondition(columns > 0 && rows.count.isMultiple(of: columns))
    let count = rows.count / columns
    var scales = [Float](repeating: 0, count: count)
    var status: Int32 = 0
    elements = unsafe [UInt8](unsafeUninitializedCapacity: rows.count) { out, used in
      unsafe out.baseAddress?.withMemoryRebound(to: Int8.self, capacity: rows.count) { target in
        status = unsafe ck_quantize_rows(rows, count, columns, target, &scales)
      }
      used = rows.count
    }
    guard status == 0 else { return nil }
    self.scales = scales
  }
}
