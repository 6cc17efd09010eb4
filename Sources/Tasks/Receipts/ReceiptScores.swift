import Arrays
import Kernels
import Media

/// Collects, for a receipt, the SHA-256 of the numbers that a result was made of. They are little-endian, one after the
/// other: scores and vectors as float32, indices as int32, probabilities' logarithms as float64.
struct ReceiptScores: ~Copyable {
  private var hash = SHA256()

  mutating func add(_ floats: [Float]) {
    let bytes = Floats.bytes(floats)
    hash.update(bytes.rawSpan)
  }

  mutating func add(_ integers: [Int]) {
    let bytes = integers.flatMap { Int32(truncatingIfNeeded: $0).littleEndianBytes }
    hash.update(bytes.rawSpan)
  }

  mutating func add(_ number: Double) {
    let bytes = number.bitPattern.littleEndianBytes
    hash.update(bytes.rawSpan)
  }

  consuming func finish() -> Digest { hash.finish() }

  /// Of an answer: the scores of the first step's words, the tokens, and the sum of their logarithms, in which every step's
  /// scores are; of a closed list the answers' indices and losses instead of tokens.
  static func digest(of answer: Answer, first: Matrix?) -> Digest {
    var scores = ReceiptScores()
    scores.add(first?.elements ?? [])
    if let ranking = answer.ranking {
      for ranked in ranking {
        scores.add([ranked.index])
        scores.add(Double(ranked.loss))
      }
    } else {
      scores.add(answer.tokens)
      scores.add(answer.logProbability)
    }
    return scores.finish()
  }

  /// As of an answer.
  static func digest(of caption: Caption, first: Matrix?) -> Digest {
    var scores = ReceiptScores()
    scores.add(first?.elements ?? [])
    scores.add(caption.tokens)
    scores.add(caption.logProbability)
    return scores.finish()
  }

  /// Both scores of the matching head, and the cosine.
  static func digest(of match: ImageTextMatch) -> Digest {
    var scores = ReceiptScores()
    scores.add(match.logits)
    scores.add(match.cosine)
    return scores.finish()
  }

  /// Of every class, the likeliest first, its index and value.
  static func digest(of classes: [ImageClassification.Class]) -> Digest {
    var scores = ReceiptScores()
    for found in classes {
      scores.add([found.index])
      scores.add(found.value)
    }
    return scores.finish()
  }

  static func digest(of vector: [Float]) -> Digest {
    var scores = ReceiptScores()
    scores.add(vector)
    return scores.finish()
  }
}

/// The scores of the first step of each answer.
final class FirstScores: AnswerObserver {
  private(set) var scores: [Int: Matrix] = [:]

  var wantsAttention: Bool { false }

  func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix]) {}

  // A copy: decoding goes on with the matrix.
  func firstScores(_ index: Int, _ scores: Matrix) { self.scores[index] = scores.copied }
}

/// Items of a receipt as results come.
public final class ReceiptRecord {
  public private(set) var items: [Receipt.Item] = []
  /// SHA-256 of the last image's bytes.
  private var last: (path: String, digest: Digest)?

  public init() {}

  /// - Throws: `Failure` of kind `usage` for standard input, which nobody could read again; as reading a file does.
  private func image(_ path: String?) throws(Failure) -> (name: String?, digest: Digest?) {
    guard let path else { return (nil, nil) }
    guard path != "-" else {
      throw Failure(.usage, "a receipt can't be of standard input, which nobody can read again", hint: "name a file")
    }
    if let last, last.path == path { return (path, last.digest) }
    let digest = try PictureSource(path).digest()
    last = (path, digest)
    return (path, digest)
  }

  private func add(_ path: String?, _ text: String?, _ result: String, _ scores: Digest) throws(Failure) {
    let image = try image(path)
    items.append(
      Receipt.Item(image: image.name, imageDigest: image.digest, text: text, result: result, scores: scores))
  }

  func add(_ path: String, _ answer: Answer, first: Matrix?) throws(Failure) {
    try add(path, answer.question, answer.text, ReceiptScores.digest(of: answer, first: first))
  }

  /// - Parameter prompt: as it was given; nil: it wasn't.
  func add(_ path: String, _ caption: Caption, prompt: String?, first: Matrix?) throws(Failure) {
    try add(path, prompt, caption.text, ReceiptScores.digest(of: caption, first: first))
  }

  func add(_ path: String, _ match: ImageTextMatch) throws(Failure) {
    try add(path, match.text, "\(match.probability)", ReceiptScores.digest(of: match))
  }

  /// Of a picture's classes.
  public func add(_ path: String, _ classes: [ImageClassification.Class]) throws(Failure) {
    try add(path, nil, classes.first?.label ?? "", ReceiptScores.digest(of: classes))
  }

  /// Of a vector.
  public func add(_ item: VectorItem, vector: [Float]) throws(Failure) {
    let digest = ReceiptScores.digest(of: vector)
    switch item {
    case .image(let path): try add(path, nil, "\(vector.count) elements", digest)
    case .text(let text): try add(nil, text, "\(vector.count) elements", digest)
    }
  }
}
