import Arrays
import Media
import Tasks

/// What pictures show, for people and as JSON (schemas/reports/classify.schema.json).
public struct ClassificationReport {
  private let images: [(path: String, classes: [ImageClassification.Class])]
  private let function: ImageClassification.Function

  private let templates: [String]
  private let failed: FailedInputs

  /// - Parameters:
  ///   - function: by which the classes' values came from the net's scores.
  ///   - templates: what labels were put into, where these were given.
  ///   - failed: images that could not be read.
  public init(
    _ images: [(path: String, classes: [ImageClassification.Class])], function: ImageClassification.Function,
    templates: [String] = [], failed: FailedInputs = FailedInputs()
  ) {
    self.templates = templates
    self.images = images
    self.function = function
    self.failed = failed
  }

  public var text: String {
    images.map { image in
      var table = TextTable([.right, .right, .left], indent: 2)
      for item in image.classes {
        let value = function == .none ? rounded(item.value, 4) : "\(rounded(item.value * 100, 2)) %"
        table.add(value, String(item.index), item.label)
      }
      return ([printable(image.path)] + table.lines).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  public var json: JSONValue {
    .object([
      "images": .array(
        images.map { image in
          .object([
            "image": .string(image.path),
            "classes": image.classes.json(function),
          ])
        }), "function": .string(function.rawValue),
      "templates": templates.isEmpty ? nil : .strings(templates), "failed": failed.json,
    ])
  }
}

extension [ImageClassification.Class] {
  fileprivate func json(_ function: ImageClassification.Function) -> JSONValue {
    .array(
      map {
        .object([
          "class": .integer($0.index), "label": .string($0.label),
          function == .none ? "score" : "probability": .number($0.value),
        ])
      })
  }
}

/// Images as JSON Lines in, classes as JSON Lines out. A line in is an object of `image`, the path of a picture, and with
/// CLIP maybe `labels`; a line out is what `ingot classify --json` tells of an image, or an object with `error`.
public struct ClassificationLines {
  private var run: ClassificationRun
  private let top: Int
  private let isUpright: Bool
  private var lines = ImageLines(
    wanted: "image", command: "classify",
    hint: "each line is one object {\"image\": PATH}, with CLIP also {\"image\": PATH, \"labels\": [TEXT, …]}")
  /// Pictures that were taken with the camera turned, and looked at as they are stored.
  public private(set) var turned: [String] = []

  /// - Parameters:
  ///   - top: how many classes of each image are told.
  ///   - isUpright: whether pictures are turned as the camera noted.
  public init(_ run: ClassificationRun, top: Int, isUpright: Bool = false) {
    (self.run, self.top, self.isUpright) = (run, top, isUpright)
  }

  /// Lines that gave an error.
  public var failed: Int { lines.failed }

  /// What to print for a line; nil for an empty one.
  public mutating func classes(_ line: InputLines.Line) -> String? {
    lines.answer(line) { object, image, _ throws(Failure) in
      var labels: [String]?
      if let given = object["labels"] {
        labels = []
        for label in try given.array() { labels?.append(try label.string()) }
      }
      try ImageLines.check(image: image)
      let picture = try Picture(image, isUpright: isUpright, turned: &turned)
      let name = PictureSource(image).name
      let classes: [ImageClassification.Class]
      do throws(Failure) {
        classes = try run.classes(picture, labels: labels)
      } catch {
        throw error.kind == .badData && error.file == nil ? error.inFile(name) : error
      }
      return .object([
        "image": .string(name), "classes": Array(classes.prefix(top)).json(run.function),
        "function": .string(run.function.rawValue),
      ])
    }
  }
}
