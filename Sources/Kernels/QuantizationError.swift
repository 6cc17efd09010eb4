import Arrays
import CKernels
import Glibc

/// What quantizing an array's rows cost: sums over all elements w, q being the integer and s the row's scale, in double
/// precision.
public struct QuantizationError: Sendable, Equatable {
  /// Σ w².
  public private(set) var signal = 0.0
  /// Σ (w - q s)².
  public private(set) var noise = 0.0
  /// Rows that came.
  public private(set) var rows = 0
  /// Rows too small for a scale (below 4.3e-37 throughout, but not all zeros), which became zeros.
  public private(set) var lostRows = 0
  /// The row with the least ratio of signal to noise, of those that have a scale and an error; nil where there is none.
  public private(set) var worstRow: (index: Int, sqnr: Double)?

  public init() {}

  /// 10 log₁₀(signal / noise), in decibels; infinite where nothing was lost.
  public var sqnr: Double { Self.decibels(signal, noise) }

  /// The same of several arrays together.
  public static func sqnr(_ errors: [QuantizationError]) -> Double {
    decibels(errors.reduce(0) { $0 + $1.signal }, errors.reduce(0) { $0 + $1.noise })
  }

  package static func decibels(_ signal: Double, _ noise: Double) -> Double {
    noise == 0 ? .infinity : 10 * log10(signal / noise)
  }

  /// Counts further rows in.
  /// - Parameter bytes: the rows as float32, little-endian.
  public mutating func add(_ bytes: borrowing RawSpan, _ quantized: QuantizedRows, columns: Int) {
    let count = quantized.scales.count
    precondition(bytes.byteCount == 4 * count * columns, "other rows than were quantized")
    var (signals, noises) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    unsafe bytes.withUnsafeBytes { bytes in
      let isAligned = unsafe bytes.baseAddress.map { Int(bitPattern: $0).isMultiple(of: MemoryLayout<Float>.alignment) }
      func measure(_ rows: UnsafeBufferPointer<Float>) {
        unsafe quantized.elements.withUnsafeBytes { elements in
          unsafe ck_row_errors(
            rows.baseAddress, count, columns, elements.bindMemory(to: Int8.self).baseAddress, quantized.scales,
            &signals,
            &noises)
        }
      }
      if isAligned == true {
        unsafe measure(bytes.bindMemory(to: Float.self))
      } else {
        unsafe Floats.array(Array(bytes)).withUnsafeBufferPointer { unsafe measure($0) }
      }
    }
    for index in 0..<count {
      signal += signals[index]
      noise += noises[index]
      if noises[index] > 0 {
        let ratio = Self.decibels(signals[index], noises[index])
        if quantized.scales[index] == 0 {
          lostRows += 1
        } else if ratio < worstRow?.sqnr ?? .infinity {
          worstRow = (rows + index, ratio)
        }
      } else if quantized.scales[index] == 0, signals[index] > 0 {
        lostRows += 1
      }
    }
    rows += count
  }

  public static func == (a: QuantizationError, b: QuantizationError) -> Bool {
    a.signal == b.signal && a.noise == b.noise && a.rows == b.rows && a.lostRows == b.lostRows
      && a.worstRow?.index == b.worstRow?.index && a.worstRow?.sqnr == b.worstRow?.sqnr
  }
}
