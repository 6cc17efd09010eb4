import Arrays
import Kernels
import Media
import NetFile
import Nets
import Synchronization
import Text

/// Answers questions about pictures with the three nets of a BLIP VQA checkpoint.
///
/// An instance can be used from several threads; their work is done one piece after the other.
public final class VisualQuestionAnswering: Sendable {
  public let nets: VQANets
  public let profile: VQAProfile
  let tokenizer: WordPiece
  package let engine: Engine
  package let imageEncoder: BlipImageEncoder
  package let textEncoder: BlipTextEncoder
  package let textDecoder: BlipTextDecoder
  private let questionText: QuestionText
  /// Of the answer list that was used last.
  private let tokenized = Mutex<(answers: [String], end: Int, tokens: [[Int]])?>(nil)
  /// Questions that are run together.
  package static let batch = 16

  /// Opens the nets; their weights are mapped, and read when they are first used.
  /// - Parameters:
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `badData` when a file is damaged, has no weights, or the nets don't fit each other;
  ///   `usage` when the level isn't available, `io` when memory is short.
  public convenience init(_ nets: VQANets, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    try self.init(nets, engine: Engine(threads: threads, level: level))
  }

  /// - Parameter weights: where a file's weights come from; by default they are the file's own.
  package init(
    _ nets: VQANets, engine: Engine,
    weights: (NetFile) throws(Failure) -> any WeightProvider = { file throws(Failure) in try MappedWeights(file) }
  ) throws(Failure) {
    self.nets = nets
    self.engine = engine
    profile = try VQAProfile(nets)
    imageEncoder = try open(nets.imageEncoder, weights, BlipImageEncoder.init)
    textEncoder = try open(nets.textEncoder, weights, BlipTextEncoder.init)
    textDecoder = try open(nets.textDecoder, weights, BlipTextDecoder.init)
    guard let description = nets.textEncoder.header.tokenizer else {
      throw Failure(
        .badData, file: nets.textEncoder.path, place: "tokenizer", "the file has no vocabulary, so it can't be asked",
        hint: "convert the checkpoint again with its vocab.txt or tokenizer.json beside the weights")
    }
    do throws(Failure) {
      tokenizer = try WordPiece(description)
      questionText = try QuestionText(tokenizer, profile.question, mostTokens: textEncoder.trunk.mostTokens)
    } catch {
      throw error.inFile(nets.textEncoder.path)
    }
    try checkMemory(imageEncoder.trunk.activationElements, nets.imageEncoder.path)
    let vectors = imageEncoder.trunk.vectors
    try checkMemory(textEncoder.trunk.activationElements(contextVectors: vectors), nets.textEncoder.path)
    let questions = textEncoder.trunk.mostTokens
    try checkMemory(textDecoder.trunk.activationElements(contextVectors: questions), nets.textDecoder.path)
    try checkThatNetsFit(words: description.vocabulary.count)
  }

  /// The same nets, but for one of the files, whose weights come from elsewhere.
  package init(_ other: VisualQuestionAnswering, _ file: NetFile, weights: any WeightProvider) throws(Failure) {
    (nets, profile, tokenizer, engine) = (other.nets, other.profile, other.tokenizer, other.engine)
    questionText = other.questionText
    let source = { (_: NetFile) throws(Failure) -> any WeightProvider in weights }
    imageEncoder =
      file === nets.imageEncoder ? try open(file, source, BlipImageEncoder.init) : other.imageEncoder
    textEncoder = file === nets.textEncoder ? try open(file, source, BlipTextEncoder.init) : other.textEncoder
    textDecoder = file === nets.textDecoder ? try open(file, source, BlipTextDecoder.init) : other.textDecoder
  }

