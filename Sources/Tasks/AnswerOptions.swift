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
  /// What a text begins with: the start token, and a prompt's.
  let beginning: [Int]
  let endToken: Int
  /// Of those that are made.
  let maximumTokens: Int
  let minimumTokens: Int
  let beams: Int
  let temperature: Double
  let seed: UInt64
  /// 1: none; see `CaptionOptions`.
  let repetitionPenalty: Double

  var startToken: Int { beginning[0] }

  /// - Parameters:
  ///   - mostMade: most tokens that the net can make.
  ///   - things: what is made: `answers`.
  /// - Throws: `Failure` of kind `usage` when a value is out of range.
  init(
    beginning: [Int], endToken: Int, maximumTokens: Int, minimumTokens: Int, beams: Int, temperature: Double,
    seed: UInt64, repetitionPenalty: Double = 1, mostMade: Int, things: String
  ) throws(Failure) {
    (self.beginning, self.endToken) = (beginning, endToken)
    (self.maximumTokens, self.minimumTokens, self.beams) = (maximumTokens, minimumTokens, beams)
    (self.temperature, self.seed, self.repetitionPenalty) = (temperature, seed, repetitionPenalty)
    guard (1...AnswerOptions.mostBeams).contains(beams) else {
      throw Failure(.usage, "\(beams) beams: 1 to \(AnswerOptions.mostBeams) are possible")
    }
    guard (1...mostMade).contains(maximumTokens) else {
      throw Failure(.usage, "\(things) of \(maximumTokens) tokens: 1 to \(mostMade) are possible with this net")
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
    guard repetitionPenalty > 0, Float(repetitionPenalty).isNormal else {
      throw Failure(.usage, "the repetition penalty \(repetitionPenalty) is not a number above 0")
    }
  }

  /// - Parameter mostTokens: of a sequence, the start token included.
  /// - Throws: `Failure` of kind `usage` when an option is out of range.
  init(_ options: AnswerOptions, _ profile: VQAProfile.Answer, mostTokens: Int) throws(Failure) {
    let beams = options.beams ?? (options.temperature > 0 ? 1 : profile.beams)
    let maximum =
      options.maximumTokens
      ?? min(beams > 1 ? profile.maximumLength - 1 : AnswerOptions.usualMaximumTokens, mostTokens)
    let minimum = options.minimumTokens ?? min(max(0, profile.minimumLength - 1), max(0, maximum))
    try self.init(
      beginning: [profile.startToken], endToken: profile.endToken, maximumTokens: maximum, minimumTokens: minimum,
      beams: beams, temperature: options.temperature, seed: options.seed, mostMade: mostTokens, things: "answers")
  }

  /// Makes tokens that are there already less likely.
  /// - Parameter tokens: that were made; the beginning's count too.
  func penalize(_ scores: inout [Float], _ tokens: [Int]) {
    guard repetitionPenalty != 1 else { return }
    let penalty = Float(repetitionPenalty)
    for token in Set(beginning + tokens) where scores.indices.contains(token) {
      scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty
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
