import Arrays

/// What any reader of a zip archive could read in it (PKWARE APPNOTE 6.3). Readers differ: Python's zipfile trusts the
/// directory at the end and checks names, flags and checksums; PyTorch's takes the directory and checks less; others read
/// from the front. So every directory that could be meant counts, and so do entries that no directory has; what a reader
/// would refuse is read all the same.
struct ScanZip {
  struct Entry {
    let name: String
    /// Where its packed bytes are, by the directory and by its own header, and how they are packed.
    var contents: [Content]
    var isEncrypted: Bool
    /// How readers differ about it, if they do.
    var disagreement: String?
    /// Where its header is.
    let offset: Int
  }

  /// Directories may have the same entry; several may be about the same bytes.
  private struct Key: Hashable {
    let local: Int
    var name: [UInt8] = []
    var method = 0
    var packed = 0
  }

  struct Content: Hashable {
    let method: Int
    let range: Range<Int>
    /// What it unpacks to, as it says.
    let size: Int
  }

  private(set) var entries: [Entry] = []
  /// Where nothing of the archive is: in front of it, between entries, behind it.
  private(set) var gaps: [Range<Int>] = []
  /// Whether there are more entries than are read.
  private(set) var isCut = false
  private let bytes: ScanBytes
  private var known: Set<Key> = []
  private var covered: [Range<Int>] = []

