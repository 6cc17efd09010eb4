import Arrays

/// How answers are made. What is nil is as the profile of the nets says.
public struct AnswerOptions: Sendable {
  /// Most tokens of an answer, its end token included.
  public var maximumTokens: Int?
  /// Fewest tokens before the end token.
  public var minimumTokens: Int?
  /// Answers that are followed up at once; 1: greedy.
  public var beams: Int?
  /// 0: the likeliest token is taken; above: tokens are drawn from softmax(scores / temperature).
  public var temperature: Double
  /// Of the random numbers of a temperature above 0. Each question draws its own, which do not depend on what else is
  /// asked.
  public var seed: UInt64

  public init(
    maximumTokens: Int? = nil, minimumTokens: Int? = nil, beams: Int? = nil, temperature: Double = 0, seed: UInt64 = 0
  ) {
    self.maximumTokens = maximumTokens
    self.minimumTokens = minimumTokens
    self.beams = beams
    self.temperature = temperature
    self.seed = seed
  }

  /// Most tokens of a greedy or drawn answer where nothing else is said.
  public static let usualMaximumTokens = 25
  public static let mostBeams = 64
}

/// Options with the profile's values in them, checked.
struct DecodingRules: Sendable {
  let startToken: Int
  let endToken: Int
  let maximumTokens: Int
  let minimumTokens: Int
  let beams: Int
  let temperature: Double
  let seed: UInt64

  /// - Parameter mostTokens: of a sequence, the start token included.
  /// - Throws: `Failure` of kind `usage` when an option is out of range.
  init(_ options: AnswerOptions, _ profile: VQAProfile.Answer, mostTokens: Int) throws(Failure) {
    startToken = profile.startToken
    endToken = profile.endToken
    beams = options.beams ?? (options.temperature > 0 ? 1 : profile.beams)
    maximumTokens =
      options.maximumTokens
      ?? min(beams > 1 ? profile.maximumLength - 1 : AnswerOptions.usualMaximumTokens, mostTokens)
    minimumTokens = options.minimumTokens ?? min(max(0, profile.minimumLength - 1), max(0, maximumTokens))
    temperature = options.temperature
    seed = options.seed
    guard (1...AnswerOptions.mostBeams).contains(beams) else {
      throw Failure(.usage, "\(beams) beams: 1 to \(AnswerOptions.mostBeams) are possible")
    }
    guard (1...mostTokens).contains(maximumTokens) else {
      throw Failure(.usage, "answers of \(maximumTokens) tokens: 1 to \(mostTokens) are possible with this net")
    }
    guard (0...maximumTokens).contains(minimumTokens) else {
      throw Failure(.usage, "at least \(minimumTokens) tokens are wanted, but at most \(maximumTokens)")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw Failure(.usage, "the temperature \(temperature) is not a number from 0")
    }
    guard temperature == 0 || beams == 1 else {
      throw Failure(.usage, "beams and a temperature are both given", hint: "give one of them")
    }
  }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
package struct RandomNumbers {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// From 0 up to, but not, 1.
  package mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
