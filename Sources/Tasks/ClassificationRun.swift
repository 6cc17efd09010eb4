import Arrays
import Kernels
import Media
import NetFile

/// Says what pictures show, one after the other: of a classifier's own classes, or of labels, with CLIP.
public struct ClassificationRun {
  private enum Chooser {
    case classes(ImageClassification)
    case labels(ImageTextEmbedding, ZeroShotClassification?)
  }

  private var chooser: Chooser
  /// The net files that it runs.
  public let files: [NetFile]
  /// What the net's kernels compute with.
  public let level: Engine.Level
  /// In which labels are put; none where the classes are the net's own.
  public let templates: [String]

  public init(_ classifier: ImageClassification) {
    chooser = .classes(classifier)
    (files, level) = ([classifier.file], classifier.engine.level)
    templates = []
  }

  /// - Parameters:
  ///   - zeroShot: the labels of pictures that come without any; nil: each has its own.
  ///   - templates: in which pictures' own labels are put.
  public init(
    _ embedding: ImageTextEmbedding, _ zeroShot: ZeroShotClassification? = nil,
    templates: [String] = [ZeroShotClassification.usualTemplate]
  ) {
    chooser = .labels(embedding, zeroShot)
    (files, level) = (embedding.nets.files, embedding.engine.level)
    self.templates = templates
  }

  /// By which classes' values come from the net's scores.
  public var function: ImageClassification.Function {
    if case .classes(let classifier) = chooser { classifier.function } else { .softmax }
  }

  /// Every class, the likeliest first.
  /// - Parameter labels: what this picture may show; nil: what all may, or what the last one with labels did.
  /// - Throws: `Failure` of kind `usage` when labels are given to a classifier that has its own, or none to one that needs
  ///   them; as `ZeroShotClassification` does; `badData` when the net's numbers are not finite, `io` when memory is short.
  public mutating func classes(
    _ picture: Picture, labels: [String]? = nil
  ) throws(Failure) -> [ImageClassification.Class] {
    switch chooser {
    case .classes(let classifier):
      guard labels == nil else {
        throw Failure(
          .usage, "labels are given, and the net has classes of its own", hint: "leave them out, or use a CLIP net")
      }
      return try classifier.classes(picture)
    case .labels(let embedding, let last):
      if let last, labels == nil || labels == last.labels { return try last.classes(picture) }
      guard let labels else {
        throw Failure(.usage, "there are no labels", hint: "give \"labels\" in the line, or --labels FILE")
      }
      let made = try ZeroShotClassification(embedding, labels: labels, templates: templates)
      chooser = .labels(embedding, made)
      return try made.classes(picture)
    }
  }
}
