import Arrays
import Families
import Kernels
import NetFile
import Tasks

/// How good an embedder's vectors are, and how far they are from another net's.
public struct EmbeddingEvaluation: Sendable {
  /// What it is measured on.
  public enum Texts: Sendable {
    case pairs(TextPairs)
    /// Without scores.
    case alone([String])
  }

  /// How near one net's vectors are to another's of the same texts.
  public struct Comparison: Sendable {
    /// Of a vector to the other net's of the same text.
    public let meanCosine: Double
    public let leastCosine: Double
    /// The text with the least.
    public let leastText: String
    /// How many of a text's nearest, among all texts, are the same: of `neighbours` each.
    public let neighboursKept: Double
    public let neighbours: Int
    /// Of the similarities of all pairs of texts; of many texts, of pairs drawn at random.
    public let similarities: RankCorrelation
  }

  public struct Result: Sendable {
    public let a: NetFile
    public let b: NetFile?
    /// Different ones.
    public let texts: Int
    /// Pairs with scores; nil: there are none.
    public let pairs: Int?
    /// Of the similarities with the scores, by net.
    public let correlation: RankCorrelation?
    public let correlationB: RankCorrelation?
    /// A's less B's, and its 95 % confidence interval.
    public let difference: (value: Double, interval: ClosedRange<Double>)?
    public let comparison: Comparison?
  }

  private let a: TextEmbedding
  private let b: TextEmbedding?
  private let texts: Texts

  /// - Throws: `Failure` of kind `usage` when there is nothing to measure, `badData` when the nets' texts or similarities
  ///   mean different things.
  public init(_ a: TextEmbedding, against b: TextEmbedding?, on texts: Texts) throws(Failure) {
    if case .alone(let lines) = texts {
      guard b != nil else {
        throw Failure(
          .usage, "texts without scores can only be compared with another net's",
          hint: "give --against Precision=float32, or --pairs FILE with scores")
      }
      guard !lines.isEmpty else { throw Failure(.badData, "there are no texts") }
    }
    if let b, a.rules.similarity != b.rules.similarity || a.size != b.size {
      throw Failure(
        .badData, file: a.file.path,
        "makes other vectors than \(b.file.path): their similarities mean different things",
        hint: "compare nets of one checkpoint, or evaluate each alone")
    }
    (self.a, self.b, self.texts) = (a, b, texts)
  }

  /// Nearest texts that are compared.
  private static let neighbours = 10
  /// Pairs of texts whose similarities are compared where there are more.
  private static let mostPairs = 200_000
  /// Drawn with replacement, for the interval of a difference.
  private static let resamples = 1000

  /// Different texts, and the places of each pair's two among them.
  private var distinct: (texts: [String], pairs: [(Int, Int, Double)]) {
    var (out, places): ([String], [[UInt8]: Int]) = ([], [:])
    func place(_ text: String) -> Int {
      // By bytes: texts that are equal to a String have other tokens.
      let key = Array(text.utf8)
      if let known = places[key] { return known }
      places[key] = out.count
      out.append(text)
      return out.count - 1
    }
    switch texts {
    case .alone(let lines):
      for line in lines { _ = place(line) }
      return (out, [])
    case .pairs(let given):
      var pairs: [(Int, Int, Double)] = []
      for pair in given.pairs { pairs.append((place(pair.first), place(pair.second), pair.score)) }
      return (out, pairs)
    }
  }

  /// How many texts are embedded, by both nets.
  public var total: Int { distinct.texts.count * (b == nil ? 1 : 2) }

