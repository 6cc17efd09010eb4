import Arrays
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
            "classes": .array(
              image.classes.map {
                .object([
                  "class": .integer($0.index), "label": .string($0.label),
                  function == .none ? "score" : "probability": .number($0.value),
                ])
              }),
          ])
        }), "function": .string(function.rawValue),
      "templates": templates.isEmpty ? nil : .strings(templates), "failed": failed.json,
    ])
  }
}
