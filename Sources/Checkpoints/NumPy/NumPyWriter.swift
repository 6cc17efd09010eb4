import Arrays
import Synchronization

/// Writes NumPy's files: one array as .npy, several as .npz, a zip archive of stored .npy entries as `numpy.savez` makes it,
/// with 64-bit sizes where these are needed. Formats: see `NumPyHeader`, and PKWARE's APPNOTE.TXT. Arrays may come in any
/// order and from any thread. The file appears on `commit`.
public final class NumPyWriter: ArraysWriter {
  private struct Entry: Sendable {
    /// The array's header in NumPy's format.
    let head: [UInt8]
    let name: [UInt8]
    /// Of the entry's local header.
    let start: Int
    let bytes: Int

    var size: Int { head.count + bytes }
    var isLarge: Bool { size >= Int(UInt32.max) }
    /// Where the array's header stands.
    var content: Int { start + 30 + name.count + (isLarge ? 20 : 0) }
    var end: Int { content + size }
  }

  public let file: OutputFile
  private let isArchive: Bool
  private let entries: [Entry]
  /// Checksums by entry, when it is written.
  private let sums: Mutex<[UInt32]>

  /// - Parameter path: of one array where it ends in `.npy`.
  /// - Throws: `Failure` of kind `badData` naming an array that these files can't hold, `cannotCreate`, or `io`.
  public init(_ path: String, arrays: [CheckpointArray]) throws(Failure) {
    isArchive = !path.hasSuffix(".npy")
    guard isArchive || arrays.count == 1 else {
      throw Failure(
        .usage, file: path, "holds one array, and the net has \(arrays.count)", hint: "name a file that ends in .npz")
    }
    let names = Set(arrays.map { Array($0.name.utf8) })
    var (entries, start): ([Entry], Int) = ([], 0)
    for array in arrays {
      let name = Array("\(array.name).npy".utf8)
      guard !isArchive || name.count <= Int(UInt16.max) else {
        throw Failure(.badData, place: "array \"\(shortened(array.name, to: 40))\"", "has a name that zip can't hold")
      }
      guard !isArchive || !names.contains(name) else {
        throw Failure(
          .badData, file: path, place: "array \"\(array.name)\"",
          "and an array \"\(array.name).npy\" would be one and the same to numpy.load", hint: "write safetensors")
      }
      let head: [UInt8]
      do { head = try NumPyHeader.bytes(of: array) } catch { throw error.inFile(path) }
      let entry = Entry(head: head, name: name, start: start, bytes: array.bytes)
      start = entry.end
      entries.append(entry)
    }
    self.entries = entries
    sums = Mutex([UInt32](repeating: 0, count: entries.count))
    file = try OutputFile(path)
  }

  /// Whether these files have a type.
  public static func holds(_ type: ElementType) -> Bool { NumPyHeader.holds(type) }

  public func write(_ index: Int, _ produce: ((borrowing RawSpan) throws -> Void) throws -> Void) throws {
    let entry = entries[index]
    let content = isArchive ? entry.content : 0
    var offset = content + entry.head.count
    var sum = CRC32()
    sum.update(entry.head.rawSpan)
    try file.write(entry.head.rawSpan, at: content)
    try produce { piece in
      sum.update(piece)
      try file.write(piece, at: offset)
      offset += piece.byteCount
    }
    precondition(offset == content + entry.size, "an array got other than its bytes")
    let value = sum.value
    sums.withLock { $0[index] = value }
    if isArchive { try file.write(header(entry, value, isCentral: false).rawSpan, at: entry.start) }
  }

  public func finish() throws(Failure) {
    if isArchive { try writeDirectory() }
    try file.flush()
  }

