import Arrays
import Families
import Kernels
import NetFile

/// A net that was quantized, and what that cost.
public struct QuantizedNet: Sendable {
  /// As it was done in the end: without what turned out not to bear int8.
  public let quantization: Quantization
  public let net: WrittenNet
  /// Of every int8 array, in the order of the file.
  public let errors: [(array: String, error: QuantizationError)]

  /// Ratio of signal to quantization noise of all int8 arrays together, in dB; nil: there are none.
  public var sqnr: Double? { errors.isEmpty ? nil : QuantizationError.sqnr(errors.map(\.error)) }
}

/// Why an array of a plain net doesn't become int8.
public enum LeftReason: Sendable, Equatable {
  /// It holds no floating-point numbers.
  case noFloat(ElementType)
  /// Its elements take 8 bits already.
  case narrow(ElementType)
  /// It has fewer than two dimensions.
  case fewDimensions
  /// Its rows have fewer than `PlainQuantizationPlan.shortestRow` elements, or there are none: scales would cost what is saved.
  case shortRows
  /// It was to be kept.
  case kept
  /// It holds numbers that are not finite, or whose squares are not in single precision.
  case notFinite
  /// Its ratio of signal to quantization noise, in dB, is below what was asked for.
  case below(Double)

  public var isBelow: Bool {
    if case .below = self { return true }
    return false
  }

  /// What speaks against an array whatever its values; nil: nothing.
  init?(_ array: ArrayEntry, axis: Int) {
    guard array.elementType.isFloatingPoint else {
      self = .noFloat(array.elementType)
      return
    }
    guard array.shape.rank > 1 else {
      self = .fewDimensions
      return
    }
    guard array.elementType.bits > 8 else {
      self = .narrow(array.elementType)
      return
    }
    guard array.shape.elements > 0,
      array.shape.elements / array.shape.dimensions[axis] >= PlainQuantizationPlan.shortestRow
    else {
      self = .shortRows
      return
    }
    return nil
  }
}

/// An array that turned out not to bear int8.
struct UnfitArray: Error {
  let name: String
  let reason: LeftReason
  /// Where it is the end.
  let failure: Failure
}
