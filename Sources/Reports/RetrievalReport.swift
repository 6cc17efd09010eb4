import Arrays
import Assurance
import Families
import NetFile

/// What an evaluation of retrieval found, for people and as JSON (schemas/reports/evaluate.schema.json).
public struct RetrievalReport: Sendable {
  private let result: RetrievalEvaluation.Result

  public init(_ result: RetrievalEvaluation.Result) { self.result = result }

  /// Images that could not be read.
  public var failed: FailedInputs {
    var failed = FailedInputs()
    for item in result.failed { failed.add(item.path, item.failure) }
    return failed
  }

  private var ways: [(name: String, way: RetrievalEvaluation.Way)] {
    [("captions by an image", result.captionsFound), ("images by a caption", result.imagesFound)]
  }

  public var text: String {
    var names = TextTable([.left, .left])
    names.add("A", EvaluationReport.name(result.a))
    if let b = result.b { names.add("B", EvaluationReport.name(b)) }
    var table = TextTable([.left, .right, .right, .left])
    table.add("found", result.b == nil ? "" : "A", result.b == nil ? "" : "B", "")
    for (name, way) in ways {
      for depth in RetrievalEvaluation.depths {
        let range: String
        if let difference = way.difference(depth)?.interval {
          range =
            "A less B, 95 % confidence: \(Self.points(difference.lowerBound)) to \(Self.points(difference.upperBound))"
        } else {
          let interval = way.interval(depth)
          range = "95 % confidence: \(percent(interval.lowerBound, 2)) to \(percent(interval.upperBound, 2))"
        }
        table.add(
          "\(name), recall@\(depth)", percent(way.recall(depth), 2), way.recallB(depth).map { percent($0, 2) } ?? "",
          range)
      }
    }
    let heading = "\(counted(result.images, "image")) with \(counted(result.captions, "caption"))"
    return ([heading] + names.lines + [""] + table.lines).joined(separator: "\n")
  }

  private static func points(_ value: Double) -> String { signed(100 * value, 2) }

  public var json: JSONValue {
    func interval(_ range: ClosedRange<Double>) -> JSONValue {
      .array([.number(range.lowerBound), .number(range.upperBound)])
    }
    func told(_ way: RetrievalEvaluation.Way) -> JSONValue {
      .array(
        RetrievalEvaluation.depths.map { depth in
          let difference = way.difference(depth)
          return .object([
            "depth": .integer(depth), "a": .number(way.recall(depth)), "intervalA": interval(way.interval(depth)),
            "b": way.recallB(depth).map { .number($0) }, "difference": difference.map { .number($0.mean) },
            "interval": difference.map { interval($0.interval) },
          ])
        })
    }
    return .object([
      "task": "retrieval",
      "nets": .object(["a": EvaluationReport.json(result.a), "b": result.b.map { EvaluationReport.json($0) }]),
      "images": .integer(result.images), "captions": .integer(result.captions),
      "recall": .object(["captions": told(result.captionsFound), "images": told(result.imagesFound)]),
      "failed": failed.json,
    ])
  }
}
