import Arrays

/// A question about an image, or an image alone, to evaluate on, and what is right if that is known.
public struct EvaluationItem: Sendable, Equatable {
  /// What the file says, as text, or the number of the line it is in.
  public var id: String
  /// The id as the file has it, a number or a text: results name the question by it. nil where the file has none.
  public var givenID: JSONValue?
  /// The image's path.
  public var image: String
  /// Empty where an image alone is the item.
  public var question: String
  /// Annotators' answers, or the one right answer, or the name of the right class, or none.
  public var answers: [String]
  /// `what color is the`.
  public var questionType: String?
  /// `yes/no`, `number` or `other`.
  public var answerType: String?
  /// How answers are counted; nil: VQA's metric where there are several answers, else whether the answer is the right one.
  public var metric: AnswerMetric?
  /// Whether the data set's publisher counts it: of GQA, unbalanced questions are not, of A-OKVQA not those marked as
  /// difficult to answer directly.
  public var isCounted = true
  /// Of a classifier: the right class.
  public var classIndex: Int?
  /// Why the item can't be used: its image isn't there.
  public var imageProblem: Failure?

  public init(
    id: String, givenID: JSONValue? = nil, image: String, question: String, answers: [String] = [],
    questionType: String? = nil, answerType: String? = nil, metric: AnswerMetric? = nil
  ) {
    self.id = id
    self.givenID = givenID
    self.image = image
    self.question = question
    self.answers = answers
    self.questionType = questionType
    self.answerType = answerType
    self.metric = metric
  }

  /// The accuracy of an answer, 0...1, by the question's metric; nil where no right answer is known, or the question isn't
  /// counted.
  public func accuracy(of answer: String) -> Double? {
    guard isCounted, !answers.isEmpty else { return nil }
    return (metric ?? (answers.count == 1 ? .single : .vqa)).accuracy(answer, answers)
  }
}

extension JSONValue {
  /// A question's id: a number or a text, which is not empty.
  func questionID() throws(Failure) -> (text: String, value: JSONValue) {
    switch content {
    case .integer(let number): return (String(number), .integer(number))
    // What pandas makes of whole numbers where one is missing.
    case .number(let number) where Int(exactly: number) != nil:
      let whole = Int(exactly: number) ?? 0
      return (String(whole), .integer(whole))
    case .string(let text) where !text.isEmpty: return (text, .string(text))
    case .string: throw failure("is empty")
    default: throw failure("a whole number or a string is needed, not \(kind)")
    }
  }
}
