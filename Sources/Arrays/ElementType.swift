/// The type of an array's elements. Stored little-endian.
public enum ElementType: String, CaseIterable, Hashable, Sendable {
  case float64, float32, float16, bfloat16
  /// 8-bit floats of the OCP specification: 4 exponent and 3 fraction bits, and 5 and 2. Read and reported, not computed with.
  case float8E4M3, float8E5M2
  /// The same with one more of exponent bias, neither infinities nor a negative zero, whose bits are the one NaN.
  case float8E4M3FNUZ, float8E5M2FNUZ
  /// A power of two: 8 exponent bits, of the OCP specification of microscaling formats.
  case float8E8M0
  /// A real and an imaginary part.
  case complex64, complex128
  case int64, int32, int16, int8
  case uint64, uint32, uint16, uint8
  /// One byte, 0 or 1.
  case bool

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .complex128: 16
    case .float64, .int64, .uint64, .complex64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0, .int8, .uint8, .bool: 1
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float8E8M0:
      true
    default: false
    }
  }

  /// The type of the parts of a complex number; of others itself.
  public var component: ElementType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }

  public var isComplex: Bool { component != self }
}

/// The first bytes of a net file: see schemas/FORMAT.md. Here because those who only tell files apart need them too.
public enum NetFileMagic {
  /// A byte that is no text, the name, and both line ends: a transfer that mangles any of them is noticed.
  public static let bytes: [UInt8] = [0x89] + Array("INGOT".utf8) + [0x0d, 0x0a]
}
