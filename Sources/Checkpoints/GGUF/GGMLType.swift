import Arrays

/// How a tensor's elements stand in a GGUF file: a type of ggml, by its number there (ggml.h, `enum ggml_type`, and
/// GGML_QUANT_SIZES of gguf-py).
struct GGMLType: Sendable {
  enum Form: Sendable {
    /// Little-endian elements, one after the other.
    case plain(ElementType)
    /// Blocks of quantized elements whose values are float32.
    case blocks(GGMLBlocks)
    /// None that is read.
    case unread
  }

  let name: String
  /// Elements of a block, which are neighbours in a row.
  let blockElements: Int
  /// Bytes of a block; 0 where it is not known.
  let blockBytes: Int
  let form: Form

  /// nil: a number that stands for none.
  init?(number: UInt32) {
    guard let entry = GGMLType.all[number] else { return nil }
    self = entry
  }

  /// The number of the type that has elements as they are; nil where there is none.
  static func number(of type: ElementType) -> UInt32? {
    all.first { entry in
      if case .plain(type) = entry.value.form { true } else { false }
    }?.key
  }

  private init(_ name: String, _ blockElements: Int, _ blockBytes: Int, _ form: Form) {
    (self.name, self.blockElements, self.blockBytes, self.form) = (name, blockElements, blockBytes, form)
  }

  /// Bytes of that many elements, a whole number of blocks; nil where that can't be said.
  func bytes(elements: Int) -> Int? {
    guard blockBytes > 0 else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  private static func plain(_ name: String, _ type: ElementType) -> GGMLType {
    GGMLType(name, 1, type.size, .plain(type))
  }

  private static func blocks(_ blocks: GGMLBlocks) -> GGMLType {
    GGMLType(blocks.rawValue, blocks.elements, blocks.bytes, .blocks(blocks))
  }

  private static func unread(_ name: String, _ elements: Int = 1, _ bytes: Int = 0) -> GGMLType {
    GGMLType(name, elements, bytes, .unread)
  }

  private static let all: [UInt32: GGMLType] = [
    0: plain("F32", .float32), 1: plain("F16", .float16), 2: blocks(.q40), 3: blocks(.q41),
    4: unread("Q4_2"), 5: unread("Q4_3"), 6: blocks(.q50), 7: blocks(.q51), 8: blocks(.q80),
    9: unread("Q8_1", 32, 40), 10: blocks(.q2K), 11: blocks(.q3K), 12: blocks(.q4K), 13: blocks(.q5K),
    14: blocks(.q6K), 15: unread("Q8_K", 256, 292), 16: unread("IQ2_XXS", 256, 66), 17: unread("IQ2_XS", 256, 74),
    18: unread("IQ3_XXS", 256, 98), 19: unread("IQ1_S", 256, 50), 20: blocks(.iq4NL), 21: unread("IQ3_S", 256, 110),
    22: unread("IQ2_S", 256, 82), 23: blocks(.iq4XS), 24: plain("I8", .int8), 25: plain("I16", .int16),
    26: plain("I32", .int32), 27: plain("I64", .int64), 28: plain("F64", .float64), 29: unread("IQ1_M", 256, 56),
    30: plain("BF16", .bfloat16), 31: unread("Q4_0_4_4"), 32: unread("Q4_0_4_8"), 33: unread("Q4_0_8_8"),
    34: blocks(.tq10), 35: blocks(.tq20), 36: unread("IQ4_NL_4_4"), 37: unread("IQ4_NL_4_8"),
    38: unread("IQ4_NL_8_8"), 39: blocks(.mxfp4), 40: blocks(.nvfp4), 41: unread("Q1_0", 128, 18),
  ]
}
