import Arrays

/// `v2_mscoco_val2014_annotations.json`: `{"annotations": [{"question_id", "image_id", "question_type", "answer_type",
/// "multiple_choice_answer", "answers": [{"answer", "answer_confidence", "answer_id"}]}], …}`. OK-VQA's are the same.
public struct VQAAnnotations: Sendable {
  /// Most members beside the list in a file of these or of questions.
  package static var mostOtherMembers: Int { LargeJSON.mostOtherMembers }

  public struct Annotation: Sendable, Equatable {
    public let question: Int
    public let image: ImageReference
    public let questionType: String?
    public let answerType: String?
    /// The answer that most gave.
    public let commonAnswer: String?
    /// Ten in the data sets, fewer in files that are like theirs.
    public let answers: [String]
  }

  public let path: String
  public let annotations: [Annotation]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such or a question has no answers.
  public static func read(_ path: String) throws(Failure) -> VQAAnnotations {
    var seen: Set<Int> = []
    var annotations: [Annotation] = []
    _ = try LargeJSON(path).forEach("annotations") { item throws(Failure) in
      let id = try item.member("question_id")
      let question = try id.size()
      let answers = try item.member("answers")
      let annotation = Annotation(
        question: question, image: try ImageReference(item.member("image_id")),
        questionType: try item["question_type"]?.string(), answerType: try item["answer_type"]?.string(),
        commonAnswer: try item["multiple_choice_answer"]?.string(), answers: try Self.texts(answers))
      guard !annotation.answers.isEmpty else { throw answers.failure("question \(question) has no answers") }
      guard seen.insert(question).inserted else { throw id.failure("question \(question) is there twice") }
      annotations.append(annotation)
    }
    return VQAAnnotations(path: path, annotations: annotations)
  }

  /// The answers of annotators, who are told apart by their ids: the metric compares each with the others.
  private static func texts(_ answers: JSONValue) throws(Failure) -> [String] {
    var ids: Set<Int> = []
    var out: [String] = []
    for answer in try answers.array() {
      out.append(try answer.member("answer").string())
      _ = try answer["answer_confidence"]?.string()
      guard let id = answer["answer_id"] else { continue }
      guard ids.insert(try id.integer()).inserted else { throw id.failure("an answer_id is there twice") }
    }
    return out
  }
}