  /// Version 4.5 where sizes have 64 bits, else 2.0; names in UTF-8; stored; of 1980-01-01, so that the same arrays make the
  /// same bytes.
  private func header(_ entry: Entry, _ sum: UInt32, isCentral: Bool) -> [UInt8] {
    let isFar = isCentral && entry.start >= Int(UInt32.max)
    var extra: [UInt8] = []
    if entry.isLarge { for _ in 0..<2 { extra += UInt64(entry.size).littleEndianBytes } }
    if isFar { extra += UInt64(entry.start).littleEndianBytes }
    if !extra.isEmpty { extra = UInt16(1).littleEndianBytes + UInt16(extra.count).littleEndianBytes + extra }
    let version = UInt16(extra.isEmpty ? 20 : 45).littleEndianBytes
    let size = (entry.isLarge ? UInt32.max : UInt32(entry.size)).littleEndianBytes
    var out = isCentral ? Array("PK\u{1}\u{2}".utf8) + version : Array("PK\u{3}\u{4}".utf8)
    out += version + UInt16(0x0800).littleEndianBytes + UInt16(0).littleEndianBytes
    out += UInt16(0).littleEndianBytes + UInt16(0x21).littleEndianBytes
    out += sum.littleEndianBytes + size + size
    out += UInt16(entry.name.count).littleEndianBytes + UInt16(extra.count).littleEndianBytes
    if isCentral {
      // No comment, disk 0, no attributes.
      out += [UInt8](repeating: 0, count: 10) + (isFar ? UInt32.max : UInt32(entry.start)).littleEndianBytes
    }
    return out + entry.name + extra
  }

  private func writeDirectory() throws(Failure) {
    let start = entries.last?.end ?? 0
    let sums = sums.withLock { $0 }
    var out: [UInt8] = []
    for (entry, sum) in zip(entries, sums) { out += header(entry, sum, isCentral: true) }
    let length = out.count
    if start >= Int(UInt32.max) || length >= Int(UInt32.max) || entries.count >= Int(UInt16.max) {
      out += Array("PK\u{6}\u{6}".utf8) + UInt64(44).littleEndianBytes
      out += UInt16(45).littleEndianBytes + UInt16(45).littleEndianBytes + [UInt8](repeating: 0, count: 8)
      for _ in 0..<2 { out += UInt64(entries.count).littleEndianBytes }
      out += UInt64(length).littleEndianBytes + UInt64(start).littleEndianBytes
      out += Array("PK\u{6}\u{7}".utf8) + UInt32(0).littleEndianBytes
      out += UInt64(start + length).littleEndianBytes + UInt32(1).littleEndianBytes
    }
    let count = UInt16(clamping: entries.count).littleEndianBytes
    out += Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + count + count
    out += UInt32(clamping: length).littleEndianBytes + UInt32(clamping: start).littleEndianBytes + [0, 0]
    try file.write(out.rawSpan, at: start)
  }
}

extension NumPyHeader {
  /// What NumPy's types are called; those that it has not are missing.
  private static let names: [ElementType: String] = [
    .float64: "<f8", .float32: "<f4", .float16: "<f2", .complex64: "<c8", .complex128: "<c16", .int64: "<i8",
    .int32: "<i4", .int16: "<i2", .int8: "|i1", .uint64: "<u8", .uint32: "<u4", .uint16: "<u2", .uint8: "|u1",
    .bool: "|b1",
  ]

  static func holds(_ type: ElementType) -> Bool { names[type] != nil }

  /// A header of version 1.0, filled up so that the data begin at a multiple of 64.
  /// - Throws: `Failure` of kind `badData` for a type that NumPy hasn't got.
  static func bytes(of array: CheckpointArray) throws(Failure) -> [UInt8] {
    guard let name = names[array.elementType] else {
      throw Failure(
        .badData, place: "array \"\(array.name)\"", "is \(array.elementType.rawValue), which NumPy's files can't hold",
        hint: "write safetensors, or export with --dequantize, which makes float32 of it")
    }
    let lengths = array.shape.dimensions.map(String.init).joined(separator: ", ")
    let shape = array.shape.rank == 1 ? "(\(lengths),)" : "(\(lengths))"
    var text = Array("{'descr': '\(name)', 'fortran_order': False, 'shape': \(shape), }".utf8)
    while !(magic.count + 4 + text.count + 1).isMultiple(of: 64) { text.append(UInt8(ascii: " ")) }
    text.append(UInt8(ascii: "\n"))
    return magic + [1, 0] + UInt16(text.count).littleEndianBytes + text
  }
}
