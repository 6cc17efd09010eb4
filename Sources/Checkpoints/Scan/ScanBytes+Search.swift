import Arrays

extension ScanBytes {
  /// Where a pattern stands first, from `start` on.
  /// - Throws: `Failure` of kind `io`.
  func firstIndex(of pattern: [UInt8], from start: Int = 0) throws(Failure) -> Int? {
    guard let first = pattern.first else { return nil }
    var window = ScanWindow(self)
    var position = start
    while let found = try window.firstIndex(of: first, from: position) {
      var matches = true
      for (index, byte) in pattern.enumerated() where matches {
        if try window.byte(at: found + index) != byte { matches = false }
      }
      if matches { return found }
      position = found + 1
    }
    return nil
  }

  /// Where the JSON object that begins at `start` ends, or how far it was looked for.
  func jsonEnd(from start: Int) throws(Failure) -> (end: Int?, looked: Int) {
    var window = ScanWindow(self)
    var (position, depth, isString) = (start, 0, false)
    let last = start + Limit.configBytes.value
    while position <= last, let byte = try window.byte(at: position) {
      switch byte {
      case UInt8(ascii: "\\") where isString: position += 1
      case UInt8(ascii: "\""): isString.toggle()
      case UInt8(ascii: "{") where !isString, UInt8(ascii: "[") where !isString: depth += 1
      case UInt8(ascii: "}") where !isString, UInt8(ascii: "]") where !isString:
        depth -= 1
        if depth == 0 { return (position + 1, position) }
      case 0..<0x20 where isString || (byte != 0x0a && byte != 0x0d && byte != 0x09): return (nil, position)
      default: break
      }
      position += 1
    }
    return (nil, position)
  }
}
