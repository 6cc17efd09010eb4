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

  /// Classes that count for the further measure.
  private static let top = 5
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
    let values = scores.elements
    let order = values.indices.sorted { values[$0] > values[$1] || values[$0] == values[$1] && $0 < $1 }
    let output = TaskOutput(
      text: classifier.labels[order[0]], tokens: Array(order.prefix(Self.top)), scores: wantsScores ? scores : nil)
    return items.map { _ in output }
  }

  public func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy? {
    item.classIndex.map { right in
      TaskAccuracy(output.tokens.first == right ? 1 : 0, further: [output.tokens.contains(right) ? 1 : 0])
    }
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
    fileprivate let pixels: Matrix
    /// What each block of the image encoder gets.
    fileprivate let blocks: [Matrix]
    /// What its projection gets.
    fileprivate let seen: Matrix
    public let scores: [Matrix]
  }

  public func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe {
    let pixels = try embedding.pixels(of: picture)
    let trunk = embedding.imageEncoder.trunk
    let x = try trunk.begin(pixels, embedding.engine)
    var blocks: [Matrix] = []
    try trunk.finish(x, from: 0, embedding.engine) { blocks.append($1.copied) }
    return Probe(pixels: pixels, blocks: blocks, seen: x, scores: [try scores(ofSeen: x)])
  }

  private func scores(ofSeen x: Matrix) throws(Failure) -> Matrix {
    let scores = classifier.scores(of: try embedding.vector(ofSeen: x))
    return Matrix(rows: 1, columns: scores.count, scores)
  }

  public func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix] {
    let trunk = embedding.imageEncoder.trunk
    if file === embedding.nets.textEncoder || array.hasPrefix("projection.") {
      return [try scores(ofSeen: probe.seen)]
    }
    let x: Matrix
    if let block = VisionTrunk.block(of: array) {
      x = probe.blocks[block].copied
      try trunk.finish(x, from: block, embedding.engine)
    } else {
      x = try trunk(probe.pixels, embedding.engine)
    }
    return [try scores(ofSeen: x)]
  }
}
