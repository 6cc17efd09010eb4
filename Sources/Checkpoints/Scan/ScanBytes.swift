import Arrays

/// Bytes that are scanned: a part of a file, or what was unpacked into memory.
struct ScanBytes {
  private enum Content {
    case file(any Source)
    case memory([UInt8])
  }

  private let content: Content
  private let range: Range<Int>

  init(_ file: any Source) { (content, range) = (.file(file), 0..<file.size) }

  init(_ bytes: [UInt8]) { (content, range) = (.memory(bytes), 0..<bytes.count) }

  private init(_ content: Content, _ range: Range<Int>) { (self.content, self.range) = (content, range) }

  var count: Int { range.count }

  /// The bytes from `offset` on, as many of `count` as there are.
  /// - Throws: `Failure` of kind `io`.
  func bytes(_ count: Int, at offset: Int) throws(Failure) -> [UInt8] {
    guard offset >= 0, offset < self.count, count > 0 else { return [] }
    let start = range.lowerBound + offset
    let count = min(count, range.upperBound - start)
    switch content {
    case .file(let file): return try file.bytes(count, at: start)
    case .memory(let bytes): return [UInt8](bytes[start..<start + count])
    }
  }

  /// The part of these bytes that lies in `part`.
  func part(_ part: Range<Int>) -> ScanBytes {
    let part = part.clamped(to: 0..<count)
    return ScanBytes(content, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// The bytes from `start` on.
  func from(_ start: Int) -> ScanBytes { part(min(max(start, 0), count)..<count) }
}

/// Reads bytes one after another through a window of them, so that a large file costs no more memory than a small one.
struct ScanWindow {
  let bytes: ScanBytes
  private var window: [UInt8] = []
  private var start = 0

  init(_ bytes: ScanBytes) { self.bytes = bytes }

  private static let length = 1 << 16

  /// The byte at `position`; nil behind the end.
  mutating func byte(at position: Int) throws(Failure) -> UInt8? {
    if position >= start, position < start + window.count { return window[position - start] }
    window = try bytes.bytes(Self.length, at: position)
    start = position
    return window.first
  }

  /// An unsigned little-endian integer; nil when the bytes end before it does, or it fits no `Int`.
  mutating func integer(_ count: Int, at position: Int) throws(Failure) -> Int? {
    var value: UInt64 = 0
    for index in 0..<count {
      guard let byte = try byte(at: position + index) else { return nil }
      value |= UInt64(byte) << UInt64(8 * index)
    }
    return Int(exactly: value)
  }

  /// Where the next byte of that value is, from `position` on.
  mutating func firstIndex(of value: UInt8, from position: Int) throws(Failure) -> Int? {
    var position = position
    while let first = try byte(at: position) {
      if first == value { return position }
      if let found = window[(position - start)...].firstIndex(of: value) { return start + found }
      position = start + window.count
    }
    return nil
  }
}
