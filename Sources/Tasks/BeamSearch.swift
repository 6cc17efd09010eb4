import Arrays
import Kernels
import Nets

extension AnswerDecoder {
  /// An answer that is not finished.
  private struct Beam {
    var answer: DecodedAnswer
    /// Log-probability; far below any where the beam is only there because there are too few others.
    var score: Float
    let cache: TextCache
  }

  /// One way to go on with a beam.
  private struct Candidate {
    let beam: Int
    let token: Int
    let score: Float
  }

  /// Beam search as transformers' `generate` does it with its default length penalty 1 and early stopping off
  /// (generation/utils.py, `_beam_search`): finished answers are compared by log-probability per token, and the search
  /// ends when the best unfinished one is worse than the worst of as many finished ones as there are beams.
  func beamSearch(_ context: CrossContext, firstScores: (Matrix) -> Void) throws(Failure) -> DecodedAnswer {
    var beams = [Beam(answer: DecodedAnswer(), score: 0, cache: net.trunk.cache(capacity: capacity))]
    var finished: [(answer: DecodedAnswer, score: Float)] = []
    var isImprovable = true
    for made in 0..<rules.maximumTokens {
      var sequences = beams.map { beam in
        TextSequence(beam.answer.tokens.last.map { [$0] } ?? rules.beginning, context: context, cache: beam.cache)
      }
      let scores = try step(&sequences)
      if made == 0 { firstScores(scores.rows(0..<1)) }
      guard (0..<scores.rows).allSatisfy({ logSumExp(scores, row: $0).isFinite }) else { throw notFinite }
      let candidates = candidates(scores, beams, made: made)
      func ends(_ candidate: Candidate) -> Bool {
        candidate.token == rules.endToken || made + 1 == rules.maximumTokens
      }
      func extended(_ candidate: Candidate) -> DecodedAnswer {
        DecodedAnswer(
          tokens: beams[candidate.beam].answer.tokens + [candidate.token], logProbability: Double(candidate.score))
      }
      if isImprovable {
        // Only the best as many as there are beams may finish; the others are there to go on with.
        for candidate in candidates.prefix(rules.beams) where ends(candidate) {
          finished.append((extended(candidate), candidate.score / Float(made + 1)))
        }
        finished = Array(stablySorted(finished, by: \.score).prefix(rules.beams))
      }
      if candidates.allSatisfy(ends) { break }
      let next = stablySorted(candidates.map { ($0, $0.score + (ends($0) ? -1e9 : 0)) }, by: \.1).prefix(rules.beams)
      var used: Set<Int> = []
      beams = next.map { candidate, score in
        // The first beam that goes on from another takes its cache, further ones copies of it.
        let cache = sequences[candidate.beam].cache ?? beams[candidate.beam].cache
        return Beam(
          answer: extended(candidate), score: score,
          cache: used.insert(candidate.beam).inserted ? cache : cache.forked())
      }
      let worst = finished.count == rules.beams ? finished.map(\.score).min() ?? -1e9 : -1e9
      isImprovable = isImprovable && beams[0].score / Float(made + 1) > worst
      if !isImprovable { break }
    }
    return finished.first?.answer ?? beams[0].answer
  }

  /// The best continuations of all beams, twice as many as there are beams: one of each beam may be an end.
  private func candidates(_ scores: Matrix, _ beams: [Beam], made: Int) -> [Candidate] {
    var best: [Candidate] = []
    let count = 2 * rules.beams
    for (row, beam) in beams.enumerated() {
      let total = Float(logSumExp(scores, row: row))
      var values = scores.rows(row..<row + 1).elements.map { $0 - total }
      rules.penalize(&values, beam.answer.tokens)
      for (token, value) in values.enumerated() {
        if token == rules.endToken, made < rules.minimumTokens { continue }
        let sum = value + beam.score
        if best.count == count, sum <= best[count - 1].score { continue }
        // Among equals the earlier stays in front.
        let place = best.firstIndex { $0.score < sum } ?? best.count
        best.insert(Candidate(beam: row, token: token, score: sum), at: place)
        if best.count > count { best.removeLast() }
      }
    }
    return best
  }

  /// Largest first; equals in their order.
  private func stablySorted<Element>(_ elements: [Element], by key: (Element) -> Float) -> [Element] {
    elements.enumerated().sorted { left, right in
      let (a, b) = (key(left.element), key(right.element))
      return a > b || a == b && left.offset < right.offset
    }.map(\.element)
  }
}
