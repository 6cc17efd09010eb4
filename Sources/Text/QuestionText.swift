import Arrays

/// What becomes of a question before a net's text encoder gets it, as the net's profile says.
public struct QuestionRules: Sendable {
  public enum CleanUp: String, Sendable {
    case none
    /// As the original repository's data sets do it.
    case blipOriginal = "blip-original"
    /// The same of captions that images are matched with.
    case blipCaption = "blip-original-caption"
  }

  public let firstToken: String
  public let cleanUp: CleanUp
  /// nil: any number.
  public let maximumWords: Int?
  public let maximumTokens: Int?

  package init(firstToken: String, cleanUp: CleanUp, maximumWords: Int?, maximumTokens: Int?) {
    self.firstToken = firstToken
    self.cleanUp = cleanUp
    self.maximumWords = maximumWords
    self.maximumTokens = maximumTokens
  }
}

/// Makes a question's token ids by the rules of a net.
package struct QuestionText: Sendable {
  private let tokenizer: WordPiece
  private let rules: QuestionRules
  private let firstToken: Int
  /// What errors call it: `question`.
  private let thing: String
  /// Most tokens that the net takes.
  private let mostTokens: Int

  /// - Throws: `Failure` of kind `badData` when the vocabulary lacks the rules' first token.
  package init(
    _ tokenizer: WordPiece, _ rules: QuestionRules, mostTokens: Int, thing: String = "question"
  ) throws(Failure) {
    guard let firstToken = tokenizer.id(rules.firstToken) else {
      throw Failure(.badData, place: "tokenizer", "has no token \(rules.firstToken), with which \(thing)s begin")
    }
    self.thing = thing
    self.tokenizer = tokenizer
    self.rules = rules
    self.firstToken = firstToken
    self.mostTokens = min(mostTokens, rules.maximumTokens ?? .max)
  }

  /// The ids of a question, first and last token included. The original repository's clean-up cuts long questions, as
  /// its nets were trained; otherwise a question that is too long is refused.
  /// - Throws: `Failure` of kind `usage` when the question is empty or too long.
  package func tokens(_ question: String) throws(Failure) -> [Int] {
    guard question.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
      throw Failure(
        .usage, "the \(thing) is empty",
        hint: thing == "question"
          ? "ask something, for example \"what color is the car?\"" : "say something, for example \"a red car\"")
    }
    let isCut = rules.cleanUp != .none
    var ids = tokenizer.question(cleaned(question), maximumTokens: isCut ? mostTokens : nil)
    guard ids.count <= mostTokens else {
      throw Failure(
        .usage, "the \(thing) has \(ids.count) tokens; the net takes \(mostTokens)", hint: "shorten the \(thing)")
    }
    ids[0] = firstToken
    return ids
  }

  /// salesforce/BLIP, data/utils.py, pre_question: lower case, without . ! " ( ) * # : ; ~, the first 50 words; and
  /// pre_caption: the same with spaces in their places, and one space for several.
  private func cleaned(_ question: String) -> String {
    // By code points, as Python does: a space that carries a mark is one all the same.
    var scalars: String.UnicodeScalarView
    switch rules.cleanUp {
    case .none: return question
    case .blipOriginal: scalars = lowercase(question).filter { !Self.deleted.contains($0) }
    case .blipCaption: scalars = spaced(lowercase(question))
    }
    while scalars.last == " " { scalars.removeLast() }
    if let most = rules.maximumWords {
      let words = scalars.split(separator: " ", maxSplits: most, omittingEmptySubsequences: false)
      if words.count > most { scalars = .init(words.prefix(most).joined(separator: [" "])) }
    }
    return String(scalars)
  }

  /// Python's re.sub(r"([.!\"()*#:;~])", " ", …), re.sub(r"\s{2,}", " ", …), rstrip("\n") and strip(" ").
  private func spaced(_ scalars: String.UnicodeScalarView) -> String.UnicodeScalarView {
    var out = String.UnicodeScalarView()
    var run: [Unicode.Scalar] = []
    func close() {
      out.append(contentsOf: run.count > 1 ? [" "] : run)
      run = []
    }
    for scalar in scalars {
      let kept: Unicode.Scalar = Self.deleted.contains(scalar) ? " " : scalar
      if Self.isSpace(kept) {
        run.append(kept)
      } else {
        close()
        out.append(kept)
      }
    }
    close()
    while out.last == "\n" { out.removeLast() }
    while out.first == " " { out.removeFirst() }
    return out
  }

  /// What \s is in Python's patterns: white space, and the separators U+001C to U+001F.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1c...0x1f).contains(scalar.value)
  }

  /// Lower case as Python has it: a sigma that ends a word is ς.
  private func lowercase(_ text: String) -> String.UnicodeScalarView {
    let scalars = Array(text.unicodeScalars)
    var out = String.UnicodeScalarView()
    for (index, scalar) in scalars.enumerated() {
      guard scalar == "\u{3a3}" else {
        out.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        continue
      }
      let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
      let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
      let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
      out.append(isFinal ? "\u{3c2}" : "\u{3c3}")
    }
    return out
  }

  private static let deleted: Set<Unicode.Scalar> = [".", "!", "\"", "(", ")", "*", "#", ":", ";", "~"]
}
