import Arrays
import Assurance
import Families
import NetFile

/// What an evaluation of an embedder found, for people and as JSON (schemas/reports/evaluate.schema.json).
public struct EmbeddingEvaluationReport: Sendable {
  private let result: EmbeddingEvaluation.Result

  public init(_ result: EmbeddingEvaluation.Result) { self.result = result }

  public var text: String {
    var names = TextTable([.left, .left])
    names.add("A", EvaluationReport.name([result.a]))
    if let b = result.b { names.add("B", EvaluationReport.name([b])) }
    let pairs = result.pairs.map { "\(counted($0, "pair")) of " } ?? ""
    var table = TextTable([.left, .right, .left])
    func add(_ name: String, _ correlation: RankCorrelation?) {
      guard let correlation else { return }
      let interval = correlation.interval.map {
        "95 % confidence: \(rounded($0.lowerBound, 4)) to \(rounded($0.upperBound, 4))"
      }
      table.add(name, correlation.value.map { rounded($0, 4) } ?? "-", interval ?? "")
    }
    add(result.b == nil ? "Spearman with the scores" : "Spearman of A with the scores", result.correlation)
    add("Spearman of B with the scores", result.correlationB)
    if let (value, interval) = result.difference {
      table.add(
        "A less B", signed(value, 4),
        "95 % confidence: \(signed(interval.lowerBound, 4)) to \(signed(interval.upperBound, 4))")
    }
    if let comparison = result.comparison {
      table.add("mean cosine of A's vectors to B's", rounded(comparison.meanCosine, 6), "")
      table.add(
        "least", rounded(comparison.leastCosine, 6), "\"\(shortened(comparison.leastText, to: 60))\"")
      table.add(
        "neighbours kept", percent(comparison.neighboursKept, 2),
        "of the \(comparison.neighbours) nearest among all texts")
      table.add(
        "Spearman of all similarities", comparison.similarities.value.map { rounded($0, 6) } ?? "-", "")
    }
    let heading = "\(pairs)\(counted(result.texts, "text"))"
    return ([heading] + names.lines + [""] + table.lines).joined(separator: "\n")
  }

  public var json: JSONValue {
    func interval(_ range: ClosedRange<Double>?) -> JSONValue? {
      range.map { .array([.number($0.lowerBound), .number($0.upperBound)]) }
    }
    func correlation(_ found: RankCorrelation?) -> JSONValue? {
      found.map {
        .object(["value": $0.value.map { .number($0) } ?? .null, "interval": interval($0.interval)])
      }
    }
    return .object([
      "task": "embedding",
      "nets": .object(["a": EvaluationReport.json([result.a]), "b": result.b.map { EvaluationReport.json([$0]) }]),
      "texts": .integer(result.texts), "pairs": result.pairs.map { .integer($0) },
      "spearman": result.correlation.map { a in
        .object([
          "a": correlation(a), "b": correlation(result.correlationB),
          "difference": result.difference.map { .number($0.value) },
          "interval": interval(result.difference?.interval),
        ])
      },
      "comparison": result.comparison.map { found in
        .object([
          "meanCosine": .number(found.meanCosine), "leastCosine": .number(found.leastCosine),
          "leastText": .string(found.leastText), "neighbours": .integer(found.neighbours),
          "neighboursKept": .number(found.neighboursKept), "similarities": correlation(found.similarities),
        ])
      },
    ])
  }
}
