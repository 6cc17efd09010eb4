import Arrays
import QuestionAnswering

/// What pictures show, for people and as JSON (schemas/reports/classify.schema.json).
public struct ClassificationReport {
  private let images: [(path: String, classes: [ImageClassification.Class])]

  private let failed: FailedInputs

  /// - Parameter failed: images that could not be read.
  public init(_ images: [(path: String, classes: [ImageClassification.Class])], failed: FailedInputs = FailedInputs()) {
    self.images = images
    self.failed = failed
  }

  public var text: String {
    images.map { image in
      var table = TextTable([.right, .right, .left], indent: 2)
      for item in image.classes {
        table.add("\(rounded(item.probability * 100, 2)) %", String(item.index), item.label ?? "")
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
                  "class": .integer($0.index), "label": $0.label.map(JSONValue.string),
                  "probability": .number($0.probability),
                ])
              }),
          ])
        }),
      "failed": failed.json,
    ])
  }
}
