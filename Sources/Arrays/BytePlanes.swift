import CZstd

/// Compression of array data by zstd, after the bytes of each element were split into planes: all lowest bytes, then all
/// second bytes, and so on. Exponents then stand together, which is what makes floats compress at all.
///
/// Data is cut into blocks of `blockSize` bytes (the last may be shorter); each is one zstd frame that states its size.
public enum BytePlanes {
  /// Bytes of array data per frame. A multiple of every element size.
  public static let blockSize = 1 << 22
  /// zstd's fastest ordinary level; higher ones were measured to be slower and never smaller on float planes.
  public static let level: Int32 = 1

  /// Most bytes that `count` bytes of data can become.
  public static func bound(_ count: Int) -> Int {
    let (blocks, rest) = count.quotientAndRemainder(dividingBy: blockSize)
    return blocks * ZSTD_compressBound(blockSize) + (rest > 0 ? ZSTD_compressBound(rest) : 0)
  }

  /// One block as one frame.
  public static func compress(_ block: borrowing RawSpan, elementSize: Int) -> [UInt8] {
    let planes = split(block, elementSize: elementSize)
    return unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(planes.count)) { buffer, count in
      let size = unsafe planes.withUnsafeBytes { planes in
        unsafe ZSTD_compress(buffer.baseAddress, buffer.count, planes.baseAddress, planes.count, level)
      }
      precondition(ZSTD_isError(size) == 0, "zstd can't compress")
      count = size
    }
  }

  /// Reads the frames of an array one after the other.
  /// - Parameters:
  ///   - stored: all stored bytes of the array.
  ///   - count: bytes of the unpacked array, known from its shape.
  /// - Throws: `Failure` of kind `badData` when the frames don't hold exactly `count` bytes in blocks of `blockSize`.
  public static func forEachBlock(
    of stored: [UInt8], count: Int, elementSize: Int, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    var position = 0
    var done = 0
    while done < count {
      let size = min(blockSize, count - done)
      let frame = try frameSize(stored, at: position, content: size)
      let planes = try decompress(stored, position..<position + frame, size: size)
      try body(join(planes, elementSize: elementSize).rawSpan)
      position += frame
      done += size
    }
    guard position == stored.count else {
      throw Failure(.badData, place: "compressed byte \(position)", "bytes after the last zstd frame")
    }
  }

  private static func frameSize(_ stored: [UInt8], at position: Int, content: Int) throws(Failure) -> Int {
    let (frame, declared): (Int, UInt64) = unsafe stored.withUnsafeBytes { bytes in
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[position...])
      return unsafe (
        ZSTD_findFrameCompressedSize(rest.baseAddress, rest.count),
        ZSTD_getFrameContentSize(rest.baseAddress, rest.count)
      )
    }
    guard ZSTD_isError(frame) == 0, declared == UInt64(content) else {
      throw Failure(
        .badData, place: "compressed byte \(position)", "no zstd frame of \(content) bytes where one is needed")
    }
    return frame
  }

  private static func decompress(
    _ stored: [UInt8], _ range: Range<Int>, size: Int
  ) throws(Failure) -> [UInt8] {
    var status = 0
    let out = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      status = unsafe stored.withUnsafeBytes { bytes in
        let frame = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
        return unsafe ZSTD_decompress(buffer.baseAddress, size, frame.baseAddress, frame.count)
      }
      count = ZSTD_isError(status) == 0 ? status : 0
    }
    guard out.count == size else {
      throw Failure(.badData, place: "compressed byte \(range.lowerBound)", "a zstd frame is damaged")
    }
    return out
  }

  private static func split(_ block: borrowing RawSpan, elementSize: Int) -> [UInt8] {
    let count = block.byteCount
    let elements = count / elementSize
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { out, written in
      unsafe block.withUnsafeBytes { bytes in
        for plane in 0..<elementSize {
          for element in 0..<elements {
            unsafe out[plane * elements + element] = bytes[element * elementSize + plane]
          }
        }
      }
      written = count
    }
  }

  private static func join(_ planes: [UInt8], elementSize: Int) -> [UInt8] {
    let elements = planes.count / elementSize
    return unsafe [UInt8](unsafeUninitializedCapacity: planes.count) { out, written in
      unsafe planes.withUnsafeBufferPointer { planes in
        for plane in 0..<elementSize {
          for element in 0..<elements {
            unsafe out[element * elementSize + plane] = planes[plane * elements + element]
          }
        }
      }
      written = planes.count
    }
  }
}
