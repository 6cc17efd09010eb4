import Arrays
import Media

/// Answers to questions about files, pictures and videos, one after the other; the last image is kept, so that further
/// questions about it cost no second look.
public struct AskingRun {
  public let vqa: VisualQuestionAnswering
  private let options: AnswerOptions
  private let answers: AnswerList?
  private let trace: AnswerTrace?
  private let frames: Int?
  private let progress: (_ path: String, _ done: Int, _ total: Int) -> Void
  private let isUpright: Bool
  /// The last image; `isNew` as long as nothing was asked about it.
  private var last: (path: String, stamp: Paths.Stamp?, image: SeenImage, isNew: Bool)?
  /// Pictures that were taken with the camera turned and looked at as they are stored.
  public private(set) var turned: [String] = []
  /// What the trace calls the last image; nil as long as it hasn't got it.
  private var traced: Int?

  /// - Parameters:
  ///   - trace: notes what is computed on the way.
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - isUpright: whether pictures are turned as the camera noted.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  public init(
    _ vqa: VisualQuestionAnswering, options: AnswerOptions = AnswerOptions(), from answers: AnswerList? = nil,
    trace: AnswerTrace? = nil, frames: Int? = nil, isUpright: Bool = false,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.vqa = vqa
    self.options = options
    self.answers = answers
    self.trace = trace
    self.frames = frames
    self.isUpright = isUpright
    self.progress = progress
    if let trace, let rules = try? vqa.rules(options) { trace.note(rules, list: answers) }
  }

  /// An answer per question.
  /// - Throws: `Failure` as `Picture`, `Video` and `VisualQuestionAnswering` do; it names the file where it is about that.
  public mutating func ask(_ path: String, _ questions: [String]) throws(Failure) -> [Answer] {
    let image = try self.image(path)
    let record = trace.map { _ in AnswerTrace.Record() }
    let out = try vqa.answer(questions, about: image, options: options, from: answers, observer: record)
    if let trace, let record {
      let number = traced ?? trace.add(image, name: path)
      traced = number
      trace.add(out, record, aboutImage: number, startToken: vqa.profile.answer.startToken)
    }
    return out
  }

  /// Looks at an image, if it isn't the last one, so that `ask` can fail for reasons of its own only.
  /// - Throws: `Failure` as `Picture` and `Video` do.
  public mutating func look(at path: String) throws(Failure) {
    if let last, last.path == path, Paths.stamp(path) == last.stamp { return }
    (last, traced) = (nil, nil)
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

  private mutating func image(_ path: String) throws(Failure) -> SeenImage {
    try look(at: path)
    guard let last else { throw Failure(.io, file: path, "was not looked at") }
    self.last?.isNew = false
    return last.isNew ? last.image : last.image.withoutSeconds
  }

  private mutating func seen(_ path: String) throws(Failure) -> SeenImage {
    guard case .file = PictureSource(path) else { return try vqa.look(at: picture(path)) }
    let head: [UInt8]
    do throws(Failure) {
      try PictureSource.checkIsNoAddress(path)
      head = try beginning(of: path)
    } catch {
      throw error.hinting("images are \(Self.images); videos \(Video.formats)")
    }
    if head.isEmpty { throw Picture.emptyFailure(path) }
    switch ISOPicture(beginning: head) {
    case .heic, .avif: return try vqa.look(at: Picture(path))
    case nil: break
    }
    guard frames != nil && isAnimation(head) || Picture.format(head) == nil else {
      return try vqa.look(at: picture(path))
    }
    guard isAnimation(head) || Video.isKnown(head) else {
      throw Failure(
        .badData, file: path, "is not an image of a known format, nor a video",
        hint: "images are \(Self.images); videos \(Video.formats)")
    }
    return try vqa.look(at: Video(path, frames: frames ?? Video.usualFrames), keepsPixels: trace != nil) {
      progress(path, $0, $1)
    }
  }

  private mutating func picture(_ path: String) throws(Failure) -> Picture {
    let picture = try Picture(path)
    guard !isUpright else { return picture.upright() }
    if picture.isTurned { turned.append(PictureSource(path).name) }
    return picture
  }

  private static let images = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF and HEIC"
}

extension SeenImage {
  fileprivate func taking(seconds: Double) -> SeenImage {
    SeenImage(
      pixels: pixels, vectors: vectors, frames: frames, direct: direct, projected: projected, seconds: seconds)
  }

  fileprivate var withoutSeconds: SeenImage { taking(seconds: 0) }
}

/// Whether what was given for a question is rather an image: a picture or video that is there, or a name like a picture's.
public func isImage(_ text: String) -> Bool {
  if !text.contains(where: \.isWhitespace), PictureFiles.isPictureName(text) { return true }
  guard !text.isEmpty, !text.utf8.contains(0), let head = try? beginning(of: text) else { return false }
  return Picture.format(head) != nil || Video.isKnown(head)
}
