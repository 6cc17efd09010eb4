import Arrays

/// Answers in the form that a data set's server takes: VQA v2's and most others' `[{"question_id", "answer"}]`, VizWiz'
/// `[{"image", "answer"}]`, GQA's `[{"questionId", "prediction"}]`, A-OKVQA's `{ID: {"direct_answer"}}`.
public struct ResultsFile: Sendable {
  private let form: EvaluationData.Form
  private var items: [JSONMember] = []

  /// - Parameter form: of the questions.
  public init(_ form: EvaluationData.Form) { self.form = form }

  /// - Parameter id: the question's, a number or a text as its file has it; for VizWiz, the image's name.
  public mutating func add(_ id: JSONValue, answer: String) {
    let answer = JSONValue.string(answer)
    let item: JSONValue =
      switch form {
      case .vizwiz: .object(["image": id, "answer": answer])
      case .gqa: .object(["questionId": id, "prediction": answer])
      case .aokvqa: .object(["direct_answer": answer])
      default: .object(["question_id": id, "answer": answer])
      }
    let key: String
    if case .string(let text) = id.content { key = text } else { key = id.compactText }
    items.append(JSONMember(key, item))
  }

  /// The answers of an evaluation's A. A question without an id is named by the number of its line.
  public mutating func add(_ result: EvaluationResult) {
    for evaluated in result.evaluated {
      let item = result.items[evaluated.index]
      add(item.givenID ?? Int(item.id).map { .integer($0) } ?? .string(item.id), answer: evaluated.a.answer)
    }
  }

  /// One item a line.
  public var text: String {
    let isObject = form == .aokvqa
    let lines = items.map { item in
      (isObject ? JSONValue.string(item.key).compactText + ": " : "") + item.value.compactText
    }
    return (isObject ? "{" : "[") + "\n" + lines.joined(separator: ",\n") + (lines.isEmpty ? "" : "\n")
      + (isObject ? "}" : "]") + "\n"
  }

  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(to output: OutputFile) throws(Failure) {
    let bytes = Array(text.utf8)
    try output.write(bytes.rawSpan, at: 0)
    try output.flush()
    try output.commit()
  }
}
