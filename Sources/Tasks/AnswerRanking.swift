import Arrays
import Glibc
import Kernels
import Nets

/// A closed list of answers that is to be ranked.
public struct AnswerList: Sendable {
  /// Answers that are looked at whole in the original evaluation (its `k_test`).
  public static let usuallyKept = 128

  /// As they were given.
  public let answers: [String]
  /// How many are looked at whole: those whose first tokens are likeliest.
  public let kept: Int
  /// What was left out of its file.
  public private(set) var note: String?

  /// - Throws: `Failure` of kind `badData` when there is none.
  public init(_ answers: [String], kept: Int = usuallyKept) throws(Failure) {
    self.kept = max(1, kept)
    guard !answers.isEmpty else {
      throw Failure(.badData, "holds no answers", hint: "an answer list has one answer per line")
    }
    guard answers.count <= Limit.answers.value else {
      throw Limit.answers.failure("holds more than \(Limit.answers.value) answers", needed: answers.count)
    }
    self.answers = answers
  }

  /// A file with one answer per line, where empty lines don't count; or one of the forms that `AnswerListFile` tells.
  /// - Throws: `Failure` of kind `noInput`, `badData` or `io`.
  public init(file: String) throws(Failure) {
    let bytes = try contents(of: file, limit: .answersBytes)
    do throws(Failure) {
      let read = try AnswerListFile(bytes)
      try self.init(read.answers)
      note = read.note
    } catch {
      throw error.inFile(file)
    }
  }
}

/// An answer of a list with the loss by which it was ranked.
public struct RankedAnswer: Sendable {
  /// Index into the list.
  public let index: Int
  /// Sum over its tokens of the cross-entropy with label smoothing; the smaller the better.
  public let loss: Double
}

/// Ranks closed lists as the original evaluation does (salesforce/BLIP, models/blip_vqa.py, `rank_answer`): the answers
/// whose first token is likeliest are kept, and of these the sums of their tokens' label-smoothed cross-entropies compared.
struct AnswerRanker: Sendable {
  static let labelSmoothing = 0.1
  /// Answers that are run together: each token has a row of scores for the whole vocabulary.
  private static let batch = 32

  let decoder: AnswerDecoder
  /// Per answer of the list: its tokens and the end token.
  let tokens: [[Int]]
  /// Answers that are looked at whole.
  let kept: Int

  struct Result {
    /// Best first.
    let ranked: [RankedAnswer]
    /// Of the best answer's tokens.
    let best: DecodedAnswer
  }

  func rank(_ context: CrossContext, firstScores: (Matrix) -> Void) throws(Failure) -> Result {
    var start = [TextSequence([decoder.rules.startToken], context: context)]
    let scores = try decoder.step(&start)
    firstScores(scores)
    guard logSumExp(scores, row: 0).isFinite else { throw notFinite }
    let first = scores.elements
    // topk of the first tokens' probabilities, which are in the order of their scores.
    let best = tokens.indices.sorted { left, right in
      let (a, b) = (first[tokens[left][0]], first[tokens[right][0]])
      return a > b || a == b && left < right
    }.prefix(kept)
    var ranked: [(answer: RankedAnswer, logProbability: Double)] = []
    for batch in stride(from: 0, to: best.count, by: Self.batch).map({ best[$0..<min($0 + Self.batch, best.count)] }) {
      var sequences = batch.map { index in
        TextSequence([decoder.rules.startToken] + tokens[index].dropLast(), context: context)
      }
      let scores = try decoder.net.scores(
        decoder.net.trunk(&sequences, isCausal: true, decoder.engine), decoder.engine)
      var row = 0
      for index in batch {
        var (loss, logProbability) = (0.0, 0.0)
        for token in tokens[index] {
          let (chosen, smoothed) = Self.losses(scores, row: row, token: token)
          logProbability -= chosen
          loss += (1 - Self.labelSmoothing) * chosen + Self.labelSmoothing * smoothed
          row += 1
        }
        ranked.append((RankedAnswer(index: index, loss: loss), logProbability))
      }
    }
    // Equal ones stay in the order of their first tokens' probabilities.
    let sorted = ranked.enumerated().sorted { left, right in
      let (a, b) = (left.element.answer.loss, right.element.answer.loss)
      return a < b || a == b && left.offset < right.offset
    }.map(\.element)
    return Result(
      ranked: sorted.map(\.answer),
      best: DecodedAnswer(tokens: tokens[sorted[0].answer.index], logProbability: sorted[0].logProbability))
  }

  /// Cross-entropy of a token, and its mean over all tokens, by a row of scores.
  private static func losses(_ scores: Matrix, row: Int, token: Int) -> (chosen: Double, mean: Double) {
    let total = logSumExp(scores, row: row)
    let mean = scores.rows(row..<row + 1).elements.reduce(0.0) { $0 + Double($1) } / Double(scores.columns)
    return (total - Double(scores[row, token]), total - mean)
  }
}
