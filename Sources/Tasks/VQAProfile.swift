import Arrays
import Families
import Media
import NetFile
import Text

/// How the nets of a checkpoint must be run to be themselves, from the profiles of their files.
public struct VQAProfile: Sendable {
  /// What becomes of a picture before the image encoder gets it.
  public struct Image: Sendable {
    /// Of the square picture that the net takes, in pixels.
    public let side: Int
    /// How it is made of any picture.
    package let preparation: ImagePreparation
    let filter: Picture.Filter

    package init(side: Int, _ preparation: ImagePreparation) {
      self.side = side
      self.preparation = preparation
      filter = Picture.Filter(rawValue: preparation.filter) ?? .bicubic
    }
  }

  /// What becomes of a question before the text encoder gets it.
  public typealias Question = QuestionRules

  /// How the text decoder makes answers.
  public struct Answer: Sendable {
    public let startToken: Int
    public let endToken: Int
    /// 1: greedy.
    public let beams: Int
    /// Tokens of an answer, start and end included.
    public let minimumLength: Int
    public let maximumLength: Int
  }

  public let image: Image
  public let question: Question
  public let answer: Answer

  /// - Throws: `Failure` of kind `badData` naming the file and what of its profile can't be used.
  init(_ nets: VQANets) throws(Failure) {
    image = try Image(nets.imageEncoder)
    question = try Question(ProfileReader(nets.textEncoder))
    answer = try Answer(ProfileReader(nets.textDecoder))
  }
}

extension VQAProfile.Image {
  /// Of a net that takes pictures.
  init(_ net: NetFile) throws(Failure) {
    let profile = ProfileReader(net)
    let side = try profile.integer("image.side", 1...4096)
    guard profile["image.keepAspectRatio"]?.content != .boolean(true) else {
      throw profile.failure("image.keepAspectRatio", "is true, which is not supported")
    }
    let preparation: ImagePreparation
    do throws(Failure) {
      preparation = try ImagePreparation(profile: profile["image"] ?? .object([:]))
    } catch {
      throw profile.failure("image", "can't be used: \(error.reason)")
    }
    guard Picture.Filter(rawValue: preparation.filter) != nil else {
      let known = Picture.Filter.allCases.map(\.rawValue).joined(separator: ", ")
      throw profile.failure("image.resize", "is \"\(preparation.filter)\"; pictures are resized by \(known)")
    }
    if let (mean, std) = preparation.normalization {
      guard mean.count == 3, std.count == 3, mean.allSatisfy(\.isFinite) else {
        throw profile.failure("image.mean", "and image.std are not lists of 3 numbers")
      }
      guard std.allSatisfy({ Float($0).isNormal && $0 > 0 }) else {
        throw profile.failure("image.std", "holds what is no positive number")
      }
    }
    if let scale = preparation.scale, !Float(scale).isNormal || scale <= 0 {
      throw profile.failure("image.scale", "is no positive number")
    }
    guard preparation.isWithin(1...4096) else { throw profile.failure("image.resize", "has a side beyond 4096") }
    self.init(side: side, preparation)
  }
}

extension QuestionRules {
  /// - Parameter group: of the profile's values.
  init(_ profile: ProfileReader, _ group: String = "question") throws(Failure) {
    let firstToken = try profile.string("\(group).firstToken")
    let cleanUp = try profile.string("\(group).cleanUp")
    guard let known = CleanUp(rawValue: cleanUp) else {
      throw profile.failure("\(group).cleanUp", "is \"\(cleanUp)\", which this version does not know")
    }
    self.init(
      firstToken: firstToken, cleanUp: known,
      maximumWords: try profile.integerOrNull("\(group).maximumWords", 1...1 << 20),
      maximumTokens: try profile.integerOrNull("\(group).maximumTokens", 2...1 << 20))
  }
}

extension VQAProfile.Answer {
  fileprivate init(_ profile: ProfileReader) throws(Failure) {
    startToken = try profile.integer("answer.startToken", 0...1 << 24)
    endToken = try profile.integer("answer.endToken", 0...1 << 24)
    beams = try profile.integer("answer.beams", 1...64)
    minimumLength = try profile.integer("answer.minimumLength", 0...ProfileReader.longestText)
    maximumLength = try profile.integer("answer.maximumLength", 2...ProfileReader.longestText)
  }
}
