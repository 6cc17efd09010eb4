import Arrays
import Kernels
import Media

/// Captions of files, pictures and videos, one after the other.
public struct CaptioningRun {
  public let captioning: ImageCaptioning
  private let options: CaptionOptions
  private let trace: CaptionTrace?
  private let receipt: ReceiptRecord?
  private var files: FileSight

  /// - Parameters:
  ///   - trace: notes what is computed on the way.
  ///   - receipt: notes each caption.
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - isUpright: whether pictures are turned as the camera noted.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  public init(
    _ captioning: ImageCaptioning, options: CaptionOptions = CaptionOptions(), trace: CaptionTrace? = nil,
    receipt: ReceiptRecord? = nil, frames: Int? = nil, isUpright: Bool = false,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.captioning = captioning
    self.options = options
    self.trace = trace
    self.receipt = receipt
    files = FileSight(
      captioning.sight, frames: frames, isUpright: isUpright, keepsPixels: trace != nil, progress: progress)
  }

  /// Pictures that were taken with the camera turned and looked at as they are stored.
  public var turned: [String] { files.turned }

  /// Looks at an image, if it isn't the last one, so that `caption` can fail for reasons of its own only.
  /// - Throws: `Failure` as `Picture` and `Video` do.
  public mutating func look(at path: String) throws(Failure) { try files.look(at: path) }

  /// - Parameter prompt: in place of the options'; nil: these.
  /// - Throws: `Failure` as `Picture`, `Video` and `ImageCaptioning` do; it names the file where it is about that.
  public mutating func caption(_ path: String, prompt: String? = nil) throws(Failure) -> Caption {
    let image = try files.image(path)
    var options = options
    if let prompt { options.prompt = prompt }
    var first: Matrix?
    let caption = try captioning.caption(
      image, options: options,
      // A copy: decoding goes on with the matrix.
      firstScores: trace == nil && receipt == nil ? nil : { first = Matrix(rows: 1, columns: $0.columns, $0.elements) })
    try trace?.add(image, name: path, caption, captioning.text(caption), first, captioning.rules(options))
    try receipt?.add(path, caption, prompt: options.prompt, first: first)
    return caption
  }
}
