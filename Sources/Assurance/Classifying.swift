import Arrays
import Kernels
import Media
import NetFile
import Nets
import Tasks

/// Saying what pictures show with a classifier, as a task.
public struct Classifying: NetTask {
  public let classifier: ImageClassification

  public static let words = TaskWords(
    name: "classification", item: "image", output: "class", outputs: "classes", distribution: "classes",
    further: ["top-5"], hasTexts: false)

  /// Classes that count for the further measure.
  static let top = 5

  /// - Throws: `Failure` of kind `usage` when it isn't one class that is right of each picture.
  public init(_ classifier: ImageClassification) throws(Failure) {
    guard classifier.choosesOne else {
      throw Failure(
        .usage, file: classifier.file.path,
        "doesn't choose one class of a picture: how many are right can't be counted",
        hint: "`ingot classify --json` tells its scores")
    }
    self.init(checked: classifier)
  }

  private init(checked classifier: ImageClassification) { self.classifier = classifier }

  public var files: [NetFile] { [classifier.file] }
  public var threads: Int { classifier.threads }
  public var level: Engine.Level { classifier.level }
  public var options: [String] { [""] }

  public func checkComparable(with other: Classifying) throws(Failure) {
    let (ours, theirs) = (classifier.labels, other.classifier.labels)
    guard ours == theirs else {
      throw Failure(
        .badData, file: classifier.file.path, "has other classes than \(other.classifier.file.path)",
        hint: "compare nets of one checkpoint, or evaluate each alone")
    }
  }

  /// The scores of the classes, 1 × classes.
  public func look(at picture: Picture) throws(Failure) -> Matrix {
    let scores = try classifier.scores(picture)
    return Matrix(rows: 1, columns: scores.count, scores)
  }

  public func outputs(
    of items: [EvaluationItem], about scores: Matrix, wantsScores: Bool
  ) throws(Failure) -> [TaskOutput] {
    let best = try classifier.best(of: scores.elements, count: Self.top)
    let output = TaskOutput(
      text: classifier.labels[best[0]], tokens: best, scores: wantsScores ? scores : nil)
    return items.map { _ in output }
  }

  public func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy? {
    item.accuracy(ofClasses: output.tokens)
  }

  // MARK: Layers

  public func observed(by observer: any LayerObserver) throws(Failure) -> Classifying {
    let engine = try Engine(threads: threads, level: level, observer: observer)
    return Classifying(checked: try ImageClassification(classifier.file, engine: engine))
  }

  public func run(_ picture: Picture, _ items: [EvaluationItem], giving outputs: [[Int]]) throws(Failure) {
    _ = try classifier.scores(picture)
  }

  public func exercise(_ observed: Classifying, _ picture: Picture, _ items: [EvaluationItem]) throws(Failure) {
    _ = try observed.classifier.scores(picture)
  }

  // MARK: What one array changes

  public func replacing(_ file: NetFile, by weights: any WeightProvider) throws(Failure) -> Classifying {
    Classifying(checked: try ImageClassification(file, engine: classifier.engine, weights: weights))
  }

  /// What the float net computed of a picture.
  public struct Probe: TaskProbe {
    fileprivate let vision: VisionProbe
    public let scores: [Matrix]
  }

  public func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe {
    let vision = try VisionProbe(classifier.pixels(of: picture), classifier.net.trunk, classifier.engine)
    return Probe(vision: vision, scores: [try classifier.net.scores(of: vision.vectors, classifier.engine)])
  }

  public func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix] {
    let isHead = ["classifier.", "distillationClassifier."].contains(where: array.hasPrefix)
    let vectors =
      isHead
      ? probe.vision.vectors : try probe.vision.vectors(changed: array, classifier.net.trunk, classifier.engine)
    return [try classifier.net.scores(of: vectors, classifier.engine)]
  }
}

extension EvaluationItem {
  /// Whether the first of some classes is right, and as a further measure whether one of them is; nil where no class is
  /// known to be.
  func accuracy(ofClasses classes: [Int]) -> TaskAccuracy? {
    classIndex.map { right in
      TaskAccuracy(classes.first == right ? 1 : 0, further: [classes.contains(right) ? 1 : 0])
    }
  }
}
