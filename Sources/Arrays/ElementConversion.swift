/// Converts the floats of an array, which come in order, in pieces: to nearest, ties to even (`FloatConversion`). Float64 goes
/// through float32, as in torch.
public struct ElementConversion: Sendable {
  private let from: ElementType
  private let to: ElementType
  private var packed: PackedElements?
  /// Numbers that were too large for the new type, and became infinite.
  public private(set) var overflows = 0

  /// Whether there is a conversion.
  public static func isPossible(from old: ElementType, to new: ElementType) -> Bool {
    FloatConversion.isPossible(from: old.isPacked && old.isFloatingPoint ? .float32 : old, to: new)
  }

  /// - Parameter elements: of the whole array.
  public init(from old: ElementType, to new: ElementType, elements: Int) {
    (from, to) = (old, new)
    packed = old.isPacked ? PackedElements(old, elements: elements) : nil
  }

  /// - Parameter piece: whole elements; of packed ones, any bytes.
  public mutating func convert(_ piece: borrowing RawSpan) -> [UInt8] {
    if let floats = packed?.float32(piece) {
      // No packed type has a number that is too large for another.
      return to == .float32 ? floats : FloatConversion.convert(floats.rawSpan, from: .float32, to: to)
    }
    let converted = FloatConversion.convert(piece, from: from, to: to)
    let infinities = FloatConversion.infinities(converted.rawSpan, to)
    if infinities > 0 { overflows += infinities - FloatConversion.infinities(piece, from) }
    return converted
  }
}
