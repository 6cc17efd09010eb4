import Arrays

/// Answers to questions about files, pictures and videos, one after the other; the last image is kept, so that further questions about it
/// cost no second look.
public struct AskingRun {
  public let vqa: VisualQuestionAnswering
  private let options: AnswerOptions
  private let answers: AnswerList?
  private let trace: AnswerTrace?
  private let frames: Int?
  private let progress: (_ path: String, _ done: Int, _ total: Int) -> Void
  private var last: (path: String, stamp: Paths.Stamp, image: SeenImage)?
  /// What the trace calls the last image; nil as long as it hasn't got it.
  private var traced: Int?

  /// - Parameters:
  ///   - trace: notes what is computed on the way.
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  public init(
    _ vqa: VisualQuestionAnswering, options: AnswerOptions = AnswerOptions(), from answers: AnswerList? = nil,
    trace: AnswerTrace? = nil, frames: Int? = nil,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.vqa = vqa
    self.options = options
    self.answers = answers
    self.trace = trace
    self.frames = frames
    self.progress = progress
    if let trace, let rules = try? vqa.rules(options) { trace.note(rules, list: answers) }
  }

  /// An answer per question.
  /// - Throws: `Failure` as `Picture`, `Video` and `VisualQuestionAnswering` do; it names the file where it is about that.
  public mutating func ask(_ path: String, _ questions: [String]) throws(Failure) -> [Answer] {
    let image = try image(path)
    let record = trace.map { _ in AnswerTrace.Record() }
    let out = try vqa.answer(questions, about: image, options: options, from: answers, observer: record)
    if let trace, let record {
      let number = traced ?? trace.add(image, name: path)
      traced = number
      trace.add(out, record, aboutImage: number, startToken: vqa.profile.answer.startToken)
    }
    return out
  }

  private mutating func image(_ path: String) throws(Failure) -> SeenImage {
    if let last, last.path == path, Paths.stamp(path) == last.stamp { return last.image.withoutSeconds }
    (last, traced) = (nil, nil)
    let stamp = Paths.stamp(path)
    let start = Paths.seconds
    let image = try look(path).taking(seconds: Paths.seconds - start)
    if let stamp { last = (path, stamp, image) }
    return image
  }

  private func look(_ path: String) throws(Failure) -> SeenImage {
    let head: [UInt8]
    do {
      head = try beginning(of: path)
    } catch {
      throw error.hinting("images are \(Self.images); videos \(Video.formats)")
    }
    if head.isEmpty {
      throw Failure(.badData, file: path, "is empty", hint: "a download or copy of it did not start: fetch it again")
    }
    switch ISOPicture(beginning: head) {
    case .heic: throw ISOPicture.heicFailure.inFile(path)
    case .avif: return try vqa.look(at: Picture(path))
    case nil: break
    }
    guard frames != nil && isAnimation(head) || Picture.format(head) == nil else {
      return try vqa.look(at: Picture(path))
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

  private static let images = "JPEG, PNG, WebP, BMP, GIF and TIFF"
}

extension SeenImage {
  fileprivate func taking(seconds: Double) -> SeenImage {
    SeenImage(
      pixels: pixels, vectors: vectors, frames: frames, direct: direct, projected: projected, seconds: seconds)
  }

  fileprivate var withoutSeconds: SeenImage { taking(seconds: 0) }
}
