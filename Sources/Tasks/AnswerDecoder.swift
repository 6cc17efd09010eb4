import Arrays
import Glibc
import Kernels
import Nets

/// Tokens of an answer or a caption, without what it begins with.
struct DecodedAnswer: Sendable {
  var tokens: [Int] = []
  /// Sum over the tokens.
  var logProbability = 0.0
}

/// Makes answers and captions with the text decoder, token by token.
struct AnswerDecoder: Sendable {
  let net: BlipTextDecoder
  let engine: Engine
  let rules: DecodingRules
  /// Is told a question's tokens so far after each that isn't the end; where it says false, the answer ends there. Beams are
  /// told of nothing: which of them is the answer shows at the end.
  var telling: (@Sendable (_ question: Int, _ tokens: [Int]) -> Bool)?

  /// Answers to several questions, in their order; their sequences are run together.
  /// - Parameters:
  ///   - contexts: keys and values of the questions' vectors, or of the images to be captioned.
  ///   - firstScores: called per question with the scores of the first step, a row.
  func answers(
    _ contexts: [CrossContext], firstScores: ((_ question: Int, _ scores: Matrix) -> Void)? = nil
  ) throws(Failure) -> [DecodedAnswer] {
    if rules.beams == 1 { return try sampled(contexts, firstScores) }
    var out: [DecodedAnswer] = []
    for (index, context) in contexts.enumerated() {
      out.append(try beamSearch(context) { firstScores?(index, $0) })
    }
    return out
  }

  /// The scores of each sequence's next token, a row per sequence; their caches advance.
  func step(_ sequences: inout [TextSequence]) throws(Failure) -> Matrix {
    let vectors = try net.trunk(&sequences, isCausal: true, engine)
    let last = Matrix(rows: sequences.count, columns: vectors.columns)
    var end = 0
    for (index, sequence) in sequences.enumerated() {
      end += sequence.tokens.count
      last.rows(index..<index + 1).copy(vectors.rows(end - 1..<end))
    }
    return try net.scores(last, engine)
  }

  /// Tokens of a sequence that a cache must hold: those it begins with and all but the last one made.
  var capacity: Int { rules.beginning.count - 1 + rules.maximumTokens }

  /// Greedy decoding, or drawing where there is a temperature.
  private func sampled(
    _ contexts: [CrossContext], _ firstScores: ((Int, Matrix) -> Void)?
  ) throws(Failure) -> [DecodedAnswer] {
    var out = contexts.map { _ in DecodedAnswer() }
    var random = contexts.map { _ in RandomNumbers(seed: rules.seed) }
    // Those that haven't ended, by their questions' numbers.
    var open = Array(contexts.indices)
    var sequences = contexts.map {
      TextSequence(rules.beginning, context: $0, cache: net.trunk.cache(capacity: capacity))
    }
    for made in 0..<rules.maximumTokens {
      let scores = try step(&sequences)
      if made == 0, let firstScores { for row in open { firstScores(row, scores.rows(row..<row + 1)) } }
      var next: [(question: Int, sequence: TextSequence)] = []
      for (row, question) in open.enumerated() {
        let total = logSumExp(scores, row: row)
        guard total.isFinite else { throw notFinite }
        var values = scores.rows(row..<row + 1).elements
        rules.penalize(&values, out[question].tokens)
        if made < rules.minimumTokens { values[rules.endToken] = -.infinity }
        let token = choose(values, &random[question])
        out[question].tokens.append(token)
        out[question].logProbability += Double(scores[row, token]) - total
        guard token != rules.endToken, telling?(question, out[question].tokens) != false else { continue }
        next.append((question, TextSequence([token], context: contexts[question], cache: sequences[row].cache)))
      }
      open = next.map(\.question)
      sequences = next.map(\.sequence)
      if open.isEmpty { break }
    }
    return out
  }

  /// The next token by a row of scores.
  private func choose(_ scores: [Float], _ random: inout RandomNumbers) -> Int {
    var best = 0
    for (token, score) in scores.enumerated() where score > scores[best] { best = token }
    guard rules.temperature > 0 else { return best }
    let top = Double(scores[best])
    let weights = scores.map { Elementary.exp((Double($0) - top) / rules.temperature) }
    var rest = random.fraction() * weights.reduce(0, +)
    for (token, weight) in weights.enumerated() where weight > 0 {
      rest -= weight
      if rest < 0 { return token }
    }
    return best
  }
}
