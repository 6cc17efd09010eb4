import Arrays
import Media

/// JSON Lines about images in, JSON Lines out, a line for a line and in their order, so that any engine that pipes
/// partitions can spread them over processes. A line in is an object of `image`, the path of an image or video, and what
/// else is needed; members `id` and `question_id` are handed through. A line out is what was made of it, or an object with
/// `error`.
struct ImageLines {
  /// The member that says what is wanted of the image, which is told again with an error.
  private let wanted: String
  private let command: String
  private let hint: String
  private var number = 0
  /// Lines that gave an error.
  private(set) var failed = 0

  /// - Parameters:
  ///   - command: whose lines they are.
  ///   - hint: what a line is.
  init(wanted: String, command: String, hint: String) {
    (self.wanted, self.command, self.hint) = (wanted, command, hint)
  }

  /// What to print for a line; nil for an empty one.
  /// - Parameter body: makes it, of the line's object, its image and its number.
  mutating func answer(
    _ line: InputLines.Line, _ body: (_ object: JSONValue, _ image: String, _ number: Int) throws(Failure) -> JSONValue
  ) -> String? {
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
      return written(object, try body(object, object.member("image").string(), number))
    } catch {
      failed += 1
      let failure = error.file == nil && given?[wanted] == nil ? error.inFile("line \(number)") : error
      let hint = failure.kind == .badData ? hint : failure.kind.usualHint
      let asked = wanted == "image" ? nil : given?[wanted]
      let told = given?["image"].map { Self.told($0) }
      var members: [JSONMember] = [JSONMember("line", .integer(number))]
      if let told { members.append(JSONMember("image", told)) }
      if let asked { members.append(JSONMember(wanted, asked)) }
      members.append(JSONMember("error", error.json(hint: hint, message: "\(failure)")))
      return written(given, JSONValue(.object(members)))
    }
  }

  /// - Throws: `Failure` of kind `badData` when it can't be an image.
  static func check(image: String) throws(Failure) {
    guard !image.isEmpty else { throw Failure(.badData, "the image is empty") }
    // Standard input is where the lines come from.
    guard image != "-" else { throw Failure(.badData, "the image can't be standard input", hint: "a file is ./-") }
    guard !image.utf8.contains(0) else { throw Failure(.badData, "the image's path holds a zero byte") }
  }

  /// The image of a line as it is told again: of a picture in the line itself, the beginning.
  private static func told(_ image: JSONValue) -> JSONValue {
    if case .string(let text) = image.content { .string(PictureSource(text).name) } else { image }
  }

  /// What Windows' programs write before the first line.
  private func withoutMark(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      var rest = bytes
      rest.removeFirst(3)
      return rest
    }
    guard !bytes.starts(with: [0xff, 0xfe]), !bytes.starts(with: [0xfe, 0xff]) else {
      throw Failure(
        .badData, "is UTF-16",
        hint: "save the lines as UTF-8, or: iconv -f UTF-16 -t UTF-8 FILE | ingot \(command) …")
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
