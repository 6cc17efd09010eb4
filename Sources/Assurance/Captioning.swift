import Arrays
import Kernels
import Media
import NetFile
import Nets
import Tasks

/// Saying what pictures show, as a task: captions are measured by CIDEr-D, a tenth of it, which is from 0 to 1.
public struct Captioning: NetTask {
  public let captioning: ImageCaptioning
  private let captionOptions: CaptionOptions
  /// Over the captions of all images that are evaluated; nil: there are none.
  private let consensus: CIDErD?

  public static let words = TaskWords(
    name: "captioning", item: "image", output: "caption", outputs: "captions", distribution: "first tokens",
    further: [],
    hasTexts: false, measure: TaskMeasure(name: "CIDEr-D", most: CIDErD.most))

  /// New tokens of a caption that layers are measured on while arrays are ranked.
  private static let measuredTokens = 6

  /// - Parameter items: all that will be evaluated, with people's captions as answers: how much an n-gram counts depends on
  ///   how many images have it.
  /// - Throws: `Failure` of kind `usage` when the options make no sense.
  public init(
    _ captioning: ImageCaptioning, _ options: CaptionOptions = CaptionOptions(), items: [EvaluationItem]
  ) throws(Failure) {
    try captioning.check(options)
    let captioned = items.filter { !$0.answers.isEmpty }
    self.init(
      checked: captioning, options,
      captioned.isEmpty ? nil : CIDErD(references: captioned.map { $0.answers.map(CaptionWords.words) }))
  }

  private init(checked captioning: ImageCaptioning, _ options: CaptionOptions, _ consensus: CIDErD?) {
    (self.captioning, captionOptions, self.consensus) = (captioning, options, consensus)
  }

  public var files: [NetFile] { captioning.nets.files }
  public var threads: Int { captioning.threads }
  public var level: Engine.Level { captioning.level }
  public var options: [String] { ["captions \(captionOptions)"] }

  public func checkComparable(with other: Captioning) throws(Failure) {
    let (ours, theirs) = (captioning.nets.textDecoder, other.captioning.nets.textDecoder)
    guard ours.header.tokenizer == theirs.header.tokenizer else {
      throw Failure(
        .badData, file: ours.path, "has another vocabulary than \(theirs.path)",
        hint: "compare nets of one checkpoint, or evaluate each alone")
    }
  }

  public func look(at picture: Picture) throws(Failure) -> SeenImage { try captioning.look(at: picture) }

  public func outputs(
    of items: [EvaluationItem], about image: SeenImage, wantsScores: Bool
  ) throws(Failure) -> [TaskOutput] {
    var first: Matrix?
    let caption = try captioning.caption(
      image, options: captionOptions,
      // A copy: decoding goes on with the matrix.
      firstScores: wantsScores ? { first = Matrix(rows: 1, columns: $0.columns, $0.elements) } : nil)
    let output = TaskOutput(text: caption.text, tokens: caption.tokens, scores: first)
    return items.map { _ in output }
  }

  public func accuracy(of output: TaskOutput, for item: EvaluationItem) -> TaskAccuracy? {
    guard let consensus, !item.answers.isEmpty else { return nil }
    let score = consensus.score(
      CaptionWords.words(output.text), references: item.answers.map(CaptionWords.words))
    return TaskAccuracy(score / CIDErD.most)
  }

  // MARK: Layers

  public func observed(by observer: any LayerObserver) throws(Failure) -> Captioning {
    let engine = try Engine(threads: threads, level: level, observer: observer)
    return Captioning(checked: try ImageCaptioning(captioning.nets, engine: engine), captionOptions, consensus)
  }

  public func run(_ picture: Picture, _ items: [EvaluationItem], giving outputs: [[Int]]) throws(Failure) {
    let image = try captioning.look(at: picture)
    _ = try captioning.scores(ofCaptions: outputs, beginning: beginning, about: image)
  }

  public func exercise(_ observed: Captioning, _ picture: Picture, _ items: [EvaluationItem]) throws(Failure) {
    let image = try observed.captioning.look(at: picture)
    // Keys and values that the unobserved nets make must not be there already for the observed ones.
    let caption = try said(about: captioning.sight.seen(image.vectors, pixels: image.pixels))
    _ = try observed.captioning.scores(ofCaptions: [caption], beginning: beginning, about: image)
  }

  private var beginning: [Int] { captioning.beginning(captionOptions.prompt) }

  /// The beginning of a caption, greedily.
  private func said(about image: SeenImage) throws(Failure) -> [Int] {
    var options = captionOptions
    let room = captioning.textDecoder.trunk.mostTokens - beginning.count
    (options.beams, options.temperature, options.minimumTokens) = (1, 0, 0)
    options.maximumTokens = min(Self.measuredTokens, max(1, room))
    return try captioning.caption(image, options: options).tokens
  }

  // MARK: What one array changes

  public func replacing(_ file: NetFile, by weights: any WeightProvider) throws(Failure) -> Captioning {
    Captioning(checked: try ImageCaptioning(captioning, file, weights: weights), captionOptions, consensus)
  }

  /// What the float nets computed of a picture, and the beginning of its caption.
  public struct Probe: TaskProbe {
    fileprivate let vision: VisionProbe
    fileprivate let caption: [Int]
    public let scores: [Matrix]
  }

  public func probe(_ picture: Picture, _ items: [EvaluationItem]) throws(Failure) -> Probe {
    let pixels = try captioning.sight.image.pixels(of: picture)
    let vision = try VisionProbe(pixels, captioning.imageEncoder.trunk, captioning.engine)
    let image = captioning.sight.seen(vision.vectors, pixels: [pixels])
    let caption = try said(about: image)
    return Probe(
      vision: vision, caption: caption,
      scores: try captioning.scores(ofCaptions: [caption], beginning: beginning, about: image))
  }

  public func scores(of probe: Probe, changed array: String, of file: NetFile) throws(Failure) -> [Matrix] {
    let vectors =
      file === captioning.nets.imageEncoder
      ? try probe.vision.vectors(changed: array, captioning.imageEncoder.trunk, captioning.engine)
      : probe.vision.vectors
    let image = captioning.sight.seen(vectors, pixels: [probe.vision.pixels])
    return try captioning.scores(ofCaptions: [probe.caption], beginning: beginning, about: image)
  }
}
