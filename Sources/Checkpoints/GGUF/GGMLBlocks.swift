import Arrays

/// Blocks of quantized elements, as ggml has them, and the float32 values that they stand for: the same operations in the
/// same order as gguf-py's `dequantize` (gguf/quants.py), so that all bits are equal. Those of 256 elements are in
/// GGMLBlocks+K.swift.
enum GGMLBlocks: String, Sendable {
  case q40 = "Q4_0"
  case q41 = "Q4_1"
  case q50 = "Q5_0"
  case q51 = "Q5_1"
  case q80 = "Q8_0"
  case q2K = "Q2_K"
  case q3K = "Q3_K"
  case q4K = "Q4_K"
  case q5K = "Q5_K"
  case q6K = "Q6_K"
  case iq4NL = "IQ4_NL"
  case iq4XS = "IQ4_XS"
  case tq10 = "TQ1_0"
  case tq20 = "TQ2_0"
  case mxfp4 = "MXFP4"
  case nvfp4 = "NVFP4"

  /// Elements of a block.
  var elements: Int {
    switch self {
    case .q40, .q41, .q50, .q51, .q80, .iq4NL, .mxfp4: 32
    case .nvfp4: 64
    case .q2K, .q3K, .q4K, .q5K, .q6K, .iq4XS, .tq10, .tq20: 256
    }
  }

  /// Bytes of a block.
  var bytes: Int {
    switch self {
    case .q40, .iq4NL: 2 + 16
    case .q41: 2 + 2 + 16
    case .q50: 2 + 4 + 16
    case .q51: 2 + 2 + 4 + 16
    case .q80: 2 + 32
    case .mxfp4: 1 + 16
    case .nvfp4: 4 + 32
    case .q2K: 16 + 64 + 2 + 2
    case .q3K: 32 + 64 + 12 + 2
    case .q4K: 2 + 2 + 12 + 128
    case .q5K: 2 + 2 + 12 + 32 + 128
    case .q6K: 128 + 64 + 16 + 2
    case .iq4XS: 2 + 2 + 4 + 128
    case .tq10: 48 + 4 + 2
    case .tq20: 64 + 2
    }
  }

  /// The little-endian float32 values of whole blocks.
  func values(_ blocks: [UInt8]) -> [UInt8] {
    let count = blocks.count / bytes
    let stride = 4 * elements
    return unsafe [UInt8](unsafeUninitializedCapacity: count * stride) { out, written in
      unsafe blocks.withUnsafeBytes { source in
        guard let from = source.baseAddress, let to = UnsafeMutableRawPointer(out.baseAddress) else { return }
        for index in 0..<count {
          unsafe write(BlockBytes(from + index * bytes), FloatSink(to + index * stride))
        }
      }
      written = count * stride
    }
  }

  @inline(__always)
  private func write(_ block: BlockBytes, _ out: FloatSink) {
    switch self {
    case .q40: nibbles(block, 2, out, block.half(0), { Float(Int8($0) &- 8) })
    case .q41: affineNibbles(block, out)
    case .q50: fives(block, 2, 6, out, block.half(0)) { Float(Int8($0) &- 16) }
    case .q51: affineFives(block, out)
    case .q80:
      let scale = block.half(0)
      for index in 0..<32 { out.put(index, Float(Int8(bitPattern: block[2 &+ index])) * scale) }
    case .iq4NL: nibbles(block, 2, out, block.half(0)) { GGMLBlocks.unevenValue($0) }
    case .mxfp4: nibbles(block, 1, out, GGMLBlocks.powerOfTwo(block[0])) { GGMLBlocks.fourBitFloat($0) }
    case .nvfp4:
      for part in 0..<4 {
        let scale = GGMLBlocks.eightBitFloat(block[part])
        for index in 0..<8 {
          let byte = block[4 &+ 8 &* part &+ index]
          out.put(16 &* part &+ index, scale * GGMLBlocks.fourBitFloat(byte & 15))
          out.put(16 &* part &+ 8 &+ index, scale * GGMLBlocks.fourBitFloat(byte &>> 4))
        }
      }
    case .q2K: GGMLBlocks.writeQ2K(block, out)
    case .q3K: GGMLBlocks.writeQ3K(block, out)
    case .q4K: GGMLBlocks.writeQ4K(block, out)
    case .q5K: GGMLBlocks.writeQ5K(block, out)
    case .q6K: GGMLBlocks.writeQ6K(block, out)
    case .iq4XS: GGMLBlocks.writeIQ4XS(block, out)
    case .tq10: GGMLBlocks.writeTQ1(block, out)
    case .tq20: GGMLBlocks.writeTQ2(block, out)
    }
  }

