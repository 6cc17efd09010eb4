import Arrays

/// `v2_OpenEnded_mscoco_val2014_questions.json`: `{"questions": [{"question_id", "image_id", "question"}], …}`.
public struct VQAQuestions: Sendable {
  public struct Question: Sendable, Equatable {
    public let id: Int
    public let image: ImageReference
    public let text: String
  }

  public let path: String
  /// Of COCO, which images' names hold: `val2014`.
  public let subset: String?
  public let questions: [Question]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when the file is none such.
  public static func read(_ path: String) throws(Failure) -> VQAQuestions { try read(DataFile(path)) }

  static func read(_ data: DataFile) throws(Failure) -> VQAQuestions {
    let file = LargeJSON(data)
    var seen: Set<Int> = []
    var questions: [Question] = []
    let members = try file.forEach("questions") { item throws(Failure) in
      let id = try item.member("question_id")
      let question = Question(
        id: try id.size(), image: try ImageReference(item.member("image_id")),
        text: try item.member("question").string())
      guard !question.text.allSatisfy(\.isWhitespace) else { throw try item.member("question").failure("is empty") }
      guard seen.insert(question.id).inserted else { throw id.failure("question \(question.id) is there twice") }
      questions.append(question)
    }
    let subset = members.first { $0.key == "data_subtype" }?.value
    let name = try file.locating { () throws(Failure) in try subset?.string() }
    if let subset, let name, !COCOImages.isName(name) {
      throw file.located(subset.failure("data_subtype \"\(shortened(name, to: 40))\" is no part of a file's name"))
    }
    return VQAQuestions(path: data.path, subset: name, questions: questions)
  }
}
