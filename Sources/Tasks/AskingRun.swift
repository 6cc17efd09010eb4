import Arrays
import Media

/// Answers to questions about files, pictures and videos, one after the other; the last image is kept, so that further
/// questions about it cost no second look.
public struct AskingRun {
  public let vqa: VisualQuestionAnswering
  private let options: AnswerOptions
  private let answers: AnswerList?
  private let trace: AnswerTrace?
  private let receipt: ReceiptRecord?
  private var files: FileSight
  /// What the trace calls the last image, by how many were looked at then.
  private var traced: (count: Int, number: Int)?

  /// - Parameters:
  ///   - trace: notes what is computed on the way.
  ///   - receipt: notes each answer.
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - isUpright: whether pictures are turned as the camera noted.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  public init(
    _ vqa: VisualQuestionAnswering, options: AnswerOptions = AnswerOptions(), from answers: AnswerList? = nil,
    trace: AnswerTrace? = nil, receipt: ReceiptRecord? = nil, frames: Int? = nil, isUpright: Bool = false,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.vqa = vqa
    self.options = options
    self.answers = answers
    self.trace = trace
    self.receipt = receipt
    files = FileSight(vqa.sight, frames: frames, isUpright: isUpright, keepsPixels: trace != nil, progress: progress)
    if let trace, let rules = try? vqa.rules(options) { trace.note(rules, list: answers) }
  }

  /// Pictures that were taken with the camera turned and looked at as they are stored.
  public var turned: [String] { files.turned }

  /// An answer per question.
  /// - Throws: `Failure` as `Picture`, `Video` and `VisualQuestionAnswering` do; it names the file where it is about that.
  public mutating func ask(_ path: String, _ questions: [String]) throws(Failure) -> [Answer] {
    let image = try files.image(path)
    let record = trace.map { _ in AnswerTrace.Record() }
    let first = receipt.map { _ in FirstScores() }
    let out = try vqa.answer(questions, about: image, options: options, from: answers, observer: record ?? first)
    for (index, answer) in out.enumerated() {
      try receipt?.add(path, answer, first: record?.scores[index] ?? first?.scores[index])
    }
    if let trace, let record {
      let known = traced.flatMap { $0.count == files.count ? $0.number : nil }
      let number = known ?? trace.add(image, name: path)
      traced = (files.count, number)
      trace.add(out, record, aboutImage: number, startToken: vqa.profile.answer.startToken)
    }
    return out
  }

  /// Looks at an image, if it isn't the last one, so that `ask` can fail for reasons of its own only.
  /// - Throws: `Failure` as `Picture` and `Video` do.
  public mutating func look(at path: String) throws(Failure) { try files.look(at: path) }
}

/// Whether what was given for a question is rather an image: a picture or video that is there, or a name like a picture's.
public func isImage(_ text: String) -> Bool {
  if !text.contains(where: \.isWhitespace), PictureFiles.isPictureName(text) { return true }
  guard !text.isEmpty, !text.utf8.contains(0), let head = try? beginning(of: text) else { return false }
  return Picture.format(head) != nil || Video.isKnown(head)
}
