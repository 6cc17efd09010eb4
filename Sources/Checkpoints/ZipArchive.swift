import Arrays

/// The directory of a zip archive (PKWARE APPNOTE 6.3). Of a checkpoint's, the entries that are read are stored, not
/// compressed, and their bytes then read in place; what nobody reads may be packed in whatever way.
package struct ZipArchive {
  package struct Entry {
    package let name: String
    /// Where its bytes are in the file, packed or not.
    let range: Range<Int>
    fileprivate let method: UInt16
    fileprivate let isEncrypted: Bool
    /// Whether it is packed in the one way that is unpacked here.
    var isDeflated: Bool { method == 8 && !isEncrypted }
    /// Bytes that it states for what it unpacks to.
    let size: UInt64
    fileprivate let crc: UInt32
  }

  let file: any Source
  package private(set) var entries: [Entry] = []

  /// - Parameter takesDeflated: whether entries are to be read that are compressed: then each must be so by a method that
  ///   is known.
  /// - Throws: `Failure` of kind `badData` naming the entry or the byte.
  package init(_ file: any Source, takesDeflated: Bool = false) throws(Failure) {
    self.file = file
    let directory = try ZipArchive.directory(of: file)
    try Limit.zipEntries.check(directory.entries, "entries", place: "zip directory")
    try Limit.zipDirectory.check(directory.length, "bytes", place: "zip directory")
    var reader = ByteReader(try file.bytes(directory.length, at: directory.offset))
    var names: Set<[UInt8]> = []
    for _ in 0..<directory.entries {
      let header: CentralHeader
      do throws(Failure) {
        header = try CentralHeader(&reader)
      } catch {
        throw Failure(.badData, place: "zip directory, byte \(directory.offset + reader.offset)", error.reason)
      }
      guard names.insert(header.name).inserted else {
        throw Failure(.badData, place: "zip entry \"\(header.text)\"", "is there twice")
      }
      if header.name.last == UInt8(ascii: "/") { continue }
      let range = try ZipArchive.range(of: header, in: file, end: directory.offset, takesDeflated)
      entries.append(
        Entry(
          name: header.text, range: range, method: header.method, isEncrypted: header.flags & 1 != 0, size: header.size,
          crc: header.crc))
    }
    guard reader.remaining == 0 else {
      throw Failure(.badData, place: "zip directory", "has \(reader.remaining) bytes after its last entry")
    }
    try checkOverlaps()
  }

  /// The entry of that name; nil when there is none.
  func entry(_ name: String) -> Entry? { entries.first { $0.name.isSameBytes(as: name) } }

  /// Where the bytes of an entry stand, which are as they are.
  /// - Throws: `Failure` of kind `badData` when the entry is packed or encrypted.
  func stored(_ entry: Entry) throws(Failure) -> Range<Int> {
    let place = "zip entry \"\(entry.name)\""
    guard !entry.isEncrypted else { throw Failure(.badData, place: place, "is encrypted") }
    guard entry.method == 0 else {
      throw Failure(
        .badData, place: place, "is compressed (method \(entry.method)); checkpoints store their entries as they are",
        hint: "unpack the archive and pack it again without compression (zip -0)")
    }
    return entry.range
  }

  /// The bytes of an entry, unpacked, with the length and checksum that it states.
  /// - Throws: `Failure` of kind `badData` when it has others, is damaged, or is of more bytes than `limit`; `io`.
  package func content(of entry: Entry, limit: Limit) throws(Failure) -> [UInt8] {
    // Before there is memory for it, though what it states is checked again as it is unpacked.
    try limit.check(max(Int(clamping: entry.size), entry.range.count), "bytes")
    let bytes = try file.bytes(entry.range.count, at: entry.range.lowerBound)
    let size = Int(entry.size)
    if entry.isDeflated { return try Inflation.deflated(bytes, size: size, crc: entry.crc, limit: limit) }
    try Inflation.check(bytes, size: size, crc: entry.crc)
    return bytes
  }

  /// The first bytes of a deflated entry, unpacked: at most so many.
  /// - Throws: `Failure` of kind `badData` when they are damaged; `io`.
  func front(of entry: Entry, most: Int) throws(Failure) -> [UInt8] {
    // What is packed takes little more than unpacked, if that.
    let packed = try file.bytes(min(entry.range.count, most + most >> 8 + 1024), at: entry.range.lowerBound)
    return try Inflation.front(packed, most: most)
  }

  private func checkOverlaps() throws(Failure) {
    let sorted = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for (before, after) in zip(sorted, sorted.dropFirst()) where after.range.lowerBound < before.range.upperBound {
      throw Failure(.badData, place: "zip entry \"\(after.name)\"", "overlaps \"\(before.name)\"")
    }
  }

  /// Where the central directory is, from the record at the end of the file.
  private static func directory(of file: any Source) throws(Failure) -> (offset: Int, length: Int, entries: Int) {
    let tailLength = min(file.size, 22 + 0xffff)
    let tailStart = file.size - tailLength
    let tail = try file.bytes(tailLength, at: tailStart)
    guard tailLength >= 22,
      let end = stride(from: tailLength - 22, through: 0, by: -1).first(where: { isEndRecord(tail, $0) })
    else {
      throw Failure(
        .badData, place: "byte \(file.size)", "the zip archive's directory is missing at the end of the file",
        hint: Failure.truncationHint)
    }
    var reader = ByteReader(Array(tail[end..<end + 22]))
    _ = try reader.take(10)
    var entries = UInt64(try reader.integer(UInt16.self))
    var length = UInt64(try reader.integer(UInt32.self))
    var offset = UInt64(try reader.integer(UInt32.self))
    if entries == 0xffff || length == 0xffff_ffff || offset == 0xffff_ffff {
      (entries, length, offset) = try zip64Directory(file, endRecord: tailStart + end)
    }
    guard offset <= UInt64(file.size), length <= UInt64(file.size) - offset, entries <= UInt64(Int32.max) else {
      throw Failure(.badData, place: "zip directory", "goes past the end of the file")
    }
    return (Int(offset), Int(length), Int(entries))
  }

  private static func isEndRecord(_ tail: [UInt8], _ position: Int) -> Bool {
    tail[position..<position + 4].elementsEqual([0x50, 0x4b, 0x05, 0x06])
      && Int(tail[position + 20]) + Int(tail[position + 21]) << 8 == tail.count - position - 22
  }

  private static func zip64Directory(
    _ file: any Source, endRecord: Int
  ) throws(Failure) -> (entries: UInt64, length: UInt64, offset: UInt64) {
    let missing = Failure(.badData, place: "zip directory", "the 64-bit end record is missing")
    guard endRecord >= 20 else { throw missing }
    var locator = ByteReader(try file.bytes(20, at: endRecord - 20))
    guard try locator.integer(UInt32.self) == 0x0706_4b50 else { throw missing }
    _ = try locator.take(4)
    let position = try locator.integer(UInt64.self)
    guard position <= UInt64(file.size), UInt64(file.size) - position >= 56 else { throw missing }
    var record = ByteReader(try file.bytes(56, at: Int(position)))
    guard try record.integer(UInt32.self) == 0x0606_4b50 else { throw missing }
    _ = try record.take(28)
    let entries = try record.integer(UInt64.self)
    let length = try record.integer(UInt64.self)
    return (entries, length, try record.integer(UInt64.self))
  }

  /// The bytes of an entry, behind its local header, whose own lengths of name and extra field count.
  private static func range(
    of header: CentralHeader, in file: any Source, end: Int, _ takesDeflated: Bool
  ) throws(Failure) -> Range<Int> {
    let place = "zip entry \"\(header.text)\""
    if takesDeflated {
      guard header.flags & 1 == 0 else { throw Failure(.badData, place: place, "is encrypted") }
      guard header.method == 0 || header.method == 8 else {
        throw Failure(
          .badData, place: place, "is compressed by method \(header.method), which is not read",
          hint: "unpack the archive, and give the file in it")
      }
    }
    guard header.method != 0 || header.flags & 1 != 0 || header.compressedSize == header.size else {
      throw Failure(
        .badData, place: place, "is stored but states two sizes: \(header.compressedSize) and \(header.size)")
    }
    let past = Failure(.badData, place: place, "goes past the zip directory")
    guard header.localOffset <= UInt64(end), UInt64(end) - header.localOffset >= 30 else { throw past }
    let offset = Int(header.localOffset)
    var local = ByteReader(try file.bytes(30, at: offset))
    guard try local.integer(UInt32.self) == 0x0403_4b50 else {
      throw Failure(.badData, place: place, "has no local header")
    }
    _ = try local.take(22)
    let nameLength = Int(try local.integer(UInt16.self))
    let extraLength = Int(try local.integer(UInt16.self))
    let start = offset + 30 + nameLength + extraLength
    guard start <= end, header.compressedSize <= UInt64(end - start) else { throw past }
    guard try file.bytes(nameLength, at: offset + 30) == header.name else {
      throw Failure(.badData, place: place, "has another name in its local header")
    }
    return start..<start + Int(header.compressedSize)
  }
}

