import CZlib

/// Unpacks what gzip and zip packed (RFC 1951, RFC 1952), by zlib, into no more memory than a limit says.
package enum Inflation {
  /// A gzip file: one member or several, one after another; zeros may follow. Their checksums and lengths are checked.
  /// - Throws: `Failure` of kind `badData` when it is cut short, damaged, or unpacks to more than `limit`; `io` when
  ///   memory is short.
  package static func gzip(_ bytes: [UInt8], limit: Limit) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    var position = 0
    repeat {
      position = try unpack(bytes, from: position, bits: 31, into: &out, limit)
      while position < bytes.count, bytes[position] == 0 { position += 1 }
    } while position < bytes.count
    return out
  }

  /// Bare deflated data that fill `bytes`, with the length and CRC-32 that they are to have.
  /// - Throws: as `gzip`.
  package static func deflated(_ bytes: [UInt8], size: Int, crc: UInt32, limit: Limit) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    let end = try unpack(bytes, from: 0, bits: -15, into: &out, limit)
    guard end == bytes.count else {
      throw Failure(.badData, "has \(bytes.count - end) bytes after the end of its packed data")
    }
    try check(out, size: size, crc: crc)
    return out
  }

  /// The first bytes of bare deflated data, at most so many: fewer where the data end, or `bytes` do, which may be their
  /// front only.
  /// - Throws: `Failure` of kind `badData` when they are damaged; `io` when memory is short.
  package static func front(_ bytes: [UInt8], most: Int) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    _ = try unpack(bytes, from: 0, bits: -15, into: &out, most: most, isFront: true) { Failure(.badData, "") }
    return out
  }

  /// A zlib stream (RFC 1950) of at most so many bytes unpacked; what follows it is left alone.
  package static func zlib(_ bytes: [UInt8], most: Int) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    _ = try unpack(bytes, from: 0, bits: 15, into: &out, most: most) { Failure(.badData, "unpacks to too much") }
    return out
  }

  /// - Throws: `Failure` of kind `badData` when the bytes have another length or CRC-32.
  package static func check(_ bytes: [UInt8], size: Int, crc: UInt32) throws(Failure) {
    guard bytes.count == size else { throw Failure(.badData, "unpacks to \(bytes.count) bytes, not \(size)") }
    var sum = CRC32()
    sum.update(bytes.rawSpan)
    guard sum.value == crc else { throw Failure(.badData, "has another checksum than it states") }
  }

  /// - Returns: where the packed data end.
  private static func unpack(
    _ bytes: [UInt8], from start: Int, bits: Int32, into out: inout [UInt8], _ limit: Limit
  ) throws(Failure) -> Int {
    try unpack(bytes, from: start, bits: bits, into: &out, most: limit.value) {
      limit.failure("unpacks to more than \(limit.value) bytes")
    }
  }

  private static func unpack(
    _ bytes: [UInt8], from start: Int, bits: Int32, into out: inout [UInt8], most: Int, isFront: Bool = false,
    _ tooMuch: () -> Failure
  ) throws(Failure) -> Int {
    let noMemory = Failure(.io, "there is not enough memory to unpack it", hint: "close other programs")
    var stream = unsafe z_stream()
    guard unsafe ingot_zlib_start(&stream, bits) == Z_OK else { throw noMemory }
    defer { unsafe _ = inflateEnd(&stream) }
    var buffer = [UInt8](repeating: 0, count: min(chunkSize, max(4096, most)))
    var position = start
    while true {
      let end = position + min(bytes.count - position, chunkSize)
      let (status, taken, made) = unsafe step(&stream, bytes, position..<end, &buffer)
      position += taken
      guard out.count + made <= most || isFront else { throw tooMuch() }
      out += buffer[..<min(made, most - out.count)]
      if isFront, out.count == most { return position }
      switch status {
      case Z_STREAM_END: return position
      case Z_OK where taken > 0 || made > 0: continue
      case Z_OK where isFront, Z_BUF_ERROR where isFront: return position
      case Z_OK, Z_BUF_ERROR:
        throw Failure(
          .badData, "its packed data end early", hint: Failure.truncationHint)
      case Z_MEM_ERROR: throw noMemory
      default:
        let message = unsafe stream.msg.map { unsafe String(cString: $0) } ?? "they ask for a dictionary"
        throw Failure(.badData, "its packed data are damaged: \(message)")
      }
    }
  }

  /// Unpacks some of `range` of `bytes` into the front of `buffer`.
  /// - Returns: zlib's status, how many bytes it took and how many it made.
  @unsafe private static func step(
    _ stream: inout z_stream, _ bytes: [UInt8], _ range: Range<Int>, _ buffer: inout [UInt8]
  ) -> (status: Int32, taken: Int, made: Int) {
    unsafe bytes.withUnsafeBufferPointer { input in
      unsafe buffer.withUnsafeMutableBufferPointer { output in
        // zlib reads its input only, though C doesn't say so.
        unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.advanced(by: range.lowerBound))
        unsafe stream.avail_in = UInt32(range.count)
        unsafe stream.next_out = output.baseAddress
        unsafe stream.avail_out = UInt32(output.count)
        let status = unsafe inflate(&stream, Z_NO_FLUSH)
        return unsafe (status, range.count - Int(stream.avail_in), output.count - Int(stream.avail_out))
      }
    }
  }

  /// What of packed data can be unpacked, whatever comes behind it: readers that check nothing read as much.
  package struct Partly {
    package var bytes: [UInt8] = []
    /// Whether the packed data come to their end.
    package var isWhole = false
    /// Whether there would be more than was asked for.
    package var isCut = false
    /// Packed bytes up to the end.
    package var packed = 0

    package init() {}
  }

  package enum Wrapping: Int32 {
    case none = -15
    case zlib = 15
    case gzip = 31
  }

  /// - Parameters:
  ///   - most: bytes that are unpacked.
  ///   - next: the packed bytes from an offset on, some at a time; none at their end.
  /// - Throws: `Failure` of kind `io` when memory is short, or as `next` does.
  package static func partly(
    _ wrapping: Wrapping, most: Int, _ next: (_ offset: Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> Partly {
    let noMemory = Failure(.io, "there is not enough memory to unpack it", hint: "close other programs")
    var stream = unsafe z_stream()
    guard unsafe ingot_zlib_start(&stream, wrapping.rawValue) == Z_OK else { throw noMemory }
    defer { unsafe _ = inflateEnd(&stream) }
    var out = Partly()
    var buffer = [UInt8](repeating: 0, count: min(chunkSize, max(4096, most)))
    while true {
      let input = try next(out.packed)
      let (status, taken, made) = unsafe step(&stream, input, input.indices, &buffer)
      out.packed += taken
      let room = most - out.bytes.count
      out.bytes += buffer[..<min(made, room)]
      if made > room { out.isCut = true }
      switch status {
      case Z_MEM_ERROR: throw noMemory
      case Z_STREAM_END:
        out.isWhole = !out.isCut
        return out
      case Z_OK where !out.isCut && (taken > 0 || made > 0): continue
      default: return out
      }
    }
  }
}
