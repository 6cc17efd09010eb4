/// The numbers that 8-bit floats are (OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; those that end
/// in FNUZ: Noune et al., 8-bit Numerical Formats for Deep Neural Networks, 2022, arXiv:2206.02915).
public enum Float8Values {
  /// The value of each of the 256 bytes, in single precision, which holds all of them.
  /// - Parameter type: an 8-bit float.
  public static func table(of type: ElementType) -> [Float] {
    switch type {
    case .float8E4M3: e4m3
    case .float8E5M2: e5m2
    case .float8E4M3FNUZ: e4m3fnuz
    case .float8E5M2FNUZ: e5m2fnuz
    case .float8E8M0: e8m0
    default: preconditionFailure("\(type.rawValue) is no 8-bit float")
    }
  }

  private static let e4m3 = values(fractionBits: 3, bias: 7) { $0 & 0x7f == 0x7f ? .nan : nil }
  /// The upper byte of a float16.
  private static let e5m2: [Float] = (0..<256).map { Float(Float16(bitPattern: UInt16($0) << 8)) }
  private static let e4m3fnuz = values(fractionBits: 3, bias: 8) { $0 == 0x80 ? .nan : nil }
  private static let e5m2fnuz = values(fractionBits: 2, bias: 16) { $0 == 0x80 ? .nan : nil }
  private static let e8m0: [Float] = (0..<256).map {
    $0 == 255 ? .nan : Float(sign: .plus, exponent: $0 - 127, significand: 1)
  }

  /// - Parameter special: what a byte is that isn't as the others.
  private static func values(fractionBits: Int, bias: Int, special: (Int) -> Float?) -> [Float] {
    (0..<256).map { byte in
      if let value = special(byte) { return value }
      let exponent = (byte & 0x7f) >> fractionBits
      let fraction = Float(byte & (1 << fractionBits - 1)) / Float(1 << fractionBits)
      let value =
        exponent == 0
        ? Float(sign: .plus, exponent: 1 - bias, significand: 1) * fraction
        : Float(sign: .plus, exponent: exponent - bias, significand: 1 + fraction)
      return byte >= 0x80 ? -value : value
    }
  }
}