  /// - Parameter progress: is told how many more texts are embedded.
  /// - Throws: `Failure` as `TextEmbedding.vectors` does.
  public func run(progress: (Int) -> Void = { _ in }) throws(Failure) -> Result {
    let (texts, pairs) = distinct
    let vectors = try a.vectors(of: texts, prompt: a.rules.prompt(nil), progress: progress)
    var others: [[Float]]?
    if let b { others = try b.vectors(of: texts, prompt: b.rules.prompt(nil), progress: progress) }
    let scores = pairs.map(\.2)
    let ours = pairs.map { a.rules.similarity.value(vectors[$0.0], vectors[$0.1]) }
    let theirs = others.map { others in pairs.map { a.rules.similarity.value(others[$0.0], others[$0.1]) } }
    var comparison: Comparison?
    if let others { comparison = try compare(texts, vectors, others) }
    return Result(
      a: a.file, b: b?.file, texts: texts.count, pairs: pairs.isEmpty ? nil : pairs.count,
      correlation: pairs.isEmpty ? nil : RankCorrelation(ours, scores),
      correlationB: pairs.isEmpty ? nil : theirs.map { RankCorrelation($0, scores) },
      difference: pairs.isEmpty ? nil : theirs.flatMap { difference(ours, $0, scores) }, comparison: comparison)
  }

  /// By bootstrap: the middle 95 % of what pairs drawn with replacement give. The draws are the same each time.
  private func difference(
    _ a: [Double], _ b: [Double], _ scores: [Double]
  ) -> (value: Double, interval: ClosedRange<Double>)? {
    guard let ours = RankCorrelation(a, scores).value, let theirs = RankCorrelation(b, scores).value, a.count > 3 else {
      return nil
    }
    var random = SplitMix(state: 1)
    var found: [Double] = []
    for _ in 0..<Self.resamples {
      let drawn = a.indices.map { _ in random.next(below: a.count) }
      let some = drawn.map { scores[$0] }
      guard let one = RankCorrelation(drawn.map { a[$0] }, some).value,
        let other = RankCorrelation(drawn.map { b[$0] }, some).value
      else { continue }
      found.append(one - other)
    }
    guard found.count > Self.resamples / 2 else { return nil }
    found.sort()
    let tail = found.count / 40
    return (ours - theirs, found[tail]...found[found.count - 1 - tail])
  }

  private func compare(
    _ texts: [String], _ vectors: [[Float]], _ others: [[Float]]
  ) throws(Failure) -> Comparison {
    let cosines = zip(vectors, others).map { TextVectorRules.Similarity.cosine.value($0, $1) }
    let least = cosines.indices.min { cosines[$0] < cosines[$1] } ?? 0
    let (near, wanted) = (
      try NearestVectors(vectors, byDistance: 0, byCosine: Self.neighbours, a.engine),
      try NearestVectors(others, byDistance: 0, byCosine: Self.neighbours, a.engine)
    )
    var kept = 0
    for text in texts.indices {
      let range = text * near.cosineCount..<(text + 1) * near.cosineCount
      kept += Set(near.byCosine[range].map(\.index)).intersection(wanted.byCosine[range].map(\.index)).count
    }
    var (one, other): ([Double], [Double]) = ([], [])
    for (first, second) in somePairs(texts.count) {
      one.append(a.rules.similarity.value(vectors[first], vectors[second]))
      other.append(a.rules.similarity.value(others[first], others[second]))
    }
    return Comparison(
      meanCosine: cosines.reduce(0, +) / Double(max(1, cosines.count)), leastCosine: cosines[least],
      leastText: texts[least],
      neighboursKept: near.cosineCount == 0 ? 1 : Double(kept) / Double(texts.count * near.cosineCount),
      neighbours: near.cosineCount, similarities: RankCorrelation(one, other))
  }

  /// All pairs of so many texts, or some of them, the same each time.
  private func somePairs(_ count: Int) -> [(Int, Int)] {
    guard count > 1 else { return [] }
    if count * (count - 1) / 2 <= Self.mostPairs {
      return (0..<count).flatMap { first in (first + 1..<count).map { (first, $0) } }
    }
    var random = SplitMix(state: 2)
    return (0..<Self.mostPairs).map { _ in
      let first = random.next(below: count)
      let second = random.next(below: count - 1)
      return (first, second < first ? second : second + 1)
    }
  }
}

/// Numbers that are the same on every machine: SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number
/// generators, 2014).
private struct SplitMix {
  var state: UInt64

  mutating func next(below count: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    mixed ^= mixed >> 31
    return Int(mixed.multipliedFullWidth(by: UInt64(count)).high)
  }
}
