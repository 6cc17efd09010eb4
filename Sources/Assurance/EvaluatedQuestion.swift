import Arrays

/// A question as it was answered by the nets under evaluation and by those they are compared with.
public struct EvaluatedQuestion: Sendable, Equatable {
  public struct Side: Sendable, Equatable {
    public let answer: String
    /// Ids of the answer after the start token.
    public let tokens: [Int]
    /// 0...1; nil where the right answers are not known.
    public let accuracy: Double?
  }

  /// Of the two distributions of the answer's first token.
  public struct FirstToken: Sendable, Equatable {
    /// Kullback-Leibler divergence of A's from B's, in nats.
    public let divergence: Double
    /// Whether the likeliest token is the same.
    public let isSame: Bool
  }

  /// Which of the questions it is.
  public let index: Int
  public let a: Side
  /// nil when nothing is compared, as `firstToken`.
  public let b: Side?
  public let firstToken: FirstToken?

  /// Whether the two answers differ.
  public var isFlipped: Bool { b.map { $0.answer != a.answer } ?? false }
}

extension EvaluatedQuestion {
  /// A journal's line.
  package var json: JSONValue {
    .object([
      "question": .integer(index), "a": a.json, "b": b?.json,
      "divergence": (firstToken?.divergence).map { .number($0) },
      "sameFirstToken": (firstToken?.isSame).map { .boolean($0) },
    ])
  }

  package init(json: JSONValue) throws(Failure) {
    index = try json.member("question").size()
    a = try Side(json: json.member("a"))
    b = if let side = json["b"] { try Side(json: side) } else { nil }
    firstToken =
      if let divergence = json["divergence"] {
        FirstToken(divergence: try divergence.number(), isSame: try json.member("sameFirstToken").boolean())
      } else { nil }
  }
}

extension EvaluatedQuestion.Side {
  fileprivate var json: JSONValue {
    .object([
      "answer": .string(answer), "tokens": .integers(tokens), "accuracy": accuracy.map { .number($0) },
    ])
  }

  fileprivate init(json: JSONValue) throws(Failure) {
    answer = try json.member("answer").string()
    var tokens: [Int] = []
    for token in try json.member("tokens").array() { tokens.append(try token.size()) }
    self.tokens = tokens
    accuracy = try json["accuracy"]?.number()
  }
}

extension EvaluationQuestion {
  /// Indices of questions, those about one image together, in the order of the images' first ones.
  /// - Parameter some: which of the questions; nil: all.
  static func byImage(
    _ questions: [EvaluationQuestion], _ some: [Int]? = nil
  ) -> [(path: String, indices: [Int])] {
    var groups: [(path: String, indices: [Int])] = []
    var places: [String: Int] = [:]
    for index in some ?? Array(questions.indices) {
      let path = questions[index].image
      if let place = places[path] {
        groups[place].indices.append(index)
      } else {
        places[path] = groups.count
        groups.append((path, [index]))
      }
    }
    return groups
  }

  /// As `byImage`, of some images that are spread over all of them, and the first questions about each: about as many as
  /// are wanted in all.
  static func spreadByImage(
    _ questions: [EvaluationQuestion], mostImages: Int, mostQuestions: Int
  ) -> [(path: String, indices: [Int])] {
    let groups = byImage(questions)
    let images = min(groups.count, mostImages)
    let each = max(1, mostQuestions / max(1, images))
    return (0..<images).map { number in
      let group = groups[number * groups.count / images]
      return (group.path, Array(group.indices.prefix(each)))
    }
  }
}
