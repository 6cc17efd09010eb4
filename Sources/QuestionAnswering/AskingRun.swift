import Arrays

/// Answers to questions about files, one after the other; the last image is kept, so that further questions about it
/// cost no second look.
public struct AskingRun {
  public let vqa: VisualQuestionAnswering
  private let options: AnswerOptions
  private let answers: AnswerList?
  private let trace: AnswerTrace?
  private var last: (path: String, stamp: Paths.Stamp, image: SeenImage)?
  /// What the trace calls the last image; nil as long as it hasn't got it.
  private var traced: Int?

  /// - Parameter trace: notes what is computed on the way.
  public init(
    _ vqa: VisualQuestionAnswering, options: AnswerOptions = AnswerOptions(), from answers: AnswerList? = nil,
    trace: AnswerTrace? = nil
  ) {
    self.vqa = vqa
    self.options = options
    self.answers = answers
    self.trace = trace
    if let trace, let rules = try? vqa.rules(options) { trace.note(rules, list: answers) }
  }

  /// An answer per question.
  /// - Throws: `Failure` as `Picture` and `VisualQuestionAnswering` do; it names the file where it is about that.
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
    let image = try vqa.look(at: try Picture(path)).taking(seconds: Paths.seconds - start)
    if let stamp { last = (path, stamp, image) }
    return image
  }
}

extension SeenImage {
  fileprivate func taking(seconds: Double) -> SeenImage {
    SeenImage(pixels: pixels, vectors: vectors, direct: direct, projected: projected, seconds: seconds)
  }

  fileprivate var withoutSeconds: SeenImage { taking(seconds: 0) }
}