  private func checkThatNetsFit(words: Int) throws(Failure) {
    let trunk = imageEncoder.trunk
    func mismatch(_ net: NetFile, _ reason: String) -> Failure {
      Failure(
        .badData, file: net.path, reason, hint: "are these the three nets of one checkpoint? convert it again")
    }
    try sight.check(file: nets.imageEncoder.path)
    guard textEncoder.trunk.contextSize == trunk.size else {
      throw mismatch(
        nets.textEncoder,
        "attends over vectors of \(textEncoder.trunk.contextSize) elements; the image encoder makes \(trunk.size)")
    }
    guard textDecoder.trunk.contextSize == textEncoder.trunk.size else {
      throw mismatch(
        nets.textDecoder,
        "attends over vectors of \(textDecoder.trunk.contextSize) elements; the text encoder makes "
          + "\(textEncoder.trunk.size)")
    }
    guard words <= textEncoder.trunk.vocabularySize else {
      throw mismatch(
        nets.textEncoder,
        "has a vocabulary of \(words) tokens, but only \(textEncoder.trunk.vocabularySize) rows for them")
    }
    for token in [profile.answer.startToken, profile.answer.endToken] where token >= textDecoder.trunk.vocabularySize {
      throw mismatch(
        nets.textDecoder,
        "its profile has a token \(token), but it knows only \(textDecoder.trunk.vocabularySize)")
    }
  }

  /// Says whether such answers can be made.
  /// - Throws: `Failure` of kind `usage` for options out of range, `badData` when an answer of the list has no tokens.
  public func check(_ options: AnswerOptions, _ answers: AnswerList? = nil) throws(Failure) {
    let rules = try rules(options)
    if let answers { _ = try tokens(of: answers, end: rules.endToken) }
  }

  func rules(_ options: AnswerOptions) throws(Failure) -> DecodingRules {
    try DecodingRules(options, profile.answer, mostTokens: textDecoder.trunk.mostTokens)
  }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Looks at a picture.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func look(at picture: Picture) throws(Failure) -> SeenImage { try sight.look(at: picture) }

  /// Looks at a picture that was prepared already: 3 × (side · side) values.
  package func look(at pixels: Matrix) throws(Failure) -> SeenImage { try sight.look(at: pixels) }

  /// What can be asked about, of vectors (1 + patches) × size.
  package func seen(_ vectors: Matrix, pixels: [Matrix]) -> SeenImage { sight.seen(vectors, pixels: pixels) }

  package var sight: ImageSight { ImageSight(trunk: imageEncoder.trunk, image: profile.image, engine: engine) }

  /// Answers questions about a picture that was looked at.
  /// - Parameters:
  ///   - answers: a closed list to choose from; nil: the nets' own words.
  ///   - observer: is told what was computed on the way.
  ///   - telling: is told the text of an answer so far, token by token; where it says false, that answer ends there. Not of
  ///     beams and closed lists, whose answers are known at the end.
  /// - Returns: an answer per question, in their order.
  /// - Throws: `Failure` of kind `usage` for a question that is empty or too long and for options out of range, `badData`
  ///   when an answer of the list has no tokens, `io` when memory is short.
  public func answer(
    _ questions: [String], about image: SeenImage, options: AnswerOptions = AnswerOptions(),
    from answers: AnswerList? = nil, observer: (any AnswerObserver)? = nil,
    telling: (@Sendable (_ question: Int, _ text: String) -> Bool)? = nil
  ) throws(Failure) -> [Answer] {
    var ids: [[Int]] = []
    for question in questions { ids.append(try questionText.tokens(question)) }
    let out = try answer(
      tokens: ids, about: image, options: options, from: answers, observer: observer, telling: telling)
    return zip(questions, out).map { question, answer in
      var answer = answer
      answer.question = question
      return answer
    }
  }

  /// A question's ids as the profile has them made.
  /// - Throws: `Failure` of kind `usage` when the question is empty or too long.
  package func questionTokens(_ question: String) throws(Failure) -> [Int] { try questionText.tokens(question) }

