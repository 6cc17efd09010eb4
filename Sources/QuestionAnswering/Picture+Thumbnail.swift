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

  private func jpeg(quality: Int) throws(Failure) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = unsafe ingot_image_encode_jpeg(rgb, width, height, Int32(quality), &bytes, &count)
    defer { unsafe ingot_image_free_bytes(bytes) }
    guard status == 0, let start = unsafe bytes else {
      throw Failure(.io, "there is not enough memory to write a picture", hint: "close other programs")
    }
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }
}
