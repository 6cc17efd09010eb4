import Arrays

/// A video that is asked about by some of its frames.
///
/// Its whole length, from the beginning of the first frame to the end of the last, is cut into equal intervals, and of
/// each the frame is taken that is shown at its centre: the last that begins at that time or earlier. The frames' own
/// times count, so that a variable frame rate or a wrong length in the header make no difference. Where there are fewer
/// frames than intervals, frames are taken several times.
///
/// Frames are turned and mirrored as the file says, brought to RGB by their own colour space and range (where none is
/// said, BT.709 for frames of at least 1280 columns or more than 576 rows, else BT.601), and their pixels taken for
/// squares: a sample aspect ratio is not looked at, because nets have pictures made square anyway.
///
/// FFmpeg's libraries decode them, in a child process of the `ingot` command with limits on memory and processor time.
public struct Video: Sendable {
  public let path: String
  /// How many frames are taken.
  public let frames: Int

  /// Frames that are taken where nothing else is said.
  public static let usualFrames = 16
  public static let mostFrames = 1024

  /// - Throws: `Failure` of kind `usage` for a number of frames out of range, `noInput` when there is no such file,
  ///   `badData` when it begins like no video that is read; whether it is sound shows when it is looked at.
  public init(_ path: String, frames: Int = usualFrames) throws(Failure) {
    guard (1...Self.mostFrames).contains(frames) else {
      throw Failure(.usage, "\(frames) frames of a video: 1 to \(Self.mostFrames) are possible")
    }
    let beginning = try beginning(of: path)
    guard Self.isKnown(beginning) || isAnimation(beginning) else {
      throw Failure(.badData, file: path, "is not a video of a known format; known are \(Self.formats)")
    }
    (self.path, self.frames) = (path, frames)
  }

  /// One that is in no file.
  /// - Parameter name: for errors.
  package init(named name: String, frames: Int) { (path, self.frames) = (name, frames) }

  package static let formats = "MP4, QuickTime, Matroska, WebM, AVI, Ogg, FLV, ASF, MPEG-TS, MPEG-PS, IVF and YUV4MPEG2"

  /// Whether a file that begins so is in a container that FFmpeg is asked to read.
  package static func isKnown(_ bytes: [UInt8]) -> Bool {
    func has(_ text: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text) }
    func has(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }
    let atoms = ["ftyp", "moov", "mdat", "free", "skip", "wide", "pnot"]
    return atoms.contains { has($0, at: 4) }
      || has([0x1a, 0x45, 0xdf, 0xa3]) || has("RIFF") && has("AVI ", at: 8)
      || ["OggS", "FLV\u{1}", "DKIF", "YUV4MPEG2 "].contains { has($0) }
      || has([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11]) || has([0, 0, 1, 0xba])
      // Of MPEG-TS, two packets, which may have their time before them.
      || has([0x47]) && has([0x47], at: 188) || has([0x47], at: 4) && has([0x47], at: 196)
  }
}

/// Bytes that tell what a file holds.
package func beginning(of path: String) throws(Failure) -> [UInt8] {
  let file = try InputFile(path)
  return Array(try file.bytes(min(file.size, 512), at: 0))
}

/// Whether an image file that begins so may hold several frames that are read: GIF, or WebP that says it is animated.
package func isAnimation(_ bytes: [UInt8]) -> Bool {
  switch Picture.format(bytes) {
  case "GIF": true
  case "WebP": bytes.count > 20 && bytes[12..<16].elementsEqual("VP8X".utf8) && bytes[20] & 2 != 0
  default: false
  }
}

/// A frame of a video.
package struct VideoFrame {
  /// From 0, by time.
  package let index: Int
  /// Seconds since the first frame.
  package let time: Double
  /// How many of the frames that are taken it is.
  package let picks: Int
  package let picture: Picture
}

/// Which frame of a video was looked at.
public struct SeenFrame: Hashable, Sendable {
  /// From 0, by time.
  public let index: Int
  /// Seconds since the first frame.
  public let time: Double
  /// How many of the frames that were taken it is.
  public let picks: Int

  package init(index: Int, time: Double, picks: Int) {
    self.index = index
    self.time = time
    self.picks = picks
  }
}
