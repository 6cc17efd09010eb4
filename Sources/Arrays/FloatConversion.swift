/// Float32 elements as numbers and as bytes.
public enum Floats {
  /// The numbers that some little-endian bytes hold.
  public static func array(_ bytes: [UInt8]) -> [Float] {
    let count = bytes.count / 4
    return unsafe [Float](unsafeUninitializedCapacity: count) { out, written in
      unsafe bytes.withUnsafeBytes { source in
        for index in 0..<count {
          let bits = unsafe UInt32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
          unsafe out[index] = Float(bitPattern: bits)
        }
      }
      written = count
    }
  }

  /// The little-endian bytes of some numbers.
  public static func bytes(_ numbers: [Float]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: 4 * numbers.count) { out, written in
      let target = UnsafeMutableRawBufferPointer(out)
      for (index, number) in numbers.enumerated() {
        unsafe target.storeBytes(of: number.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
      }
      written = 4 * numbers.count
    }
  }
}

/// Conversion of little-endian float elements to float32, float16 and bfloat16, rounding to nearest, ties to even
/// (IEEE 754). Values too large for float16 become infinities, as in the other frameworks.
public enum FloatConversion {
  /// Whether `convert` knows the pair. Packed elements become float32 by `PackedElements` first.
  public static func isPossible(from old: ElementType, to new: ElementType) -> Bool {
    old == new || old.isFloatingPoint && !old.isPacked && [.float32, .float16, .bfloat16].contains(new)
  }

  /// The elements of `bytes`, of type `old`, as elements of type `new`.
  public static func convert(_ bytes: borrowing RawSpan, from old: ElementType, to new: ElementType) -> [UInt8] {
    precondition(!old.isPacked, "packed elements are no bytes")
    let count = bytes.byteCount / old.size
    let table = old.isFloatingPoint && old.size == 1 ? Float8Values.table(of: old) : []
    return unsafe [UInt8](unsafeUninitializedCapacity: count * new.size) { out, written in
      unsafe bytes.withUnsafeBytes { bytes in
        for index in 0..<count {
          let value = table.isEmpty ? unsafe load(bytes, index, old) : unsafe table[Int(bytes[index])]
          unsafe store(value, UnsafeMutableRawBufferPointer(out), index, new)
        }
      }
      written = count * new.size
    }
  }

  /// How many of some floats are infinite.
  static func infinities(_ bytes: borrowing RawSpan, _ type: ElementType) -> Int {
    /// - Parameter infinity: the bits of one without its sign.
    func count<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ infinity: Bits) -> Int {
      let size = MemoryLayout<Bits>.size
      return unsafe bytes.withUnsafeBytes { bytes in
        var found = 0
        for index in 0..<bytes.count / size {
          let bits = unsafe Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self))
          if bits & (Bits.max >> 1) == infinity { found += 1 }
        }
        return found
      }
    }
    return switch type {
    case .float64: count(Double.infinity.bitPattern)
    case .float32: count(Float.infinity.bitPattern)
    case .float16: count(Float16.infinity.bitPattern)
    case .bfloat16: count(UInt16(0x7f80))
    case .float8E5M2: count(UInt8(0x7c))
    default: 0
    }
  }

  @inline(__always)
  private static func load(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ type: ElementType) -> Float {
    switch type {
    case .float64:
      // Rounded twice when the target is narrower than float32; the published nets hold no float64.
      return Float(
        Double(bitPattern: unsafe .init(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))))
    case .float32:
      return Float(
        bitPattern: unsafe .init(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
    case .float16:
      let bits = unsafe UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
      return Float(Float16(bitPattern: bits))
    default:
      let bits = unsafe UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
      return Float(bitPattern: UInt32(bits) << 16)
    }
  }

  @inline(__always)
  private static func store(_ value: Float, _ out: UnsafeMutableRawBufferPointer, _ index: Int, _ type: ElementType) {
    switch type {
    case .float32:
      unsafe out.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
    case .float16:
      unsafe out.storeBytes(of: Float16(value).bitPattern.littleEndian, toByteOffset: 2 * index, as: UInt16.self)
    default:
      unsafe out.storeBytes(of: bfloat16(value).littleEndian, toByteOffset: 2 * index, as: UInt16.self)
    }
  }

  /// The upper half of a float32, rounded to nearest, ties to even; a NaN stays a NaN.
  private static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
  }
}
