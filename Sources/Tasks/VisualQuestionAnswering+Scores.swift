import Arrays
import Kernels
import Nets

extension VisualQuestionAnswering {
  /// Scores of every next token while given answers are said (teacher forcing), whatever the nets would say themselves.
  /// - Parameters:
  ///   - answers: token ids, without the start token; at most as many as the decoder has positions.
  ///   - questions: token ids, of each answer.
  /// - Returns: per answer tokens × words; row i scores token i.
  /// - Throws: `Failure` of kind `badData` for a token that the nets don't have, `io` when memory is short.
  package func scores(
    ofAnswers answers: [[Int]], to questions: [[Int]], about image: SeenImage
  ) throws(Failure) -> [Matrix] {
    try scores(ofAnswers: answers, over: read(questions, about: image))
  }

  /// - Parameter contexts: what the decoder attends over, of each answer.
  package func scores(ofAnswers answers: [[Int]], over contexts: [CrossContext]) throws(Failure) -> [Matrix] {
    var sequences = zip(answers, contexts).map { answer, context in
      TextSequence([profile.answer.startToken] + answer.dropLast(), context: context)
    }
    let scores = try textDecoder.scores(textDecoder.trunk(&sequences, isCausal: true, engine), engine)
    var row = 0
    return sequences.map { sequence in
      defer { row += sequence.tokens.count }
      return scores.rows(row..<row + sequence.tokens.count)
    }
  }
}
