import Arrays
import Checkpoints
import Families
import Media
import NetFile
import Tasks

/// Why something could not be done: the file, the place in it, the reason, and a hint.
public typealias Failure = Arrays.Failure
/// A bound on what is taken from files, which can be set for the whole process: `try Limit.imagePixels.set(400_000_000)`.
public typealias Limit = Arrays.Limit
/// Answers questions about pictures with the three nets of a BLIP VQA checkpoint.
public typealias VisualQuestionAnswering = Tasks.VisualQuestionAnswering
/// A picture as 8-bit RGB.
public typealias Picture = Media.Picture
/// A video that is asked about by some of its frames; they are decoded in a child process of the `ingot` command.
public typealias Video = Media.Video
/// Which frame of a video was looked at.
public typealias SeenFrame = Media.SeenFrame
/// What a picture or a video looks like to the nets; it can be asked about any number of times.
public typealias SeenImage = Tasks.SeenImage
/// An answer and how it came about.
public typealias Answer = Tasks.Answer
/// How answers are made: greedily, by beams, or drawn.
public typealias AnswerOptions = Tasks.AnswerOptions
/// A closed list of answers that is to be ranked.
public typealias AnswerList = Tasks.AnswerList
/// An answer of a list with the loss by which it was ranked.
public typealias RankedAnswer = Tasks.RankedAnswer

/// Says what pictures and videos show, with the two nets of a BLIP captioning checkpoint.
public typealias ImageCaptioning = Tasks.ImageCaptioning
/// What an image shows, and how it came about.
public typealias Caption = Tasks.Caption
/// How captions are made: what they begin with; greedily, by beams, or drawn.
public typealias CaptionOptions = Tasks.CaptionOptions
/// Makes vectors of texts with a sentence embedder.
public typealias TextEmbedding = Tasks.TextEmbedding
/// How a text's vector is made, as the net's publisher says.
public typealias TextVectorRules = Families.TextVectorRules

extension Tasks.TextEmbedding {
  /// Opens a sentence embedder on a shelf.
  /// - Parameters:
  ///   - shelf: a folder of net files, as `ingot convert` makes it.
  ///   - parameters: what picks the net, such as `["Release": "all-MiniLM-L6-v2"]`; of those that are left out, the
  ///     defaults, or those of the only embedder that is there.
  ///   - threads: that compute together; nil: one per core.
  /// - Throws: `Failure` of kind `usage` for parameters that make no sense, `noInput` when the net is not on the shelf,
  ///   `badData` when the file is damaged.
  public convenience init(
    shelf: String, parameters: [String: String] = [:], threads: Int? = nil
  ) throws(Failure) {
    var chosen: [Combination.Parameter] = []
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      chosen.append(Combination.Parameter(name, ParameterValue(text: value)))
    }
    let families = try Family.meant(nil, by: chosen, fit: TextEmbedding.isFamily)
    let (family, combination) = try Shelf(shelf).choice(of: families, chosen)
    try self.init(NetSelection.combination(family, combination).file(on: Shelf(shelf)), threads: threads)
  }

  /// The vector of a text.
  /// - Parameter prompt: what is put before it, e.g. `try rules.prompt("query")`.
  /// - Throws: `Failure` as `vectors(of:prompt:)` does.
  public func vector(of text: String, prompt: String = "") throws(Failure) -> [Float] {
    try vectors(of: [text], prompt: prompt)[0]
  }
}

/// Makes vectors of images and texts that can be compared, with the two nets of a CLIP checkpoint.
public typealias ImageTextEmbedding = Tasks.ImageTextEmbedding
/// Says which of some labels fits a picture best, by a CLIP net.
public typealias ZeroShotClassification = Tasks.ZeroShotClassification

extension Tasks.ImageTextEmbedding {
  /// Opens the nets of a parameter combination on a shelf. Their weights are mapped, and read when first used.
  /// - Throws: `Failure` as `ImageCaptioning` does.
  public convenience init(
    shelf: String, parameters: [String: String] = [:], threads: Int? = nil
  ) throws(Failure) {
    try self.init(ClipNets(family: nil, parameters: chosen(parameters), on: Shelf(shelf)), threads: threads)
  }

  /// The vector of a text, of length 1.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vector(of text: String) throws(Failure) -> [Float] { try vectors(of: [text])[0] }
}

/// Says how well texts match pictures and videos, with the two nets of a BLIP image-text retrieval checkpoint.
public typealias ImageTextMatching = Tasks.ImageTextMatching
/// A text as a matching net reads it by itself.
public typealias ReadText = Tasks.ReadText
/// How well a text matches an image.
public typealias ImageTextMatch = Tasks.ImageTextMatch

