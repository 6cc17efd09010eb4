import Arrays
import Kernels
import Media
import NetFile
import Nets
import Text

/// Says what pictures and videos show, with the two nets of a BLIP captioning checkpoint.
///
/// An instance can be used from several threads; their work is done one piece after the other.
public final class ImageCaptioning: Sendable {
  public let nets: CaptionNets
  public let profile: CaptionProfile
  let tokenizer: WordPiece
  package let engine: Engine
  package let imageEncoder: BlipImageEncoder
  private let image: VQAProfile.Image
  package let textDecoder: BlipTextDecoder

  /// Opens the nets; their weights are mapped, and read when they are first used.
  /// - Parameters:
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `badData` when a file is damaged, has no weights, or the nets don't fit each other;
  ///   `usage` when the level isn't available, `io` when memory is short.
  public convenience init(_ nets: CaptionNets, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    try self.init(nets, engine: Engine(threads: threads, level: level))
  }

  /// - Parameter weights: where a file's weights come from; by default they are the file's own.
  package init(
    _ nets: CaptionNets, engine: Engine,
    weights: (NetFile) throws(Failure) -> any WeightProvider = { file throws(Failure) in try MappedWeights(file) }
  ) throws(Failure) {
    self.nets = nets
    self.engine = engine
    profile = try CaptionProfile(nets.textDecoder)
    imageEncoder = try open(nets.imageEncoder, weights, BlipImageEncoder.init)
    image = try VQAProfile.Image(nets.imageEncoder)
    textDecoder = try open(nets.textDecoder, weights, BlipTextDecoder.init)
    guard let description = nets.textDecoder.header.tokenizer else {
      throw Failure(
        .badData, file: nets.textDecoder.path, place: "tokenizer",
        "the file has no vocabulary, so its captions have no words",
        hint: "convert the checkpoint again with its vocab.txt or tokenizer.json beside the weights")
    }
    do throws(Failure) {
      tokenizer = try WordPiece(description)
    } catch {
      throw error.inFile(nets.textDecoder.path)
    }
    try sight.check(file: nets.imageEncoder.path)
    try checkMemory(imageEncoder.trunk.activationElements, nets.imageEncoder.path)
    try checkMemory(
      textDecoder.trunk.activationElements(contextVectors: imageEncoder.trunk.vectors), nets.textDecoder.path)
    try checkThatNetsFit(words: description.vocabulary.count)
  }

  /// The same nets, but for one of the files, whose weights come from elsewhere.
  package init(_ other: ImageCaptioning, _ file: NetFile, weights: any WeightProvider) throws(Failure) {
    (nets, profile, tokenizer, engine) = (other.nets, other.profile, other.tokenizer, other.engine)
    image = other.image
    let source = { (_: NetFile) throws(Failure) -> any WeightProvider in weights }
    imageEncoder =
      file === nets.imageEncoder ? try open(file, source, BlipImageEncoder.init) : other.imageEncoder
    textDecoder = file === nets.textDecoder ? try open(file, source, BlipTextDecoder.init) : other.textDecoder
  }

  private func checkThatNetsFit(words: Int) throws(Failure) {
    func mismatch(_ reason: String) -> Failure {
      Failure(
        .badData, file: nets.textDecoder.path, reason,
        hint: "are these the two nets of one checkpoint? convert it again")
    }
    guard textDecoder.trunk.contextSize == imageEncoder.trunk.size else {
      throw mismatch(
        "attends over vectors of \(textDecoder.trunk.contextSize) elements; the image encoder makes "
          + "\(imageEncoder.trunk.size)")
    }
    guard words <= textDecoder.trunk.vocabularySize else {
      throw mismatch(
        "has a vocabulary of \(words) tokens, but only \(textDecoder.trunk.vocabularySize) rows for them")
    }
    for token in [profile.startToken, profile.endToken] where token >= textDecoder.trunk.vocabularySize {
      throw mismatch("its profile has a token \(token), but it knows only \(textDecoder.trunk.vocabularySize)")
    }
  }

  package var sight: ImageSight { ImageSight(trunk: imageEncoder.trunk, image: image, engine: engine) }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Says whether such captions can be made.
  /// - Throws: `Failure` of kind `usage` for options out of range and a prompt that is too long.
  public func check(_ options: CaptionOptions) throws(Failure) { _ = try rules(options) }

  func rules(_ options: CaptionOptions) throws(Failure) -> DecodingRules {
    try DecodingRules(
      options, profile, beginning: beginning(options.prompt), mostTokens: textDecoder.trunk.mostTokens)
  }

  /// What a prompt becomes: the start token and the prompt's; nil: that of the profile.
  /// Source: transformers' BlipForConditionalGeneration.generate, which replaces the first token of a tokenized text and
  /// drops the last.
  package func beginning(_ prompt: String?) -> [Int] {
    [profile.startToken] + tokenizer.tokens(prompt ?? profile.prompt ?? "")
  }

  /// Looks at a picture.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func look(at picture: Picture) throws(Failure) -> SeenImage { try sight.look(at: picture) }

  /// Looks at a video: its caption is of the mean of what the image encoder makes of its frames.
  /// - Parameter progress: is told how many frames were looked at, of how many different ones.
  /// - Throws: `Failure` of kind `badData` when the video can't be decoded, `io` when FFmpeg's libraries or memory can't be
  ///   had.
  public func look(
    at video: Video, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) -> SeenImage {
    try sight.look(at: video, keepsPixels: false, progress: progress)
  }

