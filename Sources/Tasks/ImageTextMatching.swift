import Arrays
import Glibc
import Kernels
import Media
import NetFile
import Nets
import Text

/// Says how well texts match pictures and videos, with the two nets of a BLIP image-text retrieval checkpoint.
///
/// An instance can be used from several threads; their work is done one piece after the other.
public final class ImageTextMatching: Sendable {
  public let nets: MatchNets
  let tokenizer: WordPiece
  package let engine: Engine
  package let imageEncoder: BlipImageMatcher
  package let textEncoder: BlipTextMatcher
  private let image: VQAProfile.Image
  private let text: QuestionText
  /// In place of a text's first token where it is read with an image.
  private let matchToken: Int
  /// Texts that are run together.
  private static let batch = 16

  /// Opens the nets; their weights are mapped, and read when they are first used.
  /// - Parameters:
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `badData` when a file is damaged, has no weights, or the nets don't fit each other;
  ///   `usage` when the level isn't available, `io` when memory is short.
  public init(_ nets: MatchNets, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    self.nets = nets
    engine = try Engine(threads: threads, level: level)
    let weights = { (file: NetFile) throws(Failure) -> any WeightProvider in try MappedWeights(file) }
    imageEncoder = try open(nets.imageEncoder, weights, BlipImageMatcher.init)
    textEncoder = try open(nets.textEncoder, weights, BlipTextMatcher.init)
    image = try VQAProfile.Image(nets.imageEncoder)
    let profile = ProfileReader(nets.textEncoder)
    guard let description = nets.textEncoder.header.tokenizer else {
      throw Failure(
        .badData, file: nets.textEncoder.path, place: "tokenizer", "the file has no vocabulary, so it can't read texts",
        hint: "convert the checkpoint again with its vocab.txt or tokenizer.json beside the weights")
    }
    let rules = try QuestionRules(profile, "text")
    let token = try profile.string("text.matchToken")
    do throws(Failure) {
      tokenizer = try WordPiece(description)
      text = try QuestionText(tokenizer, rules, mostTokens: textEncoder.trunk.mostTokens, thing: "text")
      guard let id = tokenizer.id(token) else {
        throw Failure(.badData, place: "tokenizer", "has no token \(token), with which texts begin that are matched")
      }
      matchToken = id
    } catch {
      throw error.inFile(nets.textEncoder.path)
    }
    try sight.check(file: nets.imageEncoder.path)
    try checkMemory(imageEncoder.trunk.activationElements, nets.imageEncoder.path)
    try checkMemory(
      textEncoder.trunk.activationElements(contextVectors: imageEncoder.trunk.vectors), nets.textEncoder.path)
    try checkThatNetsFit(words: description.vocabulary.count)
  }

  private func checkThatNetsFit(words: Int) throws(Failure) {
    func mismatch(_ reason: String) -> Failure {
      Failure(
        .badData, file: nets.textEncoder.path, reason,
        hint: "are these the two nets of one checkpoint? convert it again")
    }
    let (image, text) = (imageEncoder, textEncoder)
    guard text.trunk.contextSize == image.trunk.size else {
      throw mismatch(
        "attends over vectors of \(text.trunk.contextSize) elements; the image encoder makes \(image.trunk.size)")
    }
    guard text.projection.outputs == image.projection.outputs else {
      throw mismatch(
        "maps texts to \(text.projection.outputs) elements; the image encoder maps images to \(image.projection.outputs)"
      )
    }
    guard words <= text.trunk.vocabularySize else {
      throw mismatch("has a vocabulary of \(words) tokens, but only \(text.trunk.vocabularySize) rows for them")
    }
  }

  package var sight: ImageSight { ImageSight(trunk: imageEncoder.trunk, image: image, engine: engine) }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Looks at a picture.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func look(at picture: Picture) throws(Failure) -> SeenImage { try sight.look(at: picture) }

  /// Looks at a picture that was prepared already: 3 × (side · side) values.
  package func look(at pixels: Matrix) throws(Failure) -> SeenImage { try sight.look(at: pixels) }

  /// Looks at a video: at the mean of what the image encoder makes of its frames.
  /// - Parameter progress: is told how many frames were looked at, of how many different ones.
  /// - Throws: `Failure` of kind `badData` when the video can't be decoded, `io` when FFmpeg's libraries or memory can't be
  ///   had.
  public func look(
    at video: Video, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) -> SeenImage {
    try sight.look(at: video, keepsPixels: false, progress: progress)
  }

  /// The vector of an image, of length 1, that is compared with those of texts.
  /// - Throws: `Failure` of kind `badData` when it isn't finite, `io` when memory is short.
  public func vector(of image: SeenImage) throws(Failure) -> [Float] {
    try finite(imageEncoder.normalize(imageEncoder.projected(image.vectors, engine).elements))
  }

