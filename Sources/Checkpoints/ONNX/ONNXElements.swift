import Arrays

/// Elements that stand in a message as numbers of a repeated field, one by one or packed together, rather than as bytes.
/// Of elements of 4 and 2 bits a number is a byte of them; of 6 bits it is one.
struct ONNXElements {
  /// Of the message.
  let range: Range<Int>
  /// The repeated field's number.
  let field: Int
  let type: ElementType

  /// Bits of one number on the wire; nil: it takes as many bytes as it needs.
  private var fixed: ProtobufField.Wire? {
    switch type {
    case .float32: .fixed32
    case .float64: .fixed64
    default: type.rawValue == "complex64" ? .fixed32 : type.rawValue == "complex128" ? .fixed64 : nil
    }
  }

  /// Goes through all numbers of the field, in order.
  /// - Throws: `Failure` of kind `badData` when one doesn't fit the type.
  private func forEach(_ file: any Source, _ body: (UInt64) -> Void) throws(Failure) {
    var cursor = FileCursor(file, range)
    while let found = try ProtobufField(&cursor, end: range.upperBound) {
      if found.number == field {
        if let fixed {
          let size = fixed == .fixed32 ? 4 : 8
          if found.wire == .bytes {
            guard found.range.count.isMultiple(of: size) else {
              throw Failure(
                .badData, place: "byte \(found.place)",
                "\(byteCount(found.range.count)) are no whole number of elements")
            }
            for _ in 0..<found.range.count / size {
              body(size == 4 ? UInt64(try cursor.integer(UInt32.self)) : try cursor.integer(UInt64.self))
            }
          } else {
            try found.expect(fixed, "an element")
            body(found.value)
          }
        } else if found.wire == .bytes {
          while cursor.position < found.range.upperBound {
            let place = cursor.position
            let value = try ProtobufField.varint(&cursor, end: found.range.upperBound)
            try check(value, place)
            body(value)
          }
        } else {
          try found.expect(.varint, "an element")
          try check(found.value, found.place)
          body(found.value)
        }
      }
      cursor.move(to: found.range.upperBound)
    }
  }

  /// Numbers are of 32 or 64 bits, negative ones extended to 64; of narrower types, a bit pattern or a signed number.
  private func check(_ value: UInt64, _ place: Int) throws(Failure) {
    let signed = Int64(bitPattern: value)
    let isFitting =
      switch (type, type.size) {
      case (.bool, _): value <= 1
      case (.float6E2M3, _), (.float6E3M2, _): value < 64
      case (.uint64, _), (.int64, _): true
      case (.uint32, _): value <= UInt64(UInt32.max)
      case (_, let size): signed >= -(1 << (8 * Int64(size) - 1)) && signed < 1 << (8 * Int64(size))
      }
    guard isFitting else {
      throw Failure(.badData, place: "byte \(place)", "the element \(signed) doesn't fit \(type.rawValue)")
    }
  }

  /// How many elements there are; checks each. Reads all of them unless they have a fixed size.
  func count(_ file: any Source) throws(Failure) -> Int {
    var count = 0
    if let fixed {
      let size = fixed == .fixed32 ? 4 : 8
      var cursor = FileCursor(file, range)
      while let found = try ProtobufField(&cursor, end: range.upperBound) {
        if found.number == field {
          if found.wire != .bytes { try found.expect(fixed, "an element") }
          guard found.range.count.isMultiple(of: size) else {
            throw Failure(
              .badData, place: "byte \(found.place)", "\(byteCount(found.range.count)) are no whole number of elements")
          }
          count += found.range.count / size
        }
        cursor.move(to: found.range.upperBound)
      }
    } else {
      try forEach(file) { _ in count += 1 }
    }
    // A complex element is two numbers.
    guard type.size == 16 || type.rawValue == "complex64" else { return count }
    guard count.isMultiple(of: 2) else { throw Failure(.badData, "has \(count) numbers, half a complex one more") }
    return count / 2
  }

  /// How many numbers an array has.
  func numbers(of shape: Shape) throws(Failure) -> Int {
    type.isPacked && type.bits != 6 ? try shape.bytes(of: type) : shape.elements
  }

  /// Their bytes, little-endian.
  func bytes(_ file: any Source, count: Int) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count)
    let size = fixed.map { $0 == .fixed32 ? 4 : 8 } ?? type.size
    guard type.bits != 6 else { return try packed(file, count: count) }
    try forEach(file) { value in
      for index in 0..<size { out.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
    return out
  }

  /// Those of 6 bits, one after the other from the lowest bit on, as `raw_data` has them.
  private func packed(_ file: any Source, count: Int) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count)
    var (waiting, bits): (UInt64, UInt64) = (0, 0)
    try forEach(file) { value in
      waiting |= value << bits
      bits += 6
      if bits >= 8 {
        out.append(UInt8(truncatingIfNeeded: waiting))
        (waiting, bits) = (waiting >> 8, bits - 8)
      }
    }
    if bits > 0 { out.append(UInt8(truncatingIfNeeded: waiting)) }
    return out
  }

  /// Where the elements stand as they are: packed, of a fixed size and in one piece; nil elsewhere.
  func place(_ file: any Source) throws(Failure) -> Int? {
    guard fixed != nil else { return nil }
    var found: Range<Int>?
    var cursor = FileCursor(file, range)
    while let field = try ProtobufField(&cursor, end: range.upperBound) {
      if field.number == self.field {
        guard found == nil, field.wire == .bytes else { return nil }
        found = field.range
      }
      cursor.move(to: field.range.upperBound)
    }
    return found?.lowerBound
  }
}