  /// Looks at a picture that was prepared already: 3 × (side · side) values.
  package func look(at pixels: Matrix) throws(Failure) -> SeenImage { try sight.look(at: pixels) }

  /// Says what an image shows.
  /// - Parameter telling: is told the text so far, token by token; where it says false, the caption ends there. Not of beams,
  ///   of which it shows at the end which one is the caption.
  /// - Throws: `Failure` of kind `usage` for options out of range and a prompt that is too long, `badData` when the nets
  ///   compute numbers that are not finite, `io` when memory is short.
  public func caption(
    _ image: SeenImage, options: CaptionOptions = CaptionOptions(),
    telling: (@Sendable (_ text: String) -> Bool)? = nil
  ) throws(Failure) -> Caption {
    try caption(image, options: options, firstScores: nil, telling: telling)
  }

  /// - Parameter firstScores: is handed the scores of the first new token, 1 × words.
  package func caption(
    _ image: SeenImage, options: CaptionOptions, firstScores: ((Matrix) -> Void)?,
    telling: (@Sendable (_ text: String) -> Bool)? = nil
  ) throws(Failure) -> Caption {
    let rules = try rules(options)
    return try caption(
      image, rules: rules, prompt: options.prompt ?? profile.prompt, firstScores: firstScores, telling: telling)
  }

  /// A caption that begins with tokens, the start token first.
  package func caption(
    _ image: SeenImage, beginning: [Int], options: CaptionOptions, firstScores: ((Matrix) -> Void)?
  ) throws(Failure) -> Caption {
    let rules = try DecodingRules(
      options, profile, beginning: beginning, mostTokens: textDecoder.trunk.mostTokens)
    return try caption(image, rules: rules, prompt: options.prompt, firstScores: firstScores)
  }

  private func caption(
    _ image: SeenImage, rules: DecodingRules, prompt: String?, firstScores: ((Matrix) -> Void)?,
    telling: (@Sendable (_ text: String) -> Bool)? = nil
  ) throws(Failure) -> Caption {
    var decoder = AnswerDecoder(net: textDecoder, engine: engine, rules: rules)
    if let telling { decoder.telling = { [self] in telling(text(of: rules.beginning, $1)) } }
    // Beams are forked while they are there.
    let elements = textDecoder.trunk.cacheElements(capacity: decoder.capacity) * (rules.beams > 1 ? 2 : 1)
    try checkMemory(
      Double(rules.beams) * elements, nets.textDecoder.path,
      need: rules.beams > 1
        ? "\(rules.beams) beams of up to \(decoder.capacity) tokens need"
        : "a caption of up to \(decoder.capacity) tokens needs")
    let start = Paths.seconds
    let context = try image.contexts([rules.beams * decoder.capacity], textDecoder.trunk, engine)[0]
    let made = try decoder.answers([context]) { firstScores?($1) }[0]
    return Caption(
      text: text(of: rules.beginning, made.tokens), prompt: prompt.flatMap { $0.isEmpty ? nil : $0 },
      promptTokens: rules.beginning, tokens: made.tokens, logProbability: made.logProbability, frames: image.frames,
      seconds: (image.seconds, Paths.seconds - start))
  }

  /// The text of all of a caption's tokens, the prompt's among them.
  package func text(_ caption: Caption) -> String { tokenizer.text(caption.promptTokens + caption.tokens) }

  /// The text of a caption. As the original repository does it, that of some profiles is without the prompt.
  private func text(of beginning: [Int], _ tokens: [Int]) -> String {
    let whole = tokenizer.text(beginning + tokens)
    let prompt = tokenizer.text(beginning)
    guard !profile.tellsPrompt, whole.hasPrefix(prompt) else { return whole }
    return String(whole.dropFirst(prompt.count).drop { $0 == " " })
  }

  /// Scores of every next token while captions are said (teacher forcing), whatever the nets would say themselves.
  /// - Parameter captions: new token ids.
  /// - Returns: of each caption tokens × words; row i scores token i.
  /// - Throws: `Failure` of kind `badData` for a token that the nets don't have, `io` when memory is short.
  package func scores(
    ofCaptions captions: [[Int]], beginning: [Int], about image: SeenImage
  ) throws(Failure) -> [Matrix] {
    let contexts = try image.contexts(captions.map { beginning.count - 1 + $0.count }, textDecoder.trunk, engine)
    var sequences = zip(captions, contexts).map { TextSequence(beginning + $0.dropLast(), context: $1) }
    let scores = try textDecoder.scores(textDecoder.trunk(&sequences, isCausal: true, engine), engine)
    var row = 0
    return sequences.map { sequence in
      defer { row += sequence.tokens.count }
      return scores.rows(row + beginning.count - 1..<row + sequence.tokens.count)
    }
  }
}

/// What an image shows, and how it came about.
public struct Caption: Sendable {
  public let text: String
  /// What it was to begin with; nil: nothing.
  public let prompt: String?
  /// Ids of the start token and the prompt.
  public let promptTokens: [Int]
  /// Ids after those; the last one is the end token unless the caption was cut.
  public let tokens: [Int]
  /// Natural logarithm of the probability that the nets give these tokens; by beams with a repetition penalty, of the
  /// penalized ones.
  public let logProbability: Double
  /// Of a video: the frames that were looked at.
  public let frames: [SeenFrame]?
  /// That looking at the image and making the caption took.
  public let seconds: (image: Double, caption: Double)
}
