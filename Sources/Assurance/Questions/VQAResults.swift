import Arrays

/// `[{"question_id", "answer"}]`: what the evaluation's servers take.
public struct VQAResults: Sendable {
  public struct Result: Sendable, Equatable {
    public let question: Int
    public let answer: String
  }

  public let path: String
  public let results: [Result]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such.
  public static func read(_ path: String) throws(Failure) -> VQAResults {
    var seen: Set<Int> = []
    var results: [Result] = []
    _ = try LargeJSON(path).forEach(nil) { item throws(Failure) in
      let id = try item.member("question_id")
      let result = Result(question: try id.size(), answer: try item.member("answer").string())
      guard seen.insert(result.question).inserted else {
        throw id.failure("question \(result.question) is answered twice")
      }
      results.append(result)
    }
    return VQAResults(path: path, results: results)
  }
}
