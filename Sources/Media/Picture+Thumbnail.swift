import Arrays
import CImages

extension Picture {
  /// The picture as a JPEG file, not larger than a square of that side and never enlarged; its proportions are kept.
  /// - Parameters:
  ///   - side: 1...65500.
  ///   - quality: 1...100, of which 75 is libjpeg's usual one.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func thumbnail(side: Int, quality: Int = 80) throws(Failure) -> [UInt8] {
    precondition((1...65500).contains(side) && (1...100).contains(quality))
    let longer = max(width, height)
    guard longer > side else { return try jpeg(quality: quality) }
    let scale = Double(side) / Double(longer)
    func scaled(_ length: Int) -> Int { max(1, min(side, Int((Double(length) * scale).rounded()))) }
    return try resized(width: scaled(width), height: scaled(height)).jpeg(quality: quality)
  }

  /// The picture as a JPEG file.
  /// - Parameter quality: 1...100.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func jpeg(quality: Int = 80) throws(Failure) -> [UInt8] {
    precondition((1...100).contains(quality) && max(width, height) <= 65500)
    return try unsafe encoded { unsafe ingot_image_encode_jpeg(rgb, width, height, Int32(quality), &$0, &$1) }
  }

  /// The picture as a PNG file.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func png() throws(Failure) -> [UInt8] {
    precondition(max(width, height) <= 65500)
    return try unsafe encoded { unsafe ingot_image_encode_png(rgb, width, height, &$0, &$1) }
  }

  private func encoded(
    _ encode: (inout UnsafeMutablePointer<UInt8>?, inout Int) -> Int32
  ) throws(Failure) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = unsafe encode(&bytes, &count)
    defer { unsafe ingot_image_free_bytes(bytes) }
    guard status == 0, let start = unsafe bytes else {
      throw Failure(.io, "there is not enough memory to write a picture", hint: "close other programs")
    }
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }
}