/// One record of the central directory.
private struct CentralHeader {
  let flags: UInt16
  let method: UInt16
  let crc: UInt32
  private(set) var compressedSize: UInt64
  private(set) var size: UInt64
  private(set) var localOffset: UInt64
  let name: [UInt8]

  let text: String

  init(_ reader: inout ByteReader) throws(Failure) {
    guard try reader.integer(UInt32.self) == 0x0201_4b50 else {
      throw Failure(.badData, "no zip directory record where one is needed")
    }
    _ = try reader.take(4)
    flags = try reader.integer()
    method = try reader.integer()
    _ = try reader.take(4)
    crc = try reader.integer()
    compressedSize = UInt64(try reader.integer(UInt32.self))
    size = UInt64(try reader.integer(UInt32.self))
    let nameLength = Int(try reader.integer(UInt16.self))
    let extraLength = Int(try reader.integer(UInt16.self))
    let commentLength = Int(try reader.integer(UInt16.self))
    _ = try reader.take(8)
    localOffset = UInt64(try reader.integer(UInt32.self))
    name = Array(try reader.take(nameLength))
    do { text = try readText(name) } catch { throw Failure(.badData, "an entry's name \(error.reason)") }
    var extra = ByteReader(Array(try reader.take(extraLength)))
    _ = try reader.take(commentLength)
    while extra.remaining >= 4 {
      let id = try extra.integer(UInt16.self)
      var field = ByteReader(Array(try extra.take(Int(try extra.integer(UInt16.self)))))
      guard id == 1 else { continue }
      // The 64-bit values stand for those that don't fit 32 bits, in this order.
      if size == 0xffff_ffff { size = try field.integer() }
      if compressedSize == 0xffff_ffff { compressedSize = try field.integer() }
      if localOffset == 0xffff_ffff { localOffset = try field.integer() }
    }
  }
}
