import Arrays

/// Pictures in the container that MP4 has too (ISO/IEC 23008-12), told by their brand.
package enum ISOPicture: Hashable {
  /// Of phones: HEVC, most often in tiles. FFmpeg before 7 would take the first tile for the picture, so libheif reads it.
  case heic
  case avif

  private static let brandsOfHEIC = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]

  /// nil for a film, and for anything else.
  package init?(beginning bytes: [UInt8]) {
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

  /// A picture that isn't in a file, where no child process is to be started that decodes it.
  func notInFile(_ name: String) -> Failure {
    Failure.unsupported(
      file: name, "is \(self == .heic ? "a HEIC" : "an AVIF") picture, which is read from files only",
      hint: "save it as a file, and name that")
  }
}

extension Picture {
  /// An AVIF picture as FFmpeg decodes it, or a HEIC picture as libheif does, in the child process that reads videos.
  /// - Parameters:
  ///   - bytes: the picture itself, if it is in no file; its path is for errors then.
  ///   - pixels: a bound on its pixels, below the limit on those of a video's frame.
  /// - Throws: `Failure` of kind `badData` when it is no sound picture, `unavailable` when there is no library for it, `io`
  ///   when it can't be read here.
  init(iso path: String, bytes: [UInt8]? = nil, pixels: Int? = nil) throws(Failure) {
    do throws(Failure) {
      let video = bytes == nil ? try Video(path, frames: 1) : Video(named: path, frames: 1)
      let reader = try VideoReader(video, bytes: bytes, pixels: pixels)
      guard let frame = try reader.next() else { throw Failure(.badData, file: path, "holds no picture") }
      self = frame.picture
      // Whether the child ended well shows after the last frame.
      guard try reader.next() == nil else { throw Failure(.badData, file: path, "holds more than a picture") }
    } catch {
      guard Limit.named(in: error.reason) == nil else { throw error }
      let hint =
        error.kind == .io
        ? "install it: in Debian, `apt-get install libheif1 libheif-plugin-libde265` brings it (before Debian 13, the first alone)"
        : "where a viewer shows it, save it as JPEG from there"
      let isLibheifs = error.kind == .io && error.reason.contains("HEIC")
      throw Failure(
        error.kind, file: error.file ?? path, place: error.place, error.reason,
        hint: isLibheifs || error.kind == .badData ? hint : error.hint)
    }
  }
}
