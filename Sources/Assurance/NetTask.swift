import Arrays
import Kernels
import Media
import NetFile
import Nets

/// What assurance has to know of nets that do something with pictures: how they are run on an item, and what of their
/// outputs can be held against what is right and against other nets'. Evaluation, calibration, errors by layer and the
/// search within a budget are written once, over it.
public protocol NetTask: Sendable {
  /// What is made of a picture once, for all items about it.
  associatedtype Seen
  /// What the nets computed of some items, so that what one array changes can be computed from there.
  associatedtype Probe: TaskProbe

  static var words: TaskWords { get }

  /// In the order in which they run.
  var files: [NetFile] { get }
  /// Threads that compute together.
  var threads: Int { get }
  var level: Engine.Level { get }
  /// What outputs depend on besides the nets and the items: a journal of others is not gone on with.
  var options: [String] { get }

  /// - Throws: `Failure` of kind `badData` when outputs of the two mean different things.
  func checkComparable(with other: Self) throws(Failure)

  func look(at picture: Picture) throws(Failure) -> Seen

  /// An output per item, in their order.
  /// - Parameter wantsScores: whether outputs are compared with other nets'.
  func outputs(
    of items: [EvaluationItem], about image: Seen, wantsScores: Bool
  ) throws(Failure) -> [TaskOutput]

  /// How right an output is, 0...1; nil where it isn't known what is right, or the item isn't counted.
  func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy?

  /// The same nets, whose layers tell what goes into them.
  func observed(by observer: any LayerObserver) throws(Failure) -> Self

  /// Runs the layers of these nets as they run while they give outputs that are known, whatever they would give themselves.
  /// - Parameter outputs: the tokens of each item's.
  func run(_ picture: Picture, _ items: [EvaluationItem], giving outputs: [[Int]]) throws(Failure)

  /// Runs the layers of observed nets as these run on the items.
  func exercise(_ observed: Self, _ picture: Picture, _ items: [EvaluationItem]) throws(Failure)

  /// The same nets, but for one of the files, whose weights come from elsewhere.
  func replacing(_ file: NetFile, by weights: any WeightProvider) throws(Failure) -> Self

  func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe

  /// Scores as `probe` has them, of these nets, of which one array of one file is another than when that was made.
  func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix]
}

/// What nets computed of some items about a picture.
public protocol TaskProbe {
  /// Each has a row of scores for every choice that was made: of a token, or of a class.
  var scores: [Matrix] { get }
}

/// How reports call what a task is about.
public struct TaskWords: Sendable {
  /// Of JSON; nil where questions are answered.
  public var name: String?
  /// `question`
  public let item: String
  /// `answer`
  public let output: String
  /// `answers`
  public let outputs: String
  /// What the distribution that is compared is over: `first tokens`.
  public let distribution: String
  /// Names of what is measured beside accuracy: `top-5`.
  public let further: [String]
  /// Whether there are items of their own about each picture.
  public let hasTexts: Bool
  /// How accuracy is told.
  public var measure = TaskMeasure()
}

/// How accuracy, which is from 0 to 1, is told.
public struct TaskMeasure: Sendable {
  /// `accuracy`, `CIDEr-D`
  public let name: String
  /// What 1 stands for; nil: it is told as 100 %.
  public let most: Double?

  init(name: String = "accuracy", most: Double? = nil) { (self.name, self.most) = (name, most) }
}

/// What nets gave for an item.
public struct TaskOutput: Sendable {
  /// For people.
  public let text: String
  /// Ids of an answer after the start token; of a classifier, classes, the likeliest first.
  public let tokens: [Int]
  /// 1 × choices: of the first token, or of the classes; nil where nothing is compared.
  public let scores: Matrix?
}

/// How right an output is, 0...1.
public struct TaskAccuracy: Sendable {
  public let value: Double
  /// By the task's further measures.
  public let further: [Double]

  public init(_ value: Double, further: [Double] = []) { (self.value, self.further) = (value, further) }
}