  /// Answers to questions that are token ids already; the answers' `question` is left empty.
  package func answer(
    tokens ids: [[Int]], about image: SeenImage, options: AnswerOptions = AnswerOptions(),
    from answers: AnswerList? = nil, observer: (any AnswerObserver)? = nil,
    telling: (@Sendable (_ question: Int, _ text: String) -> Bool)? = nil
  ) throws(Failure) -> [Answer] {
    let rules = try rules(options)
    var decoder = AnswerDecoder(net: textDecoder, engine: engine, rules: rules)
    if answers == nil {
      let sequences = rules.beams > 1 ? rules.beams : min(Self.batch, ids.count)
      // Beams are forked while they are there.
      let elements = textDecoder.trunk.cacheElements(capacity: decoder.capacity) * (rules.beams > 1 ? 2 : 1)
      try checkMemory(
        Double(sequences) * elements, nets.textDecoder.path,
        need: "\(sequences) \(rules.beams > 1 ? "beams" : "answers") of up to \(decoder.capacity) tokens need")
    }
    let ranker = try answers.map { answers throws(Failure) in
      AnswerRanker(decoder: decoder, tokens: try tokens(of: answers, end: rules.endToken), kept: answers.kept)
    }
    var out: [Answer] = []
    for start in stride(from: 0, to: ids.count, by: Self.batch) {
      let range = start..<min(start + Self.batch, ids.count)
      let clock = Paths.seconds
      let contexts = try read(Array(ids[range]), about: image, first: start, observer)
      if let telling { decoder.telling = { [tokenizer] in telling(start + $0, tokenizer.text($1)) } }
      let middle = Paths.seconds
      var decoded: [DecodedAnswer] = []
      var rankings: [[RankedAnswer]?] = []
      if let ranker {
        for (index, context) in contexts.enumerated() {
          let result = try ranker.rank(context) { observer?.firstScores(start + index, $0) }
          decoded.append(result.best)
          rankings.append(result.ranked)
        }
      } else {
        decoded = try decoder.answers(contexts) { observer?.firstScores(start + $0, $1) }
        rankings = contexts.map { _ in nil }
      }
      let end = Paths.seconds
      let share = 1 / Double(range.count)
      for (index, question) in range.enumerated() {
        let (answer, ranking) = (decoded[index], rankings[index])
        out.append(
          Answer(
            question: "", text: text(of: answer, ranking, answers), questionTokens: ids[question],
            tokens: answer.tokens, logProbability: answer.logProbability, ranking: ranking, frames: image.frames,
            seconds: (image.seconds, (middle - clock) * share, (end - middle) * share)))
      }
    }
    return out
  }

  private func text(of answer: DecodedAnswer, _ ranking: [RankedAnswer]?, _ answers: AnswerList?) -> String {
    if let answers, let best = ranking?.first { return answers.answers[best.index] }
    return tokenizer.text(answer.tokens)
  }

  /// Made once for a list that is used again and again.
  private func tokens(of answers: AnswerList, end: Int) throws(Failure) -> [[Int]] {
    if let made = tokenized.withLock(\.self), made.answers == answers.answers, made.end == end { return made.tokens }
    let tokens = try newTokens(of: answers, end: end)
    tokenized.withLock { $0 = (answers.answers, end, tokens) }
    return tokens
  }

  private func newTokens(of answers: AnswerList, end: Int) throws(Failure) -> [[Int]] {
    var out: [[Int]] = []
    for answer in answers.answers {
      let tokens = tokenizer.tokens(answer) + [end]
      guard tokens.count > 1, tokens.count <= textDecoder.trunk.mostTokens else {
        throw Failure(
          .badData, place: "answer \"\(shortened(answer, to: 60))\"", "has \(tokens.count - 1) tokens",
          hint: "an answer has 1 to \(textDecoder.trunk.mostTokens - 1) tokens")
      }
      guard let unknown = tokens.first(where: { $0 >= textDecoder.trunk.vocabularySize }) else {
        out.append(tokens)
        continue
      }
      throw Failure(
        .badData, file: nets.textDecoder.path, "does not know token \(unknown) of the vocabulary",
        hint: "are these the three nets of one checkpoint? convert it again")
    }
    return out
  }

