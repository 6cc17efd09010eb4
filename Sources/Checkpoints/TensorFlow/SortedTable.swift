import Arrays

/// A table of keys and values, sorted by key, as LevelDB and TensorFlow's indexes write it
/// (https://github.com/google/leveldb/blob/main/doc/table_format.md): blocks of entries, a block that says where they are,
/// and a footer of 48 bytes that says where that is. All blocks have a checksum.
struct SortedTable {
  private(set) var entries: [(key: [UInt8], value: [UInt8])] = []

  static let footerLength = 48
  /// The last eight bytes.
  static let magic: [UInt8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
  /// Bytes of a key, and of all of them: each may share most of its bytes with the one before it.
  static let (mostKey, mostKeys) = (4096, 64 << 20)

  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(_ file: any Source) throws(Failure) {
    guard file.size >= SortedTable.footerLength else {
      throw Failure(.badData, "has \(byteCount(file.size)), fewer than a table's footer", hint: Failure.truncationHint)
    }
    let start = file.size - SortedTable.footerLength
    var footer = ByteReader(try file.bytes(SortedTable.footerLength, at: start))
    guard Array(footer.bytes[40...]) == SortedTable.magic else {
      throw Failure(
        .badData, place: "byte \(start + 40)", "does not end as a table of TensorFlow's does",
        hint: Failure.truncationHint)
    }
    do throws(Failure) {
      _ = try SortedTable.handle(&footer)
      let index = try SortedTable.handle(&footer)
      try Limit.indexBytes.check(file.size, "bytes")
      var keyBytes = 0
      // The index' keys stand between those of the blocks, whose places are its values.
      for entry in try SortedTable.block(file, index, before: start) {
        var reader = ByteReader(entry.value)
        let handle = try SortedTable.handle(&reader)
        guard reader.remaining == 0 else { throw Failure(.badData, "a place of a block with more bytes after it") }
        for found in try SortedTable.block(file, handle, before: start) {
          if let last = entries.last, !last.key.lexicographicallyPrecedes(found.key) {
            throw Failure(.badData, "a key that isn't sorted: \(SortedTable.shown(found.key))")
          }
          keyBytes += found.key.count
          guard keyBytes <= SortedTable.mostKeys else {
            throw Failure(.badData, "has keys of more than \(SortedTable.mostKeys) bytes in all")
          }
          entries.append(found)
          try Limit.arrays.check(entries.count, "entries")
        }
      }
    } catch {
      throw Failure(error.kind, place: error.place ?? "the table", error.reason, hint: error.hint)
    }
  }

  static func shown(_ key: [UInt8]) -> String {
    "\"\(shortened(String(decoding: key.prefix(200), as: UTF8.self), to: 80))\""
  }

  private typealias Handle = (offset: UInt64, size: UInt64)

  private static func handle(_ reader: inout ByteReader) throws(Failure) -> Handle {
    do { return (try varint(&reader), try varint(&reader)) } catch {
      throw Failure(.badData, "a place of a block that isn't whole")
    }
  }

  /// Seven bits in each byte, the lowest first.
  static func varint(_ reader: inout ByteReader) throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      let byte = try reader.integer(UInt8.self)
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7f) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Failure(.badData, "a number of more than 64 bits")
  }

  /// The entries of a block: each shares the front of its key with the one before it.
  private static func block(
    _ file: any Source, _ handle: Handle, before end: Int
  ) throws(Failure) -> [(key: [UInt8], value: [UInt8])] {
    let place = "byte \(handle.offset)"
    guard handle.offset <= UInt64(end), handle.size <= UInt64(end) - handle.offset,
      UInt64(end) - handle.offset - handle.size >= 5
    else { throw Failure(.badData, place: place, "a block of \(handle.size) bytes goes past the table's end") }
    let (offset, size) = (Int(handle.offset), Int(handle.size))
    let bytes = try file.bytes(size + 5, at: offset)
    var trailer = ByteReader(Array(bytes[size...]))
    let packing = try trailer.integer(UInt8.self)
    let stated = try trailer.integer(UInt32.self)
    // Rotated and moved, so that sums of sums differ from them.
    let sum = CRC32C.sum(bytes[...size])
    guard (sum >> 15 | sum << 17) &+ 0xa282_ead8 == stated else {
      throw Failure(.badData, place: place, "a block has another checksum than it states")
    }
    guard packing == 0 else {
      throw Failure.unsupported(
        place: place, "a block is compressed (method \(packing)), which TensorFlow's indexes aren't",
        hint: "if it should be a checkpoint of TensorFlow's, save it again")
    }
    guard size >= 4 else { throw Failure(.badData, place: place, "a block of \(byteCount(size))") }
    var last = ByteReader(Array(bytes[size - 4..<size]))
    let restarts = Int(try last.integer(UInt32.self))
    guard restarts <= (size - 4) / 4 else {
      throw Failure(.badData, place: place, "a block of \(size) bytes can't have \(restarts) restarts")
    }
    var reader = ByteReader(Array(bytes[..<(size - 4 - 4 * restarts)]))
    var entries: [(key: [UInt8], value: [UInt8])] = []
    var key: [UInt8] = []
    do throws(Failure) {
      while reader.remaining > 0 {
        let shared = try varint(&reader)
        let own = try varint(&reader)
        let length = try varint(&reader)
        guard shared <= UInt64(key.count) else {
          throw Failure(.badData, "a key shares \(shared) bytes with one of \(key.count)")
        }
        guard own <= UInt64(reader.remaining), length <= UInt64(reader.remaining) - own else {
          throw Failure(.badData, "an entry goes past its block's end")
        }
        key.removeLast(key.count - Int(shared))
        key += try reader.take(Int(own))
        guard key.count <= mostKey else {
          throw Failure(.badData, "a key of \(key.count) bytes; at most \(mostKey) are read")
        }
        entries.append((key, Array(try reader.take(Int(length)))))
      }
    } catch {
      throw Failure(.badData, place: "byte \(offset + reader.offset)", error.reason)
    }
    return entries
  }
}

/// The cyclic redundancy check of Castagnoli's polynomial (RFC 3720, B.4).
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
  }

  static func sum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var value: UInt32 = 0xffff_ffff
    for byte in bytes { value = table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8 }
    return ~value
  }
}