extension Tasks.VisualQuestionAnswering {
  /// Opens the nets of a parameter combination on a shelf. Their weights are mapped, and read when first used.
  /// - Parameters:
  ///   - shelf: a folder of net files, as `ingot convert` makes it.
  ///   - parameters: what picks the nets, such as `["Release": "demo"]`; the others take their defaults.
  ///   - threads: that compute together; nil: one per core.
  /// - Throws: `Failure` of kind `usage` for parameters that make no sense, `noInput` when a net is not on the shelf,
  ///   `badData` when a file is damaged or the nets don't fit each other.
  public convenience init(
    shelf: String, parameters: [String: String] = [:], threads: Int? = nil
  ) throws(Failure) {
    try self.init(VQANets(family: nil, parameters: chosen(parameters), on: Shelf(shelf)), threads: threads)
  }

  /// Opens three net files of one checkpoint, given in any order.
  /// - Throws: `Failure` as above.
  public convenience init(files: [String], threads: Int? = nil) throws(Failure) {
    var nets: [NetFile] = []
    for path in files { nets.append(try NetFile(path)) }
    try self.init(VQANets(files: nets), threads: threads)
  }

  /// The answer to one question about a picture.
  /// - Throws: `Failure` of kind `usage` for a question that is empty or too long, `io` when memory is short.
  public func answer(
    _ question: String, about image: SeenImage, options: AnswerOptions = AnswerOptions()
  ) throws(Failure) -> Answer {
    try answer([question], about: image, options: options)[0]
  }
}

extension Tasks.ImageCaptioning {
  /// Opens the nets of a parameter combination on a shelf. Their weights are mapped, and read when first used.
  /// - Parameters:
  ///   - shelf: a folder of net files, as `ingot convert` makes it.
  ///   - parameters: what picks the nets, such as `["Size": "large"]`; the others take their defaults.
  ///   - threads: that compute together; nil: one per core.
  /// - Throws: `Failure` of kind `usage` for parameters that make no sense, `noInput` when a net is not on the shelf,
  ///   `badData` when a file is damaged or the nets don't fit each other.
  public convenience init(
    shelf: String, parameters: [String: String] = [:], threads: Int? = nil
  ) throws(Failure) {
    try self.init(CaptionNets(family: nil, parameters: chosen(parameters), on: Shelf(shelf)), threads: threads)
  }

  /// What a picture shows.
  /// - Throws: `Failure` of kind `usage` for options out of range and a prompt that is too long, `io` when memory is short.
  public func caption(
    _ picture: Picture, options: CaptionOptions = CaptionOptions()
  ) throws(Failure) -> Caption {
    try caption(look(at: picture), options: options)
  }
}

extension Tasks.ImageTextMatching {
  /// Opens the nets of a parameter combination on a shelf. Their weights are mapped, and read when first used.
  /// - Throws: `Failure` as `ImageCaptioning` does.
  public convenience init(
    shelf: String, parameters: [String: String] = [:], threads: Int? = nil
  ) throws(Failure) {
    try self.init(MatchNets(family: nil, parameters: chosen(parameters), on: Shelf(shelf)), threads: threads)
  }

  /// How well texts match a picture.
  /// - Throws: `Failure` of kind `usage` for a text that is empty or too long, `io` when memory is short.
  public func match(_ picture: Picture, _ texts: [String]) throws(Failure) -> [ImageTextMatch] {
    try match(look(at: picture), read(texts))
  }
}

/// Parameters as the nets' families have them.
private func chosen(_ parameters: [String: String]) -> [Combination.Parameter] {
  parameters.sorted { $0.key < $1.key }.map { Combination.Parameter($0.key, ParameterValue(text: $0.value)) }
}

/// Casts a checkpoint (safetensors or PyTorch; a file, or a folder with its configuration beside the weights) into net
/// files on a shelf, with the proof that every array was used once.
///
/// HDF5 checkpoints are read in a child process of the `ingot` command: convert them with it.
/// - Parameter parameters: of the nets, such as `["Release": "my-fine-tune"]`.
/// - Returns: the paths of the net files.
/// - Throws: `Failure` of kind `noInput`, `badData`, `cannotCreate` or `io`; nothing on the shelf has changed then.
@discardableResult
public func convert(
  _ checkpoint: String, toShelf shelf: String, parameters: [String: String] = [:]
) throws -> [String] {
  let plan = try ConversionPlan(
    openCheckpoint(checkpoint), ConversionRequest(parameters: chosen(parameters), keepsUnknown: true))
  return try plan.run(on: Shelf(shelf), replacing: false, compress: false).map(\.path)
}