  /// - Throws: `Failure` of kind `io`.
  init(_ bytes: ScanBytes, mostEntries: Int) throws(Failure) {
    self.bytes = bytes
    for (directory, shift) in try directories() {
      try read(directory, shift: shift, mostEntries)
    }
    try readUnlisted(mostEntries)
    var position = 0
    for range in covered.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > position { gaps.append(position..<range.lowerBound) }
      position = max(position, range.upperBound)
    }
    if position < bytes.count { gaps.append(position..<bytes.count) }
  }

  /// Whether the bytes end as a zip archive does.
  static func hasEnd(_ bytes: ScanBytes) throws(Failure) -> Bool {
    let length = min(bytes.count, endLength + 0xffff)
    guard length >= endLength else { return false }
    let tail = try bytes.bytes(length, at: bytes.count - length)
    return stride(from: length - endLength, through: 0, by: -1).contains {
      isSignature(tail, $0, 5, 6) && integer(tail, $0 + 20, 2) <= length - endLength - $0
        && integer(tail, $0 + 12, 4) <= bytes.count
    }
  }

  private static let endLength = 22
  private static let mostDirectories = 16

  /// Directories that an end record tells of, and what is to be added to their offsets.
  private mutating func directories() throws(Failure) -> [(range: Range<Int>, shift: Int)] {
    let tailLength = min(bytes.count, Self.endLength + 0xffff + 20 + 56)
    let tailStart = bytes.count - tailLength
    let tail = try bytes.bytes(tailLength, at: tailStart)
    var out: [(Range<Int>, Int)] = []
    for position in stride(from: tail.count - Self.endLength, through: 0, by: -1) {
      guard out.count < Self.mostDirectories, Self.isSignature(tail, position, 5, 6) else { continue }
      // Most readers take the last record; others the one whose comment fills the file.
      let isLast = out.isEmpty
      guard isLast || position + Self.endLength + Self.integer(tail, position + 20, 2) == tail.count else { continue }
      let end = tailStart + position
      var (length, offset) = (Self.integer(tail, position + 12, 4), Self.integer(tail, position + 16, 4))
      covered.append(end..<min(bytes.count, end + Self.endLength + Self.integer(tail, position + 20, 2)))
      var before = end
      if position >= 20, Self.isSignature(tail, position - 20, 6, 7) {
        let record = Self.integer(tail, position - 12, 8)
        // Where the locator says, or right before it.
        for start in [record, end - 76] where start >= 0 && start <= bytes.count - 56 {
          let record = try bytes.bytes(56, at: start)
          guard Self.isSignature(record, 0, 6, 6) else { continue }
          (length, offset) = (Self.integer(record, 40, 8), Self.integer(record, 48, 8))
          covered.append(start..<end)
          before = start
          break
        }
      }
      for start in [offset, before - length] where start >= 0 && start < bytes.count && length >= 0 {
        let range = start..<min(bytes.count, max(start, start + min(length, bytes.count)))
        for shift in [0, before - length - offset] { out.append((range, shift)) }
      }
    }
    return out
  }

  private mutating func read(_ directory: Range<Int>, shift: Int, _ mostEntries: Int) throws(Failure) {
    var position = directory.lowerBound
    while position + 46 <= bytes.count {
      let header = try bytes.bytes(46, at: position)
      guard Self.isSignature(header, 0, 1, 2) else { break }
      let lengths = (Self.integer(header, 28, 2), Self.integer(header, 30, 2), Self.integer(header, 32, 2))
      let next = position + 46 + lengths.0 + lengths.1 + lengths.2
      let rest = try bytes.bytes(lengths.0 + lengths.1, at: position + 46)
      var sizes = (packed: Self.integer(header, 20, 4), unpacked: Self.integer(header, 24, 4))
      var offset = Self.integer(header, 42, 4)
      Self.widen(rest, from: lengths.0, &sizes, &offset)
      let local = offset + shift
      covered.append(position..<min(next, bytes.count))
      position = next
      guard entries.count < mostEntries else {
        isCut = true
        return
      }
      let name = [UInt8](rest.prefix(lengths.0))
      let key = Key(local: local, name: name, method: Self.integer(header, 10, 2), packed: sizes.packed)
      guard local >= 0, local + 30 <= bytes.count, known.insert(key).inserted else { continue }
      if name.last == UInt8(ascii: "/"), sizes.packed == 0 { continue }
      try add(local, name, method: Self.integer(header, 10, 2), flags: Self.integer(header, 8, 2), sizes)
    }
  }

  /// An entry of the directory, whose own header is at `local`.
  private mutating func add(
    _ local: Int, _ name: [UInt8], method: Int, flags: Int, _ sizes: (packed: Int, unpacked: Int)
  ) throws(Failure) {
    guard let own = try LocalHeader(bytes, at: local) else { return }
    known.insert(Key(local: local))
    var entry = Entry(
      name: String(decoding: name, as: UTF8.self), contents: [], isEncrypted: (flags | own.flags) & 1 != 0,
      disagreement: nil, offset: local)
    var contents = [(method, sizes.packed, sizes.unpacked), (own.method, sizes.packed, sizes.unpacked)]
    // Own sizes of zero stand behind the data.
    if own.packed > 0 { contents.append((own.method, own.packed, own.unpacked)) }
    for (method, packed, unpacked) in contents {
      let content = Content(
        method: method, range: own.data..<own.data + min(packed, bytes.count - own.data), size: unpacked)
      if !entry.contents.contains(where: { $0.method == content.method && $0.range == content.range }) {
        entry.contents.append(content)
      }
    }
    if own.name != name {
      entry.disagreement = "is named \(String(decoding: own.name, as: UTF8.self)) in its own header"
    } else if entry.contents.count > 1 {
      entry.disagreement = "has another method or size in its own header"
    } else if own.flags & 1 != flags & 1 {
      entry.disagreement = "is encrypted by one of its headers only"
    }
    covered.append(local..<max(own.data, entry.contents.map(\.range.upperBound).max() ?? 0))
    entries.append(entry)
  }

  /// Entries that only their own headers tell of.
  private mutating func readUnlisted(_ mostEntries: Int) throws(Failure) {
    var window = ScanWindow(bytes)
    let ranges = covered.sorted { $0.lowerBound < $1.lowerBound }
    var next = 0
    var position = 0
    var searched = 0
    while position < bytes.count, searched < Self.mostSearched {
      while next < ranges.count, ranges[next].lowerBound <= position {
        position = max(position, ranges[next].upperBound)
        next += 1
      }
      let end = next < ranges.count ? ranges[next].lowerBound : bytes.count
      guard position < end else {
        if next == ranges.count { break }
        continue
      }
      guard let found = try window.firstIndex(of: 0x50, from: position), found < end else {
        searched += end - position
        position = end
        continue
      }
      searched += found + 1 - position
      position = found + 1
      guard let own = try LocalHeader(bytes, at: found), known.insert(Key(local: found)).inserted else { continue }
      guard entries.count < mostEntries else {
        isCut = true
        return
      }
      let length = own.packed > 0 ? min(own.packed, bytes.count - own.data) : max(0, end - own.data)
      let content = Content(method: own.method, range: own.data..<own.data + length, size: own.unpacked)
      entries.append(
        Entry(
          name: String(decoding: own.name, as: UTF8.self), contents: [content], isEncrypted: own.flags & 1 != 0,
          disagreement: "is in no directory", offset: found))
      covered.append(found..<content.range.upperBound)
      position = content.range.upperBound
    }
  }

  /// Bytes outside of entries that are searched for more of them.
  private static let mostSearched = 64 << 20

  static func isSignature(_ bytes: [UInt8], _ position: Int, _ third: UInt8, _ fourth: UInt8) -> Bool {
    position + 4 <= bytes.count && bytes[position] == 0x50 && bytes[position + 1] == 0x4b
      && bytes[position + 2] == third && bytes[position + 3] == fourth
  }

  /// A little-endian number; one of more than 62 bits is larger than any file.
  static func integer(_ bytes: [UInt8], _ position: Int, _ count: Int) -> Int {
    var value: UInt64 = 0
    for index in 0..<count where position + index < bytes.count {
      value |= UInt64(bytes[position + index]) << UInt64(8 * index)
    }
    return Int(min(value, 1 << 60))
  }

  /// Takes 64-bit values from an extra field, for those that don't fit 32 bits.
  private static func widen(
    _ bytes: [UInt8], from start: Int, _ sizes: inout (packed: Int, unpacked: Int), _ offset: inout Int
  ) {
    var position = start
    while position + 4 <= bytes.count {
      let (id, length) = (integer(bytes, position, 2), integer(bytes, position + 2, 2))
      if id == 1 {
        var field = position + 4
        func take() -> Int {
          defer { field += 8 }
          return integer(bytes, field, 8)
        }
        if sizes.unpacked == 0xffff_ffff { sizes.unpacked = take() }
        if sizes.packed == 0xffff_ffff { sizes.packed = take() }
        if offset == 0xffff_ffff { offset = take() }
      }
      position += 4 + length
    }
  }

  /// The header in front of an entry's data.
  private struct LocalHeader {
    let flags: Int
    let method: Int
    let packed: Int
    let unpacked: Int
    let name: [UInt8]
    let data: Int

    /// nil when there is none.
    init?(_ bytes: ScanBytes, at offset: Int) throws(Failure) {
      let header = try bytes.bytes(30, at: offset)
      guard header.count == 30, ScanZip.isSignature(header, 0, 3, 4) else { return nil }
      let (nameLength, extraLength) = (ScanZip.integer(header, 26, 2), ScanZip.integer(header, 28, 2))
      data = offset + 30 + nameLength + extraLength
      guard data <= bytes.count else { return nil }
      flags = ScanZip.integer(header, 6, 2)
      method = ScanZip.integer(header, 8, 2)
      var sizes = (packed: ScanZip.integer(header, 18, 4), unpacked: ScanZip.integer(header, 22, 4))
      let rest = try bytes.bytes(nameLength + extraLength, at: offset + 30)
      var none = 0
      ScanZip.widen(rest, from: nameLength, &sizes, &none)
      (packed, unpacked) = sizes
      name = [UInt8](rest.prefix(nameLength))
    }
  }
}