  /// Reads questions: what the decoder attends over, per question.
  package func read(
    _ questions: [[Int]], about image: SeenImage, first: Int = 0, _ observer: (any AnswerObserver)? = nil
  ) throws(Failure) -> [CrossContext] {
    let contexts = try image.contexts(questions.map(\.count), textEncoder.trunk, engine)
    var sequences = zip(questions, contexts).map { TextSequence($0, context: $1) }
    var attentions: [[Matrix]] = questions.map { _ in [] }
    let vectors =
      observer?.wantsAttention != true
      ? try textEncoder.trunk(&sequences, isCausal: false, engine)
      : try textEncoder.trunk(&sequences, isCausal: false, engine) { attentions[$0].append($1) }
    var read: [CrossContext] = []
    for (index, question) in questions.enumerated() {
      let start = questions[..<index].reduce(0) { $0 + $1.count }
      let rows = vectors.rows(start..<start + question.count)
      observer?.question(first + index, tokens: question, vectors: rows, attention: attentions[index])
      read.append(try textDecoder.trunk.context(rows, engine))
    }
    return read
  }
}

/// The net of a file.
func open<Definition: Net>(
  _ file: NetFile, _ weights: (NetFile) throws(Failure) -> any WeightProvider,
  _ make: (Configuration, WeightSource) throws(Failure) -> Definition
) throws(Failure) -> Definition {
  do throws(Failure) {
    return try make(Configuration(file.header.configuration), WeightSource(weights(file), net: file.header.net))
  } catch {
    throw error.inFile(file.path)
  }
}

/// What a picture or a video looks like to the nets; it can be asked about any number of times.
public struct SeenImage: Sendable {
  /// Each 3 × (side · side), normalized: of a picture one, of a video one per frame, or none where nobody wants them.
  package let pixels: [Matrix]
  /// (1 + patches) × size; of a video the mean of its frames'.
  package let vectors: Matrix
  /// Of a video: its frames that were looked at, in the order of their times.
  public let frames: [SeenFrame]?
  /// Of the question encoder's cross-attention: for few tokens of questions, and for many.
  let direct: CrossContext
  let projected: SharedContext
  /// That looking took.
  public let seconds: Double
}

extension SeenImage {
  /// What texts of so many tokens, which run together, attend over: keys and values are made when some text needs them.
  func contexts(_ counts: [Int], _ trunk: TextTrunk, _ engine: Engine) throws(Failure) -> [CrossContext] {
    let areDirect = CrossContext.areDirect(counts, engine)
    guard areDirect.contains(false) else { return counts.map { _ in direct } }
    let projected = try projected.made { () throws(Failure) in try trunk.context(vectors, engine) }
    return areDirect.map { $0 ? direct : projected }
  }
}

/// Keys and values of an image, made when they are first needed.
final class SharedContext: Sendable {
  private let context = Mutex<CrossContext?>(nil)

  func made(_ make: () throws(Failure) -> CrossContext) throws(Failure) -> CrossContext {
    let made = context.withLock { context -> Result<CrossContext, Failure> in
      if let context { return .success(context) }
      do throws(Failure) {
        let new = try make()
        context = new
        return .success(new)
      } catch {
        return .failure(error)
      }
    }
    return try made.get()
  }
}

/// An answer and how it came about.
public struct Answer: Sendable {
  public internal(set) var question: String
  public let text: String
  /// Ids of the question, first and last token included.
  public let questionTokens: [Int]
  /// Ids of the answer after the start token; the last one is the end token unless the answer was cut.
  public let tokens: [Int]
  /// Natural logarithm of the probability that the nets give these tokens.
  public let logProbability: Double
  /// Where the answer was chosen from a list: its likeliest answers, best first.
  public let ranking: [RankedAnswer]?
  /// Where it was about a video: the frames that were looked at.
  public let frames: [SeenFrame]?
  /// That looking at the image, reading the question and making the answer took; questions that were run together share
  /// their time equally.
  public let seconds: (image: Double, question: Double, answer: Double)
}

/// Is told what is computed on the way to answers.
public protocol AnswerObserver {
  /// Whether attention is to be told; else it is empty.
  var wantsAttention: Bool { get }
  /// - Parameters:
  ///   - vectors: tokens × size.
  ///   - attention: per block (heads · tokens) × image vectors: the weights of the cross-attention over the image.
  func question(_ index: Int, tokens: [Int], vectors: Matrix, attention: [Matrix])
  /// - Parameter scores: 1 × words: of the answer's first token.
  func firstScores(_ index: Int, _ scores: Matrix)
}