  /// 16 bytes: the low halves are the first 16 elements, the high ones the others.
  @inline(__always)
  private func nibbles(
    _ block: BlockBytes, _ start: Int, _ out: FloatSink, _ scale: Float, _ value: (UInt8) -> Float
  ) {
    for index in 0..<16 {
      let byte = block[start &+ index]
      out.put(index, scale * value(byte & 15))
      out.put(16 &+ index, scale * value(byte &>> 4))
    }
  }

  @inline(__always)
  private func affineNibbles(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, least) = (block.half(0), block.half(2))
    for index in 0..<16 {
      let byte = block[4 &+ index]
      out.put(index, scale * Float(byte & 15) + least)
      out.put(16 &+ index, scale * Float(byte &>> 4) + least)
    }
  }

  /// As nibbles, with the fifth bits of all elements in 32 bits of their own.
  @inline(__always)
  private func fives(
    _ block: BlockBytes, _ fifths: Int, _ start: Int, _ out: FloatSink, _ scale: Float, _ value: (UInt8) -> Float
  ) {
    let bits = block.word(fifths)
    for index in 0..<16 {
      let byte = block[start &+ index]
      let (low, high) = (UInt8(truncatingIfNeeded: bits &>> index), UInt8(truncatingIfNeeded: bits &>> (16 &+ index)))
      out.put(index, scale * value(byte & 15 | (low & 1) &<< 4))
      out.put(16 &+ index, scale * value(byte &>> 4 | (high & 1) &<< 4))
    }
  }

  @inline(__always)
  private func affineFives(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, least, bits) = (block.half(0), block.half(2), block.word(4))
    for index in 0..<16 {
      let byte = block[8 &+ index]
      let (low, high) = (UInt8(truncatingIfNeeded: bits &>> index), UInt8(truncatingIfNeeded: bits &>> (16 &+ index)))
      out.put(index, scale * Float(byte & 15 | (low & 1) &<< 4) + least)
      out.put(16 &+ index, scale * Float(byte &>> 4 | (high & 1) &<< 4) + least)
    }
  }

  /// The 16 values of IQ4's elements, a byte each.
  @inline(__always)
  static func unevenValue(_ code: UInt8) -> Float {
    // -127, -104, -83, -65, -49, -35, -22, -10; 1, 13, 25, 38, 53, 69, 89, 113; the first is the lowest byte.
    let word: UInt64 = code < 8 ? 0xf6ea_ddcf_bfad_9881 : 0x7159_4535_2619_0d01
    return Float(Int8(truncatingIfNeeded: word &>> (8 &* UInt64(code & 7))))
  }

  /// Twice the value of a float of 2 exponent bits and 1 fraction bit (OCP Microscaling Formats 1.0).
  @inline(__always)
  static func fourBitFloat(_ code: UInt8) -> Float {
    let word: UInt64 = 0x0c08_0604_0302_0100
    let value = Int8(truncatingIfNeeded: word &>> (8 &* UInt64(code & 7)))
    // The negative zero is one without a sign, as in gguf-py.
    return Float(code < 8 ? value : 0 &- value)
  }

  /// Half of the power of two that a byte of exponent stands for.
  @inline(__always)
  static func powerOfTwo(_ exponent: UInt8) -> Float {
    Float(bitPattern: exponent < 2 ? 0x0020_0000 &<< UInt32(exponent) : UInt32(exponent &- 1) &<< 23)
  }

  /// Half of the value of a float of 4 exponent and 3 fraction bits without a sign.
  @inline(__always)
  static func eightBitFloat(_ code: UInt8) -> Float {
    if code == 0x7f { return 0 }
    let (exponent, fraction) = (code &>> 3 & 15, Float(code & 7))
    if exponent == 0 { return fraction / 1024 }
    return (1 + fraction / 8) * Float(sign: .plus, exponent: Int(exponent) - 8, significand: 1)
  }
}

/// The bytes of one block, which whoever makes it has counted.
@safe struct BlockBytes {
  private let base: UnsafePointer<UInt8>

  @inline(__always)
  init(_ base: UnsafeRawPointer) { unsafe self.base = base.assumingMemoryBound(to: UInt8.self) }

  @inline(__always)
  subscript(_ index: Int) -> UInt8 { unsafe base[index] }

  /// A little-endian float16.
  @inline(__always)
  func half(_ index: Int) -> Float { Float(Float16(bitPattern: short(index))) }

  @inline(__always)
  func short(_ index: Int) -> UInt16 { UInt16(self[index]) | UInt16(self[index &+ 1]) &<< 8 }

  @inline(__always)
  func word(_ index: Int) -> UInt32 { UInt32(short(index)) | UInt32(short(index &+ 2)) &<< 16 }
}

/// Where the values of one block go.
@safe struct FloatSink {
  private let base: UnsafeMutableRawPointer

  @inline(__always)
  init(_ base: UnsafeMutableRawPointer) { unsafe self.base = base }

  @inline(__always)
  func put(_ index: Int, _ value: Float) {
    unsafe base.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 &* index, as: UInt32.self)
  }
}
