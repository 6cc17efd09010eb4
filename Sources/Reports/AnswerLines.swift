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
  private var number = 0
  /// Lines that gave an error.
  public private(set) var failed = 0

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
    number += 1
    var given: JSONValue?
    do throws(Failure) {
      guard case .bytes(var bytes) = line else {
        throw Limit.lineBytes.failure("has more than \(Limit.lineBytes.value) bytes")
      }
      if number == 1 { bytes = try withoutMark(bytes) }
      if bytes.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { return nil }
      let object = try JSONValue(parsing: bytes)
      given = object
      let (image, question) = (try object.member("image").string(), try object.member("question").string())
      guard !image.isEmpty else { throw Failure(.badData, "the image is empty") }
      // Standard input is where the lines come from.
      guard image != "-" else { throw Failure(.badData, "the image can't be standard input", hint: "a file is ./-") }
      guard !image.utf8.contains(0) else { throw Failure(.badData, "the image's path holds a zero byte") }
      let answers = try run.ask(image, [question])
      results?.add(object["question_id"] ?? object["id"] ?? .integer(number), answer: answers[0].text)
      return written(object, answers[0].json(image: PictureSource(image).name, list: list))
    } catch {
      failed += 1
      let failure = error.file == nil && given?["question"] == nil ? error.inFile("line \(number)") : error
      let hint = failure.kind == .badData ? Self.hint : failure.kind.usualHint
      return written(
        given,
        .object([
          "line": .integer(number), "image": given?["image"].map { Self.told($0) }, "question": given?["question"],
          "error": failure.json(hint: hint),
        ]))
    }
  }

  private static let hint = "each line is one object {\"image\": PATH, \"question\": TEXT}"

  /// The image of a line as it is told again: of a picture in the line itself, the beginning.
  private static func told(_ image: JSONValue) -> JSONValue {
    if case .string(let text) = image.content { .string(PictureSource(text).name) } else { image }
  }

  /// What Windows' programs write before the first line.
  private func withoutMark(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return Array(bytes.dropFirst(3)) }
    guard !bytes.starts(with: [0xff, 0xfe]), !bytes.starts(with: [0xfe, 0xff]) else {
      throw Failure(
        .badData, "is UTF-16", hint: "save the lines as UTF-8, or: iconv -f UTF-16 -t UTF-8 FILE | ingot ask …")
    }
    return bytes
  }

  private func written(_ line: JSONValue?, _ object: JSONValue) -> String {
    var object = object
    let ids = ["id", "question_id"].compactMap { key in line?[key].map { JSONMember(key, $0) } }
    if case .object(let members) = object.content { object = JSONValue(.object(ids + members)) }
    return printableJSON(object.compactText)
  }
}
