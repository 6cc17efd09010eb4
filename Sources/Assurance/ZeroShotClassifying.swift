import Arrays
import Kernels
import Media
import NetFile
import Nets
import Tasks

/// Saying which of some labels fits pictures, by CLIP, as a task.
public struct ZeroShotClassifying: NetTask {
  public let classifier: ZeroShotClassification

  public static let words = Classifying.words

  /// Labels whose texts show what goes into the text encoder's layers.
  private static let observedLabels = 64

  public init(_ classifier: ZeroShotClassification) { self.classifier = classifier }

  private var embedding: ImageTextEmbedding { classifier.embedding }

  public var files: [NetFile] { embedding.nets.files }
  public var threads: Int { embedding.threads }
  public var level: Engine.Level { embedding.level }
  public var options: [String] { ["labels \(classifier.labels), templates \(classifier.templates)"] }

  public func checkComparable(with other: ZeroShotClassifying) throws(Failure) {
    let (ours, theirs) = (classifier, other.classifier)
    guard ours.labels == theirs.labels, ours.templates == theirs.templates else {
      throw Failure(.usage, "the two nets have other labels or templates", hint: "give both the same")
    }
  }

  /// The scores of the labels, 1 × labels.
  public func look(at picture: Picture) throws(Failure) -> Matrix {
    let scores = try classifier.scores(picture)
    return Matrix(rows: 1, columns: scores.count, scores)
  }

  public func outputs(
    of items: [EvaluationItem], about scores: Matrix, wantsScores: Bool
  ) throws(Failure) -> [TaskOutput] {
    let best = Array(ImageClassification.ranked(scores.elements).prefix(Classifying.top))
    let output = TaskOutput(text: classifier.labels[best[0]], tokens: best, scores: wantsScores ? scores : nil)
    return items.map { _ in output }
  }

  public func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy? {
    item.accuracy(ofClasses: output.tokens)
  }

  // MARK: Layers

  /// The text encoder runs once, on some of the labels; the image encoder on every picture.
  public func observed(by observer: any LayerObserver) throws(Failure) -> ZeroShotClassifying {
    let engine = try Engine(threads: threads, level: level, observer: observer)
    let watched = try ImageTextEmbedding(embedding.nets, engine: engine)
    _ = try watched.vectors(of: classifier.someTexts(Self.observedLabels))
    return ZeroShotClassifying(ZeroShotClassification(classifier, seeingBy: watched))
  }

  public func run(_ picture: Picture, _ items: [EvaluationItem], giving outputs: [[Int]]) throws(Failure) {
    _ = try classifier.scores(picture)
  }

  public func exercise(
    _ observed: ZeroShotClassifying, _ picture: Picture, _ items: [EvaluationItem]
  ) throws(Failure) {
    _ = try observed.classifier.scores(picture)
  }

  // MARK: What one array changes

  public func replacing(_ file: NetFile, by weights: any WeightProvider) throws(Failure) -> ZeroShotClassifying {
    let changed = try ImageTextEmbedding(embedding, file, weights: weights)
    guard file === embedding.nets.textEncoder else {
      return ZeroShotClassifying(ZeroShotClassification(classifier, seeingBy: changed))
    }
    let again = try ZeroShotClassification(changed, labels: classifier.labels, templates: classifier.templates)
    return ZeroShotClassifying(again)
  }

  /// What the float nets computed of a picture.
  public struct Probe: TaskProbe {
    fileprivate let vision: VisionProbe
    public let scores: [Matrix]
  }

  public func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe {
    let vision = try VisionProbe(embedding.pixels(of: picture), embedding.imageEncoder.trunk, embedding.engine)
    return Probe(vision: vision, scores: [try scores(ofSeen: vision.vectors)])
  }

  private func scores(ofSeen x: Matrix) throws(Failure) -> Matrix {
    let scores = classifier.scores(of: try embedding.vector(ofSeen: x))
    return Matrix(rows: 1, columns: scores.count, scores)
  }

  public func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix] {
    let isSeenAlike = file === embedding.nets.textEncoder || array.hasPrefix("projection.")
    let seen =
      isSeenAlike
      ? probe.vision.vectors
      : try probe.vision.vectors(changed: array, embedding.imageEncoder.trunk, embedding.engine)
    return [try scores(ofSeen: seen)]
  }
}
