import Arrays
import Kernels
import Media
import Tasks

/// How well texts match images, as a table and as JSON (schemas/reports/match.schema.json).
public struct MatchReport {
  private let images: [(path: String, matches: [ImageTextMatch])]
  private let kernels: Engine.Level
  private let failed: FailedInputs

  /// - Parameters:
  ///   - kernels: what they were computed with.
  ///   - failed: images that could not be read.
  public init(
    _ images: [(path: String, matches: [ImageTextMatch])], kernels: Engine.Level, failed: FailedInputs = FailedInputs()
  ) {
    self.images = images
    self.kernels = kernels
    self.failed = failed
  }

  public var text: String {
    var table = TextTable([.left, .left, .right, .right])
    table.add("image", "text", "match", "cosine")
    for (path, matches) in images {
      for (number, match) in matches.enumerated() {
        table.add(
          number == 0 ? path : "", match.text, percent(match.probability, 2), rounded(match.cosine, 4))
      }
    }
    return table.lines.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "matches": .array(images.flatMap { image in image.matches.map { $0.json(image: image.path) } }),
      "failed": failed.json,
      "kernels": .string(kernels.rawValue),
    ])
  }
}

extension ImageTextMatch {
  func json(image: String) -> JSONValue {
    .object([
      "image": .string(image), "text": .string(text), "probability": .number(probability), "cosine": .number(cosine),
      "logits": .array(logits.map { .number(Double($0)) }), "tokens": .integers(tokens),
      "frames": frames.map(SeenFrame.json),
      "seconds": .object(["image": .number(seconds.image), "text": .number(seconds.text)]),
    ])
  }
}

/// Images and texts as JSON Lines in, matches as JSON Lines out. A line in is an object of `image`, the path of an image or
/// video, and `text`, or `texts`; a line out is a match as in `ingot match --json`, of several texts an object of `image`
/// and `matches`, or an object with `error`.
public struct MatchLines {
  private var run: MatchingRun
  private var lines = ImageLines(
    wanted: "text", command: "match",
    hint: "each line is one object {\"image\": PATH, \"text\": TEXT} or {\"image\": PATH, \"texts\": [TEXT, …]}")

  public init(_ run: MatchingRun) { self.run = run }

  /// Lines that gave an error.
  public var failed: Int { lines.failed }

  /// Pictures that were taken with the camera turned.
  public var turned: [String] { run.turned }

  /// What to print for a line; nil for an empty one.
  public mutating func match(_ line: InputLines.Line) -> String? {
    lines.answer(line) { object, image, _ throws(Failure) in
      var texts: [String] = []
      if let several = object["texts"], object["text"] == nil {
        for text in try several.array() { texts.append(try text.string()) }
        guard !texts.isEmpty else { throw Failure(.badData, "there is no text") }
      } else {
        texts = [try object.member("text").string()]
      }
      try ImageLines.check(image: image)
      let name = PictureSource(image).name
      let matches = try run.match(image, texts).map { $0.json(image: name) }
      return object["text"] == nil ? .object(["image": .string(name), "matches": .array(matches)]) : matches[0]
    }
  }
}
