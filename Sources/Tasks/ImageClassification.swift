import Arrays
import Families
import Glibc
import Kernels
import Media
import NetFile
import Nets

/// Says what is in pictures with a Vision Transformer that was trained as a classifier.
public final class ImageClassification: Sendable {
  /// What a picture may show.
  public struct Class: Sendable {
    public let index: Int
    /// As the checkpoint has it, or LABEL_ and its index.
    public let label: String
    /// By the function of the scores: of all classes together 1; each by itself from 0 to 1; or a score.
    public let value: Double
  }

  /// What is made of the net's scores (source: transformers 5.24, pipelines/image_classification.py).
  public enum Function: String, Sendable {
    /// One class is right.
    case softmax
    /// Each class is right or isn't; also of a net with one class.
    case sigmoid
    /// Scores are what was asked for: regression.
    case none
  }

  public let function: Function

  public let file: NetFile
  /// Of every class, in their order: as the checkpoint has it, or LABEL_ and its index.
  public let labels: [String]
  private let looking: ImageNet
  package let engine: Engine

  package var net: any ImageClassifierNet { looking.net }

  /// Whether a family has image classifiers.
  public static func isFamily(_ family: Family) -> Bool { ImageNet.isFamily(family) }

  /// - Parameters:
  ///   - side: of the pictures in pixels, to which the net's positions are interpolated; nil: as the net's profile says.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the net is no classifier, can't take pictures of that side or the level isn't
  ///   available, `badData` when it can't be run, `io` when memory is short.
  public convenience init(
    _ file: NetFile, side: Int? = nil, threads: Int? = nil, level: Engine.Level? = nil
  ) throws(Failure) {
    try self.init(file, engine: Engine(threads: threads, level: level), side: side)
  }

  /// - Parameter weights: nil: the file's own.
  package init(
    _ file: NetFile, engine: Engine, weights: (any WeightProvider)? = nil, side: Int? = nil
  ) throws(Failure) {
    let looking = try ImageNet(file, engine: engine, weights: weights, side: side)
    guard looking.net.classes > 0 else {
      throw Failure(
        .usage, file: file.path, "is a backbone without a classifier",
        hint: "`ingot features` gives its vectors; a fine-tune of it with classes can be converted and asked")
    }
    self.looking = looking
    self.file = file
    self.engine = engine
    let classes = looking.net.classes
    function =
      switch file.header.profile["problemType"]?.content {
      case .string("regression"): .none
      case .string("multi_label_classification"): .sigmoid
      default: classes == 1 ? .sigmoid : .softmax
      }
    let names = file.header.profile["labels"]
    labels = (0..<classes).map { index in
      // As the publisher's library names those without a name.
      if case .string(let text) = names?[String(index)]?.content { text } else { "LABEL_\(index)" }
    }
  }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Whether one class of each picture is right.
  public var choosesOne: Bool { function == .softmax }

  /// 3 × (side · side), normalized.
  package func pixels(of picture: Picture) throws(Failure) -> Matrix { try looking.pixels(of: picture) }

  /// Of the pictures that the net takes, in pixels.
  public var side: Int { looking.side }

  /// The scores of pixels that were prepared already.
  package func scores(ofPixels pixels: Matrix) throws(Failure) -> [Float] { try net(pixels, engine) }

  /// One score (logit) per class.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func scores(_ picture: Picture) throws(Failure) -> [Float] { try net(looking.pixels(of: picture), engine) }

  /// Every class, the likeliest first.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func classes(_ picture: Picture) throws(Failure) -> [Class] {
    let scores = try scores(picture)
    let values = function.values(of: scores)
    return try best(of: scores, count: scores.count).map { Class(index: $0, label: labels[$0], value: values[$0]) }
  }

  /// Classes with the largest scores, the largest first; of equal ones the first.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite.
  package func best(of scores: [Float], count: Int) throws(Failure) -> [Int] {
    guard scores.allSatisfy(\.isFinite) else { throw notFinite.inFile(file.path) }
    return Array(Self.ranked(scores).prefix(count))
  }

  /// Places of scores, the largest first; of equal ones the first.
  package static func ranked(_ scores: [Float]) -> [Int] {
    scores.indices.sorted { scores[$0] > scores[$1] || scores[$0] == scores[$1] && $0 < $1 }
  }
}

extension ImageClassification.Function {
  func values(of scores: [Float]) -> [Double] {
    let scores = scores.map(Double.init)
    switch self {
    case .none: return scores
    case .sigmoid: return scores.map { 1 / (1 + Elementary.exp(-$0)) }
    case .softmax:
      let top = scores.max() ?? 0
      let weights = scores.map { Elementary.exp($0 - top) }
      let sum = weights.reduce(0, +)
      return weights.map { $0 / sum }
    }
  }
}
