/// Makes numbers of packed elements, which come in order, in pieces of any size.
///
/// The values of floats are those of the OCP Microscaling Formats (MX) Specification 1.0; integers are two's complement or
/// unsigned.
public struct PackedElements: Sendable {
  private let bits: Int
  private let values: [Float]
  /// Elements that have not come yet.
  private var left: Int
  /// Bits of an element that has not come whole, the lowest first, and how many they are.
  private var waiting: UInt16 = 0
  private var count = 0

  /// - Parameters:
  ///   - type: a packed one.
  ///   - elements: of the whole array: what is behind them in its last byte is none.
  public init(_ type: ElementType, elements: Int) {
    bits = type.bits
    values = Self.values(of: type)
    left = elements
  }

  /// The next elements as float32, little-endian; single precision holds them all.
  public mutating func float32(_ piece: borrowing RawSpan) -> [UInt8] {
    var out: [Float] = []
    out.reserveCapacity(piece.byteCount * 8 / bits + 1)
    for index in 0..<piece.byteCount {
      waiting |= UInt16(unsafe piece.unsafeLoad(fromByteOffset: index, as: UInt8.self)) << UInt16(count)
      count += 8
      while count >= bits, left > 0 {
        out.append(values[Int(waiting) & (1 << bits - 1)])
        waiting >>= UInt16(bits)
        count -= bits
        left -= 1
      }
      if left == 0 { (waiting, count) = (0, 0) }
    }
    return Floats.bytes(out)
  }

  /// What each pattern of bits stands for.
  /// - Parameter type: a packed one.
  public static func values(of type: ElementType) -> [Float] {
    switch type {
    case .float4E2M1: floats(exponentBits: 2, fractionBits: 1)
    case .float6E2M3: floats(exponentBits: 2, fractionBits: 3)
    case .float6E3M2: floats(exponentBits: 3, fractionBits: 2)
    case .uint4: (0..<16).map(Float.init)
    case .uint2: (0..<4).map(Float.init)
    case .int4: (0..<16).map { Float($0 < 8 ? $0 : $0 - 16) }
    case .int2: (0..<4).map { Float($0 < 2 ? $0 : $0 - 4) }
    default: preconditionFailure("\(type.rawValue) is not packed")
    }
  }

  /// A sign, an exponent whose bias is half its range, and a fraction; neither infinities nor NaN.
  private static func floats(exponentBits: Int, fractionBits: Int) -> [Float] {
    let (bias, half) = (1 << (exponentBits - 1) - 1, 1 << (exponentBits + fractionBits))
    return (0..<2 * half).map { pattern in
      let exponent = (pattern % half) >> fractionBits
      let fraction = Float(pattern & (1 << fractionBits - 1)) / Float(1 << fractionBits)
      let value =
        exponent == 0
        ? Float(sign: .plus, exponent: 1 - bias, significand: 1) * fraction
        : Float(sign: .plus, exponent: exponent - bias, significand: 1 + fraction)
      return pattern >= half ? -value : value
    }
  }
}
