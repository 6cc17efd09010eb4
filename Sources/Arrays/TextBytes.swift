/// A text file's bytes as UTF-8 without a byte order mark, whatever Unicode encoding it is in: Windows' programs write
/// UTF-16, and marks before UTF-8. Bytes that begin as UTF-8 or anything else are left as they are.
/// - Throws: `Failure` of kind `badData` when it begins as UTF-16 and is none, or as UTF-32.
public func utf8Bytes(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
  if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return Array(bytes.dropFirst(3)) }
  if bytes.starts(with: [0xff, 0xfe, 0, 0]) || bytes.starts(with: [0, 0, 0xfe, 0xff]) {
    throw Failure(.badData, "is UTF-32", hint: "save the file as UTF-8")
  }
  if bytes.starts(with: [0xff, 0xfe]) { return try utf8(of: bytes, from: 2, isBigEndian: false) }
  if bytes.starts(with: [0xfe, 0xff]) { return try utf8(of: bytes, from: 2, isBigEndian: true) }
  // Without a mark: no text begins with a zero, nor has one as its second character, but for what UTF-16 makes of ASCII.
  guard bytes.count >= 2, (bytes[0] == 0) != (bytes[1] == 0) else { return bytes }
  return try utf8(of: bytes, from: 0, isBigEndian: bytes[0] == 0)
}

private func utf8(of bytes: [UInt8], from start: Int, isBigEndian: Bool) throws(Failure) -> [UInt8] {
  func failure(_ position: Int, _ reason: String) -> Failure {
    Failure(.badData, place: "byte \(position)", "is UTF-16 with \(reason)", hint: "save the file as UTF-8")
  }
  guard (bytes.count - start) % 2 == 0 else { throw failure(bytes.count - 1, "half a character at its end") }
  var out: [UInt8] = []
  out.reserveCapacity((bytes.count - start) / 2)
  func unit(_ position: Int) -> UInt32 {
    let (first, second) = (UInt32(bytes[position]), UInt32(bytes[position + 1]))
    return isBigEndian ? first << 8 | second : second << 8 | first
  }
  var position = start
  while position < bytes.count {
    var code = unit(position)
    if (0xd800..<0xdc00).contains(code), position + 3 < bytes.count {
      let low = unit(position + 2)
      guard (0xdc00..<0xe000).contains(low) else { throw failure(position, "half of a surrogate pair") }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      position += 2
    }
    guard let scalar = Unicode.Scalar(code) else { throw failure(position, "half of a surrogate pair") }
    out += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    position += 2
  }
  return out
}
