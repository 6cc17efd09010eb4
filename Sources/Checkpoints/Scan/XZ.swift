import Arrays

/// Unpacks .xz (The .xz File Format 1.2.1) and the older .lzma, as far as it goes. Checksums are left alone.
enum XZ {
  /// - Parameter most: bytes that are unpacked.
  /// - Returns: nil where the data are packed by a filter that isn't known here.
  /// - Throws: `Failure` of kind `io`.
  static func unpack(_ bytes: ScanBytes, isAlone: Bool, most: Int) throws(Failure) -> Inflation.Partly? {
    var decoder = LZMA(bytes, at: 0, most: most)
    var out = Inflation.Partly()
    do throws(LZMA.Stop) {
      if isAlone {
        try alone(&decoder)
      } else if try !streams(&decoder, bytes.count) {
        return nil
      }
      out.isWhole = true
    } catch {
      switch error {
      case .damaged: break
      case .full: out.isCut = true
      case .failure(let failure): throw failure
      }
    }
    (out.bytes, out.packed) = (decoder.bytes, decoder.position)
    return out
  }

  /// Of an entry of a zip archive (APPNOTE 5.8): a version, the size of the properties, these, and the data.
  static func unpackEntry(_ bytes: ScanBytes, size: Int, most: Int) throws(Failure) -> Inflation.Partly {
    var decoder = LZMA(bytes, at: 4, most: most)
    var out = Inflation.Partly()
    do throws(LZMA.Stop) {
      try decoder.set(properties: decoder.byte())
      try decoder.skip(4)
      decoder.resetState()
      try decoder.startRange()
      try decoder.decode(size)
      out.isWhole = true
    } catch {
      if case .failure(let failure) = error { throw failure }
      if case .full = error { out.isCut = true }
    }
    out.bytes = decoder.bytes
    return out
  }

  private static func number(_ decoder: inout LZMA, bytes: Int) throws(LZMA.Stop) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<bytes { value |= UInt64(try decoder.byte()) << UInt64(8 * index) }
    return value
  }

  private static func alone(_ decoder: inout LZMA) throws(LZMA.Stop) {
    try decoder.set(properties: decoder.byte())
    _ = try number(&decoder, bytes: 4)
    let size = try number(&decoder, bytes: 8)
    decoder.resetState()
    try decoder.startRange()
    try decoder.decode(size == .max ? nil : Int(clamping: size))
  }

  /// - Returns: false where a filter isn't known.
  private static func streams(_ decoder: inout LZMA, _ end: Int) throws(LZMA.Stop) -> Bool {
    repeat {
      try decoder.skip(7)
      let checkSize = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64][Int(try decoder.byte() & 15)]
      try decoder.skip(4)
      while true {
        let start = decoder.position
        let first = try decoder.byte()
        // The index, and behind it the stream's end.
        if first == 0 { break }
        let flags = try decoder.byte()
        if flags & 0x40 != 0 { _ = try variable(&decoder) }
        if flags & 0x80 != 0 { _ = try variable(&decoder) }
        guard flags & 3 == 0, try variable(&decoder) == 0x21 else { return false }
        try decoder.skip(start + (Int(first) + 1) * 4 - decoder.position)
        try chunks(&decoder)
        try decoder.skip((4 - decoder.position % 4) % 4 + checkSize)
      }
      let start = decoder.position - 1
      for _ in 0..<min(try variable(&decoder), 1 << 32) {
        _ = try variable(&decoder)
        _ = try variable(&decoder)
      }
      try decoder.skip((4 - (decoder.position - start) % 4) % 4 + 4 + 12)
    } while decoder.position + 12 <= end && isNext(decoder)
    return true
  }

  private static func isNext(_ decoder: LZMA) -> Bool {
    var copy = decoder
    return (try? copy.byte()) == 0xfd
  }

  private static func variable(_ decoder: inout LZMA) throws(LZMA.Stop) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 63, by: 7) {
      let byte = try decoder.byte()
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw .damaged
  }

  /// LZMA2: parts that are packed or not, each with what it starts anew.
  private static func chunks(_ decoder: inout LZMA) throws(LZMA.Stop) {
    while true {
      let control = try decoder.byte()
      if control == 0 { return }
      if control == 1 || control >= 0xe0 { decoder.resetDictionary() }
      if control < 0x80 {
        guard control <= 2 else { throw .damaged }
        let size = Int(try decoder.byte()) << 8 | Int(try decoder.byte())
        try decoder.copy(size + 1)
        continue
      }
      let size = Int(control & 0x1f) << 16 | Int(try decoder.byte()) << 8 | Int(try decoder.byte())
      try decoder.skip(2)
      if control >= 0xc0 { try decoder.set(properties: decoder.byte()) }
      if control >= 0xa0 { decoder.resetState() }
      guard !decoder.isFresh else { throw .damaged }
      try decoder.startRange()
      try decoder.decode(size + 1)
    }
  }
}
