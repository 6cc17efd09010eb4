/// The type of an array's elements. Stored little-endian.
public enum ElementType: String, CaseIterable, Hashable, Sendable {
  case float64, float32, float16, bfloat16
  /// 8-bit floats of the OCP specification: 4 exponent and 3 fraction bits, and 5 and 2. Read and reported, not computed with.
  case float8E4M3, float8E5M2
  /// The same with one more of exponent bias, neither infinities nor a negative zero, whose bits are the one NaN.
  case float8E4M3FNUZ, float8E5M2FNUZ
  /// A power of two: 8 exponent bits, of the OCP specification of microscaling formats.
  case float8E8M0
  /// Floats of fewer bits than a byte, of the OCP specification of microscaling formats; packed.
  case float6E2M3, float6E3M2, float4E2M1
  /// A real and an imaginary part.
  case complex32, complex64, complex128
  case int64, int32, int16, int8
  case uint64, uint32, uint16, uint8
  /// Integers of fewer bits than a byte; packed.
  case int4, int2, uint4, uint2
  /// One byte, 0 or 1.
  case bool

  /// Bits per element. Those of packed types stand one after the other from the lowest bit of the first byte on, whatever
  /// the shape; bits of the last byte that are left mean nothing.
  public var bits: Int {
    switch self {
    case .complex128: 128
    case .float64, .int64, .uint64, .complex64: 64
    case .float32, .int32, .uint32, .complex32: 32
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0, .int8, .uint8, .bool: 8
    case .float6E2M3, .float6E3M2: 6
    case .float4E2M1, .int4, .uint4: 4
    case .int2, .uint2: 2
    }
  }

  /// Whether elements share bytes. Nothing but `PackedElements` gets at one of them.
  public var isPacked: Bool { bits < 8 }

  /// Bytes per element; of packed types 1, which is what their data are a multiple of.
  public var size: Int { max(1, bits / 8) }

  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float8E8M0, .float6E2M3, .float6E3M2, .float4E2M1:
      true
    default: false
    }
  }

  /// The type of the parts of a complex number; of others itself.
  public var component: ElementType {
    switch self {
    case .complex32: .float16
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
