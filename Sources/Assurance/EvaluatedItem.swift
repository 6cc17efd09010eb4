import Arrays

/// An item as it was done by the nets under evaluation and by those they are compared with.
public struct EvaluatedItem: Sendable, Equatable {
  public struct Side: Sendable, Equatable {
    /// A question's answer, or the likeliest class.
    public let answer: String
    /// As `TaskOutput` has them.
    public let tokens: [Int]
    /// 0...1; nil where it isn't known what is right.
    public let accuracy: Double?
    /// By the task's further measures; empty without an accuracy.
    public let further: [Double]

    init(answer: String, tokens: [Int], accuracy: TaskAccuracy?) {
      (self.answer, self.tokens) = (answer, tokens)
      (self.accuracy, further) = (accuracy?.value, accuracy?.further ?? [])
    }
  }

  /// Of the two distributions of the first token, or of the classes.
  public struct FirstToken: Sendable, Equatable {
    /// Kullback-Leibler divergence of A's from B's, in nats.
    public let divergence: Double
    /// Whether the likeliest is the same.
    public let isSame: Bool
  }

  /// Which of the items it is.
  public let index: Int
  public let a: Side
  /// nil when nothing is compared, as `firstToken`.
  public let b: Side?
  public let firstToken: FirstToken?

  /// Whether the two answers differ.
  public var isFlipped: Bool { b.map { $0.answer != a.answer } ?? false }
}

extension EvaluatedItem {
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

extension EvaluatedItem.Side {
  fileprivate var json: JSONValue {
    .object([
      "answer": .string(answer), "tokens": .integers(tokens), "accuracy": accuracy.map { .number($0) },
      "further": further.isEmpty ? nil : .array(further.map { .number($0) }),
    ])
  }

  fileprivate init(json: JSONValue) throws(Failure) {
    answer = try json.member("answer").string()
    var tokens: [Int] = []
    for token in try json.member("tokens").array() { tokens.append(try token.size()) }
    self.tokens = tokens
    accuracy = try json["accuracy"]?.number()
    var further: [Double] = []
    for value in try json["further"]?.array() ?? [] { further.append(try value.number()) }
    self.further = further
  }
}

extension EvaluationItem {
  /// Indices of items, those about one image together, in the order of the images' first ones.
  /// - Parameter some: which of them; nil: all.
  static func byImage(
    _ items: [EvaluationItem], _ some: [Int]? = nil
  ) -> [(path: String, indices: [Int])] {
    var groups: [(path: String, indices: [Int])] = []
    var places: [String: Int] = [:]
    for index in some ?? Array(items.indices) {
      let path = items[index].image
      if let place = places[path] {
        groups[place].indices.append(index)
      } else {
        places[path] = groups.count
        groups.append((path, [index]))
      }
    }
    return groups
  }

  /// As `byImage`, of some images that are spread over all of them, and the first items about each: about as many as
  /// are wanted in all.
  static func spreadByImage(
    _ items: [EvaluationItem], mostImages: Int, mostItems: Int
  ) -> [(path: String, indices: [Int])] {
    let groups = byImage(items)
    let images = min(groups.count, mostImages)
    let each = max(1, mostItems / max(1, images))
    return (0..<images).map { number in
      let group = groups[number * groups.count / images]
      return (group.path, Array(group.indices.prefix(each)))
    }
  }
}