  /// Reads texts, each by itself.
  /// - Throws: `Failure` of kind `usage` for a text that is empty or too long, `badData` when the nets compute numbers that
  ///   are not finite, `io` when memory is short.
  public func read(_ texts: [String]) throws(Failure) -> [ReadText] {
    var read: [(text: String, tokens: [Int])] = []
    for text in texts { read.append((text, try self.text.tokens(text))) }
    return try self.read(read)
  }

  /// A text's ids as the profile has them made.
  /// - Throws: `Failure` of kind `usage` when it is empty or too long.
  package func tokens(_ text: String) throws(Failure) -> [Int] { try self.text.tokens(text) }

  package func read(_ texts: [(text: String, tokens: [Int])]) throws(Failure) -> [ReadText] {
    var out: [ReadText] = []
    for batch in batches(texts) {
      var sequences = batch.map { TextSequence($0.tokens, context: .absent) }
      let first = try firstVectors(&sequences)
      let projected = try textEncoder.projected(first, engine)
      for (row, text) in batch.enumerated() {
        let vector = try finite(textEncoder.normalize(projected.rows(row..<row + 1).elements))
        out.append(ReadText(text: text.text, tokens: text.tokens, vector: vector))
      }
    }
    return out
  }

  /// How well texts match an image.
  /// - Returns: a match per text, in their order.
  /// - Throws: `Failure` of kind `badData` when the nets compute numbers that are not finite, `io` when memory is short.
  public func match(_ image: SeenImage, _ texts: [ReadText]) throws(Failure) -> [ImageTextMatch] {
    let start = Paths.seconds
    let vector = try vector(of: image)
    var out: [ImageTextMatch] = []
    for batch in batches(texts) {
      let contexts = try image.contexts(batch.map(\.tokens.count), textEncoder.trunk, engine)
      var sequences = zip(batch, contexts).map { TextSequence([matchToken] + $0.tokens.dropFirst(), context: $1) }
      let scores = try textEncoder.scores(firstVectors(&sequences), engine)
      for (row, text) in batch.enumerated() {
        let logits = [scores[row, 0], scores[row, 1]]
        guard logits.allSatisfy(\.isFinite) else { throw notFinite.inFile(nets.textEncoder.path) }
        let cosine = zip(vector, text.vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        out.append(
          ImageTextMatch(
            text: text.text, tokens: text.tokens, logits: logits,
            probability: 1 / (1 + Elementary.exp(Double(logits[0]) - Double(logits[1]))), cosine: cosine,
            frames: image.frames,
            seconds: (image.seconds, 0)))
      }
    }
    let share = (Paths.seconds - start) / Double(max(1, texts.count))
    for index in out.indices { out[index].seconds.text = share }
    return out
  }

  private func batches<Element>(_ all: [Element]) -> [ArraySlice<Element>] {
    stride(from: 0, to: all.count, by: Self.batch).map { all[$0..<min($0 + Self.batch, all.count)] }
  }

  /// The vector of each sequence's first token, a row each.
  private func firstVectors(_ sequences: inout [TextSequence]) throws(Failure) -> Matrix {
    let vectors = try textEncoder.trunk(&sequences, isCausal: false, engine)
    let first = Matrix(rows: sequences.count, columns: vectors.columns)
    var row = 0
    for (index, sequence) in sequences.enumerated() {
      first.rows(index..<index + 1).copy(textEncoder.pooling(vectors, at: row))
      row += sequence.tokens.count
    }
    return first
  }

  private func finite(_ vector: [Float]) throws(Failure) -> [Float] {
    guard vector.allSatisfy(\.isFinite) else { throw notFinite }
    return vector
  }
}

/// A text as a matching net reads it by itself.
public struct ReadText: Sendable {
  public let text: String
  /// Its ids, first and last token included.
  public let tokens: [Int]
  /// Of length 1, to be compared with those of images.
  public let vector: [Float]
}

/// How well a text matches an image.
public struct ImageTextMatch: Sendable {
  public let text: String
  public let tokens: [Int]
  /// Scores that it doesn't match and that it does.
  public let logits: [Float]
  /// That it matches, by these scores: the net has read the text with the image in view.
  public let probability: Double
  /// Of the angle between the image's vector and the text's, −1...1: each was made without the other.
  public let cosine: Double
  /// Of a video: the frames that were looked at.
  public let frames: [SeenFrame]?
  /// That looking at the image and matching took; texts that were matched together share their time equally.
  public internal(set) var seconds: (image: Double, text: Double)
}
