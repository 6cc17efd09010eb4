import Arrays

/// The entries of a tar archive (POSIX ustar, with GNU's and pax's long names).
struct ScanTar {
  struct Entry {
    let name: String
    let range: Range<Int>
    /// Where a link leads.
    let link: String?
    let offset: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var isCut = false

  static func isTar(_ prefix: [UInt8]) -> Bool {
    guard prefix.count >= 512 else { return false }
    if [UInt8](prefix[257..<262]) == [UInt8]("ustar".utf8) { return true }
    // Older archives have a checksum only.
    guard prefix[0] != 0, let stated = number(prefix, 148, 8) else { return false }
    return checksum(prefix) == stated
  }

  private static func checksum(_ header: [UInt8]) -> Int {
    header[..<512].enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
  }

  /// - Throws: `Failure` of kind `io`.
  init(_ bytes: ScanBytes, mostEntries: Int) throws(Failure) {
    var position = 0
    var longName: String?
    var statedSize: Int?
    while position + 512 <= bytes.count {
      let header = try bytes.bytes(512, at: position)
      let start = position + 512
      guard header[0] != 0, let ownSize = Self.number(header, 124, 12) else {
        // Zeros end it, though some readers look on.
        position = start
        continue
      }
      guard Self.checksum(header) == Self.number(header, 148, 8) else {
        position = start
        continue
      }
      let isExtension = [UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x"), UInt8(ascii: "g")].contains(
        header[156])
      let size = isExtension ? ownSize : statedSize ?? ownSize
      if !isExtension { statedSize = nil }
      let end = start + min(size, bytes.count - start)
      position = start + min((size + 511) / 512 * 512, bytes.count)
      let kind = header[156]
      switch kind {
      case UInt8(ascii: "L"):
        longName = Self.text(try bytes.bytes(min(size, 4096), at: start), 0, 4096)
      case UInt8(ascii: "x"):
        let record = String(decoding: try bytes.bytes(min(size, 1 << 16), at: start), as: UTF8.self)
        for line in record.split(separator: "\n") {
          if let range = line.firstRange(of: " path=") { longName = String(line[range.upperBound...]) }
          if let range = line.firstRange(of: " size="), let size = Int(line[range.upperBound...]), size >= 0 {
            statedSize = size
          }
        }
      case UInt8(ascii: "g"), UInt8(ascii: "K"): break
      default:
        let prefix = Self.text(header, 345, 155)
        let name = longName ?? (prefix.isEmpty ? "" : prefix + "/") + Self.text(header, 0, 100)
        longName = nil
        guard entries.count < mostEntries else {
          isCut = true
          return
        }
        let isLink = kind == UInt8(ascii: "1") || kind == UInt8(ascii: "2")
        entries.append(
          Entry(
            name: name, range: isLink ? start..<start : start..<end, link: isLink ? Self.text(header, 157, 100) : nil,
            offset: start - 512))
        if isLink { position = start }
      }
    }
  }

  private static func text(_ bytes: [UInt8], _ start: Int, _ count: Int) -> String {
    guard start < bytes.count else { return "" }
    return String(decoding: bytes[start..<min(bytes.count, start + count)].prefix { $0 != 0 }, as: UTF8.self)
  }

  /// An octal number with spaces around it, or GNU's binary one; nil when it is neither.
  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
    if bytes[start] & 0x80 != 0 {
      var value = 0
      for byte in bytes[start + count - 7..<start + count] { value = value << 8 | Int(byte) }
      return value
    }
    let digits = text(bytes, start, count).filter { $0 != " " }
    return digits.isEmpty ? 0 : Int(digits, radix: 8)
  }
}
