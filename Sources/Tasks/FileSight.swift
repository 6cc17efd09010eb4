import Arrays
import Media

/// Looks at files, pictures and videos, one after the other; the last one is kept, so that it costs no second look.
struct FileSight {
  private let sight: ImageSight
  private let frames: Int?
  private let isUpright: Bool
  private let keepsPixels: Bool
  private let progress: (_ path: String, _ done: Int, _ total: Int) -> Void
  /// The last image; `isNew` as long as nobody had it.
  private var last: (path: String, stamp: Paths.Stamp?, image: SeenImage, isNew: Bool)?
  /// Pictures that were taken with the camera turned and looked at as they are stored.
  private(set) var turned: [String] = []
  /// Files looked at so far.
  private(set) var count = 0

  /// - Parameters:
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - isUpright: whether pictures are turned as the camera noted.
  ///   - keepsPixels: of a video's frames, for a trace.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  init(
    _ sight: ImageSight, frames: Int?, isUpright: Bool, keepsPixels: Bool,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void
  ) {
    self.sight = sight
    self.frames = frames
    self.isUpright = isUpright
    self.keepsPixels = keepsPixels
    self.progress = progress
  }

  /// Looks at an image, if it isn't the last one.
  /// - Throws: `Failure` as `Picture` and `Video` do.
  mutating func look(at path: String) throws(Failure) {
    if let last, last.path == path, Paths.stamp(path) == last.stamp { return }
    last = nil
    count += 1
    let stamp = Paths.stamp(path)
    let start = Paths.seconds
    let image: SeenImage
    do throws(Failure) {
      image = try seen(path).taking(seconds: Paths.seconds - start)
    } catch {
      throw error.inFile(PictureSource(path).name)
    }
    last = (path, stamp, image, true)
  }

  /// An image, whose seconds are 0 where it was had before.
  mutating func image(_ path: String) throws(Failure) -> SeenImage {
    try look(at: path)
    guard let last else { throw Failure(.io, file: path, "was not looked at") }
    self.last?.isNew = false
    return last.isNew ? last.image : last.image.taking(seconds: 0)
  }

  private mutating func seen(_ path: String) throws(Failure) -> SeenImage {
    guard case .file = PictureSource(path) else { return try sight.look(at: picture(path)) }
    let head: [UInt8]
    do throws(Failure) {
      try PictureSource.checkIsNoAddress(path)
      head = try beginning(of: path)
    } catch {
      throw error.hinting("images are \(Self.images); videos \(Video.formats)")
    }
    if head.isEmpty { throw Picture.emptyFailure(path) }
    switch ISOPicture(beginning: head) {
    case .heic, .avif: return try sight.look(at: Picture(path))
    case nil: break
    }
    guard frames != nil && isAnimation(head) || Picture.format(head) == nil else {
      return try sight.look(at: picture(path))
    }
    guard isAnimation(head) || Video.isKnown(head) else {
      throw Failure(
        .badData, file: path, "is not an image of a known format, nor a video",
        hint: "images are \(Self.images); videos \(Video.formats)")
    }
    return try sight.look(at: Video(path, frames: frames ?? Video.usualFrames), keepsPixels: keepsPixels) {
      progress(path, $0, $1)
    }
  }

  private mutating func picture(_ path: String) throws(Failure) -> Picture {
    try Picture(path, isUpright: isUpright, turned: &turned)
  }

  private static let images = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF and HEIC"
}

extension SeenImage {
  fileprivate func taking(seconds: Double) -> SeenImage {
    SeenImage(
      pixels: pixels, vectors: vectors, frames: frames, direct: direct, projected: projected, seconds: seconds)
  }
}
