import Arrays

/// Pictures in the container that MP4 has too (ISO/IEC 23008-12), told by their brand.
enum ISOPicture: Hashable {
  /// Of phones: HEVC, most often in tiles. FFmpeg would take the first tile for the picture.
  case heic
  case avif

  private static let brandsOfHEIC = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]

  /// nil for a film, and for anything else.
  init?(beginning bytes: [UInt8]) {
    guard bytes.count >= 16, bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
    let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
    let end = min(length, bytes.count, 512)
    guard end >= 12 else { return nil }
    // The major brand, then, after a version, those that the file is compatible with.
    var brands: [String] = []
    for start in [8] + Array(stride(from: 16, to: max(16, end - 3), by: 4)) {
      brands.append(String(decoding: bytes[start..<start + 4], as: UTF8.self))
    }
    guard let major = brands.first else { return nil }
    if major == "avif" || ["mif1", "miaf"].contains(major) && brands.contains("avif") {
      self = .avif
    } else if Self.brandsOfHEIC.contains(major)
      || ["mif1", "msf1", "mif2", "miaf", "heif"].contains(major) && !brands.contains("avis")
    {
      self = .heic
    } else {
      return nil
    }
  }

  static let heicFailure = Failure.unsupported(
    "is a HEIC picture, which is not read",
    hint: "convert it to JPEG first, for example with `heif-convert PICTURE NEW.jpg`")
}

extension Picture {
  /// An AVIF picture, as FFmpeg decodes it in the child process that reads videos.
  /// - Throws: `Failure` of kind `badData` when it is no sound picture, `io` when it can't be read here.
  static func avif(_ path: String) throws(Failure) -> Picture {
    let reader = try VideoReader(Video(path, frames: 1))
    guard let frame = try reader.next() else { throw Failure(.badData, file: path, "holds no picture") }
    let picture = frame.picture
    // Whether the child ended well shows after the last frame.
    guard try reader.next() == nil else { throw Failure(.badData, file: path, "holds more than a picture") }
    return picture
  }
}
