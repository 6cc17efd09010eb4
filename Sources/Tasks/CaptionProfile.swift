import Arrays
import Families
import NetFile

/// How the text decoder of a captioning net makes captions, from the profile of its file.
public struct CaptionProfile: Sendable {
  public let startToken: Int
  public let endToken: Int
  /// What captions begin with where nothing else is asked for; nil: nothing.
  public let prompt: String?
  /// Whether the beginning is a part of the caption's text.
  public let tellsPrompt: Bool
  /// 1: greedy.
  public let beams: Int
  public let minimumLength: Int
  public let maximumLength: Int
  /// Whether these count the start token and the prompt's, or new tokens only.
  public let lengthsIncludePrompt: Bool

  /// - Throws: `Failure` of kind `badData` naming the file and what of its profile can't be used.
  init(_ net: NetFile) throws(Failure) {
    let profile = ProfileReader(net)
    startToken = try profile.integer("caption.startToken", 0...1 << 24)
    endToken = try profile.integer("caption.endToken", 0...1 << 24)
    prompt = try profile.stringOrNull("caption.prompt")
    tellsPrompt = try profile.boolean("caption.tellsPrompt")
    beams = try profile.integer("caption.beams", 1...AnswerOptions.mostBeams)
    minimumLength = try profile.integer("caption.minimumLength", 0...ProfileReader.longestText)
    maximumLength = try profile.integer("caption.maximumLength", 1...ProfileReader.longestText)
    lengthsIncludePrompt = try profile.boolean("caption.lengthsIncludePrompt")
  }
}

/// How captions are made. What is nil is as the profile of the nets says.
public struct CaptionOptions: Sendable, Equatable {
  /// What a caption begins with; empty: nothing.
  public var prompt: String?
  /// Most new tokens of a caption, its end token included.
  public var maximumTokens: Int?
  /// Fewest new tokens before the end token.
  public var minimumTokens: Int?
  /// Captions that are followed up at once; 1: greedy.
  public var beams: Int?
  /// 0: the likeliest token is taken; above: tokens are drawn from softmax(scores / temperature).
  public var temperature: Double
  /// Of the random numbers of a temperature above 0.
  public var seed: UInt64
  /// Scores of tokens that are there already are divided by it where they are positive, else multiplied, before a token is
  /// chosen (source: Keskar et al., CTRL, 2019; as transformers' RepetitionPenaltyLogitsProcessor). 1: none.
  public var repetitionPenalty: Double

  public init(
    prompt: String? = nil, maximumTokens: Int? = nil, minimumTokens: Int? = nil, beams: Int? = nil,
    temperature: Double = 0, seed: UInt64 = 0, repetitionPenalty: Double = 1
  ) {
    self.prompt = prompt
    self.maximumTokens = maximumTokens
    self.minimumTokens = minimumTokens
    self.beams = beams
    self.temperature = temperature
    self.seed = seed
    self.repetitionPenalty = repetitionPenalty
  }
}

extension DecodingRules {
  /// - Parameters:
  ///   - beginning: the start token and the prompt's.
  ///   - mostTokens: of a sequence, the start token included.
  /// - Throws: `Failure` of kind `usage` when an option is out of range or the prompt leaves no room.
  init(
    _ options: CaptionOptions, _ profile: CaptionProfile, beginning: [Int], mostTokens: Int
  ) throws(Failure) {
    guard beginning.count < mostTokens else {
      throw Failure(
        .usage, "the prompt has \(beginning.count - 1) tokens; at most \(mostTokens - 2) leave room for a caption",
        hint: "shorten the prompt")
    }
    // As transformers does it, no sequence with its last token is longer than the net's positions.
    let room = mostTokens - beginning.count
    let before = profile.lengthsIncludePrompt ? beginning.count : 0
    let maximum = options.maximumTokens ?? min(max(1, profile.maximumLength - before), room)
    let minimum = options.minimumTokens ?? min(max(0, profile.minimumLength - before), max(0, maximum))
    try self.init(
      beginning: beginning, endToken: profile.endToken, maximumTokens: maximum, minimumTokens: minimum,
      beams: options.beams ?? (options.temperature > 0 ? 1 : profile.beams), temperature: options.temperature,
      seed: options.seed, repetitionPenalty: options.repetitionPenalty, mostMade: room + 1, things: "captions")
  }
}
