import Arrays
import Assurance
import Media
import Tasks

/// Questions as JSON Lines in, answers as JSON Lines out, a line for a line and in their order, so that any engine that
/// pipes partitions can spread them over processes. A line in is an object of `image`, the path of an image or video, and
/// `question`; members `id` and `question_id` are handed through. A line out is an answer as in `ingot ask --json`, or an
/// object with `error`.
public struct AnswerLines {
  private var run: AskingRun
  /// Answers for a data set's server; nil: they are not wanted.
  public private(set) var results: ResultsFile?
  private let list: AnswerList?
  private var lines = ImageLines(
    wanted: "question", command: "ask", hint: "each line is one object {\"image\": PATH, \"question\": TEXT}")
  /// Lines that gave an error.
  public var failed: Int { lines.failed }

  /// - Parameter results: what takes the answers of lines that have a `question_id`, or an `id`; others are named by the
  ///   number of the line.
  public init(_ run: AskingRun, list: AnswerList? = nil, results: ResultsFile? = nil) {
    self.run = run
    self.list = list
    self.results = results
  }

  /// Pictures that were taken with the camera turned.
  public var turned: [String] { run.turned }

  /// What to print for a line; nil for an empty one.
  public mutating func answer(_ line: InputLines.Line) -> String? {
    lines.answer(line) { object, image, number throws(Failure) in
      let question = try object.member("question").string()
      try ImageLines.check(image: image)
      let answers = try run.ask(image, [question])
      results?.add(object["question_id"] ?? object["id"] ?? .integer(number), answer: answers[0].text)
      return answers[0].json(image: PictureSource(image).name, list: list)
    }
  }
}
