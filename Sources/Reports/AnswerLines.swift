import Arrays
import QuestionAnswering

/// Questions as JSON Lines in, answers as JSON Lines out, a line for a line and in their order, so that any engine that
/// pipes partitions can spread them over processes. A line in is an object of `image`, the path of an image or video, and `question`; a member
/// `id` is handed through. A line out is an answer as in `ingot ask --json`, or an object with `error`.
public struct AnswerLines {
  private var run: AskingRun
  private let list: AnswerList?
  private var number = 0
  /// Lines that gave an error.
  public private(set) var failed = 0

  public init(_ run: AskingRun, list: AnswerList? = nil) {
    self.run = run
    self.list = list
  }

  /// What to print for a line; nil for an empty one.
  public mutating func answer(_ line: InputLines.Line) -> String? {
    number += 1
    var given: JSONValue?
    do throws(Failure) {
      guard case .bytes(let bytes) = line else {
        throw Limit.lineBytes.failure("has more than \(Limit.lineBytes.value) bytes")
      }
      if bytes.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { return nil }
      let object = try JSONValue(parsing: bytes)
      given = object
      let (image, question) = (try object.member("image").string(), try object.member("question").string())
      guard !image.utf8.contains(0) else { throw Failure(.badData, "the image's path holds a zero byte") }
      let answers = try run.ask(image, [question])
      return written(object["id"], answers[0].json(image: image, list: list))
    } catch {
      failed += 1
      let failure = error.file == nil && given?["question"] == nil ? error.inFile("line \(number)") : error
      return written(
        given?["id"],
        .object([
          "line": .integer(number), "image": given?["image"], "question": given?["question"],
          "error": .object([
            "message": .string("\(failure)"),
            "hint": .string(failure.hint ?? (failure.kind == .badData ? Self.hint : failure.kind.usualHint)),
            "status": .integer(Int(failure.exitStatus)),
          ]),
        ]))
    }
  }

  private static let hint = "each line is one object {\"image\": PATH, \"question\": TEXT}"

  private func written(_ id: JSONValue?, _ object: JSONValue) -> String {
    var object = object
    if let id, case .object(let members) = object.content {
      object = JSONValue(.object([JSONMember("id", id)] + members))
    }
    return printableJSON(object.compactText)
  }
}
