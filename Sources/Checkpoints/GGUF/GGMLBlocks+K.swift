import Arrays

/// Blocks of 256 elements, in parts of 16 or 32 with scales of their own.
extension GGMLBlocks {
  /// Two bits each; 16 parts with 4 bits of scale and 4 of minimum.
  @inline(__always)
  static func writeQ2K(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, least) = (block.half(80), block.half(82))
    for part in 0..<16 {
      let code = block[part]
      let (partScale, partLeast) = (scale * Float(code & 15), least * Float(code &>> 4))
      // Four parts of 32 share 32 bytes, two bits of each.
      let (start, shift) = (
        16 &+ 32 &* (part &>> 3) &+ 16 &* (part & 1), UInt8(truncatingIfNeeded: part &>> 1 & 3) &* 2
      )
      for index in 0..<16 {
        out.put(16 &* part &+ index, partScale * Float(block[start &+ index] &>> shift & 3) - partLeast)
      }
    }
  }

  /// Two bits each, and a third in a mask, which when clear takes 4 away; 16 parts with 6 bits of scale.
  @inline(__always)
  static func writeQ3K(_ block: BlockBytes, _ out: FloatSink) {
    let scale = block.half(108)
    for part in 0..<16 {
      let low = part < 8 ? block[96 &+ part] & 15 : block[88 &+ part] &>> 4
      let high = block[104 &+ (part & 3)] &>> (UInt8(truncatingIfNeeded: part &>> 2) &* 2) & 3
      let partScale = scale * Float(Int8(low | high &<< 4) &- 32)
      let start = 32 &+ 32 &* (part &>> 3) &+ 16 &* (part & 1)
      let (shift, bit) = (UInt8(truncatingIfNeeded: part &>> 1 & 3) &* 2, UInt8(truncatingIfNeeded: part &>> 1))
      for index in 0..<16 {
        let isSet = block[16 &* (part & 1) &+ index] &>> bit & 1
        let value = Int8(block[start &+ index] &>> shift & 3) &- Int8((isSet ^ 1) &<< 2)
        out.put(16 &* part &+ index, partScale * Float(value))
      }
    }
  }

  /// Scale and minimum, 6 bits each, of one of 8 parts.
  @inline(__always)
  private static func scales(_ block: BlockBytes, _ part: Int) -> (scale: UInt8, least: UInt8) {
    if part < 4 { return (block[4 &+ part] & 63, block[8 &+ part] & 63) }
    let both = block[8 &+ part]
    return (both & 15 | block[part] &>> 2 & 0x30, both &>> 4 | block[4 &+ part] &>> 2 & 0x30)
  }

  /// Four bits each; 8 parts.
  @inline(__always)
  static func writeQ4K(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, least) = (block.half(0), block.half(2))
    for part in 0..<8 {
      let codes = scales(block, part)
      let (partScale, partLeast) = (scale * Float(codes.scale), least * Float(codes.least))
      let (start, shift) = (16 &+ 32 &* (part &>> 1), UInt8(truncatingIfNeeded: part & 1) &* 4)
      for index in 0..<32 {
        out.put(32 &* part &+ index, partScale * Float(block[start &+ index] &>> shift & 15) - partLeast)
      }
    }
  }

  /// As of `q4K`, with the fifth bits in 32 bytes of their own, a bit of each for each part.
  @inline(__always)
  static func writeQ5K(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, least) = (block.half(0), block.half(2))
    for part in 0..<8 {
      let codes = scales(block, part)
      let (partScale, partLeast) = (scale * Float(codes.scale), least * Float(codes.least))
      let (start, shift) = (48 &+ 32 &* (part &>> 1), UInt8(truncatingIfNeeded: part & 1) &* 4)
      let bit = UInt8(truncatingIfNeeded: part)
      for index in 0..<32 {
        let code = block[start &+ index] &>> shift & 15 | (block[16 &+ index] &>> bit & 1) &<< 4
        out.put(32 &* part &+ index, partScale * Float(code) - partLeast)
      }
    }
  }

  /// Four bits each and two more; 16 parts with a byte of scale.
  @inline(__always)
  static func writeQ6K(_ block: BlockBytes, _ out: FloatSink) {
    let scale = block.half(208)
    for part in 0..<16 {
      let partScale = scale * Float(Int8(bitPattern: block[192 &+ part]))
      let (half, row, column) = (part &>> 3, part &>> 1 & 3, 16 &* (part & 1))
      let lows = 64 &* half &+ 32 &* (row & 1) &+ column
      let highs = 128 &+ 32 &* half &+ column
      let (lowShift, highShift) = (UInt8(truncatingIfNeeded: row &>> 1) &* 4, UInt8(truncatingIfNeeded: row) &* 2)
      for index in 0..<16 {
        let code = block[lows &+ index] &>> lowShift & 15 | (block[highs &+ index] &>> highShift & 3) &<< 4
        out.put(16 &* part &+ index, partScale * Float(Int8(code) &- 32))
      }
    }
  }

  /// Four bits each, which stand for uneven values; 8 parts with 6 bits of scale.
  @inline(__always)
  static func writeIQ4XS(_ block: BlockBytes, _ out: FloatSink) {
    let (scale, highs) = (block.half(0), block.short(2))
    for part in 0..<8 {
      let low = block[4 &+ part &>> 1] &>> (UInt8(truncatingIfNeeded: part & 1) &* 4) & 15
      let high = UInt8(truncatingIfNeeded: highs &>> (2 &* UInt16(truncatingIfNeeded: part)) & 3)
      let partScale = scale * Float(Int8(low | high &<< 4) &- 32)
      for index in 0..<16 {
        let byte = block[8 &+ 16 &* part &+ index]
        out.put(32 &* part &+ index, partScale * unevenValue(byte & 15))
        out.put(32 &* part &+ 16 &+ index, partScale * unevenValue(byte &>> 4))
      }
    }
  }

  /// -1, 0 or 1: five of them in a byte, as digits of base three.
  @inline(__always)
  static func writeTQ1(_ block: BlockBytes, _ out: FloatSink) {
    let scale = block.half(52)
    var place = 0
    /// - Parameters:
    ///   - width: bytes that a row of elements comes from.
    @inline(__always)
    func rows(_ start: Int, _ width: Int, _ count: Int) {
      var power: UInt8 = 1
      for _ in 0..<count {
        for index in 0..<width {
          let digit = (UInt16(block[start &+ index] &* power) &* 3) &>> 8
          out.put(place &+ index, scale * Float(Int8(truncatingIfNeeded: digit) &- 1))
        }
        place &+= width
        power = power &* 3
      }
    }
    rows(0, 32, 5)
    rows(32, 16, 5)
    rows(48, 4, 4)
  }

  /// -1, 0 or 1: two bits each.
  @inline(__always)
  static func writeTQ2(_ block: BlockBytes, _ out: FloatSink) {
    let scale = block.half(64)
    for row in 0..<8 {
      let (start, shift) = (32 &* (row &>> 2), UInt8(truncatingIfNeeded: row & 3) &* 2)
      for index in 0..<32 {
        out.put(32 &* row &+ index, scale * Float(Int8(block[start &+ index] &>> shift & 3) &- 1))
      }
    }
  }
}
