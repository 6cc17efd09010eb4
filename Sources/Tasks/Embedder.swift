import Arrays
import Families
import Kernels
import Media
import NetFile

/// Makes a vector of a picture.
public protocol ImageVectors: Sendable {
  /// Elements of a vector.
  var size: Int { get }

  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  func vector(of picture: Picture) throws(Failure) -> [Float]
}

/// Makes vectors of texts.
public protocol TextVectors: Sendable {
  /// Elements of a vector.
  var size: Int { get }
  /// Of a text, the first and the last included; the end of a longer one is cut off.
  var mostTokens: Int { get }

  /// A text's token ids, from the first to the last.
  /// - Parameter prompt: what is put before the text.
  func tokens(_ text: String, prompt: String) -> [Int]

  /// - Parameter progress: is told how many more texts are done.
  /// - Throws: `Failure` of kind `usage` for a prompt that leaves no room for a text, `badData` when the net's numbers are
  ///   not finite, `io` when memory is short.
  func vectors(of texts: [String], prompt: String, progress: (Int) -> Void) throws(Failure) -> [[Float]]
}

extension ImageFeatures: ImageVectors {}
extension ImageTextEmbedding: ImageVectors, TextVectors {}
extension TextEmbedding: TextVectors {}

/// What a vector is made of.
public enum VectorItem: Sendable, Equatable {
  case image(String)
  case text(String)

  /// The text, or the picture's path as messages tell it.
  public var name: String {
    switch self {
    case .image(let path): PictureSource(path).name
    case .text(let text): text
    }
  }

  public var isImage: Bool { if case .image = self { true } else { false } }
}

/// Nets that make vectors of texts, of pictures, or of both in one space.
public struct Embedder: Sendable {
  /// nil: they take no pictures.
  public let images: (any ImageVectors)?
  /// nil: they take no texts.
  public let texts: (any TextVectors)?
  /// Of the vectors.
  public let similarity: TextVectorRules.Similarity
  /// Of a sentence embedder, whose publisher may have prompts.
  public let rules: TextVectorRules?
  /// The net files that it runs.
  public let files: [NetFile]

  public init(_ net: TextEmbedding) {
    (images, texts, similarity, rules, files, level) = (
      nil, net, net.rules.similarity, net.rules, [net.file], net.engine.level
    )
  }

  public init(_ nets: ImageTextEmbedding) {
    (images, texts, similarity, rules, files, level) = (
      nets, nets, .cosine, nil, nets.nets.files, nets.engine.level
    )
  }

  /// Of images alone.
  public init(_ net: ImageFeatures) {
    (images, texts, similarity, rules, files, level) = (net, nil, .cosine, nil, [net.file], net.engine.level)
  }

  /// What the nets' kernels compute with.
  public let level: Engine.Level

  /// Elements of a vector.
  public var size: Int { texts?.size ?? images?.size ?? 0 }

  /// The text of a prompt, as `TextVectorRules.prompt` tells it.
  /// - Parameter usual: names of which the first that the net has is meant where none is given.
  /// - Throws: `Failure` of kind `usage` when the nets have no such prompt.
  public func prompt(_ name: String?, usual: [String] = []) throws(Failure) -> String {
    if let rules { return try rules.prompt(name ?? rules.firstPrompt(of: usual)) }
    guard let name else { return "" }
    throw Failure(
      .usage, "the net has no prompt \"\(shortened(name, to: 60))\"",
      hint: "prompts are of sentence embedders: leave out --prompt")
  }

  /// A picture's vector.
  /// - Throws: `Failure` of kind `usage` where the nets take no pictures; else as `ImageVectors` does.
  public func vector(of picture: Picture) throws(Failure) -> [Float] {
    try checkTakesPictures()
    return try images?.vector(of: picture) ?? []
  }

  /// Vectors of texts.
  /// - Throws: `Failure` of kind `usage` where the nets take no texts; else as `TextVectors` does.
  public func vectors(
    of texts: [String], prompt: String = "", progress: (Int) -> Void = { _ in }
  ) throws(Failure) -> [[Float]] {
    if texts.isEmpty { return [] }
    guard let net = self.texts else {
      throw Failure(.usage, "the net takes pictures, and no texts", hint: "a net of the family clip takes both")
    }
    return try net.vectors(of: texts, prompt: prompt, progress: progress)
  }

  /// - Throws: `Failure` of kind `usage` where the nets take no pictures.
  public func checkTakesPictures() throws(Failure) {
    guard images == nil else { return }
    throw Failure(
      .usage, "the net takes texts, and no pictures",
      hint: "--family clip chooses one that takes both; a text that is called like a picture is given as --text TEXT")
  }
}

// MARK: Choosing

extension Embedder {
  /// The net of a file, or those of a parameter combination. Where neither a file, a family nor parameters are given,
  /// pictures mean CLIP, or another net of images where the shelf has no CLIP, and texts alone a sentence embedder, or CLIP
  /// where the shelf has none.
  /// - Parameters:
  ///   - path: of a net file that is a whole embedder.
  ///   - looks: whether there are pictures; nil: nobody knows yet, as of lines that are still to come. Then a sentence
  ///     embedder is meant, CLIP where the shelf has none, and another net of images where it has neither.
  ///   - side: of the pictures in pixels, to which a net of images interpolates its positions; nil: as its profile says.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense, `noInput` when a net is not on the shelf,
  ///   `badData` when a file is damaged.
  public init(
    path: String?, family name: String?, parameters: [Combination.Parameter], on shelf: Shelf, looks: Bool?,
    side: Int? = nil, threads: Int? = nil, level: Engine.Level? = nil
  ) throws(Failure) {
    self = try Self.chosen(path, name, parameters, shelf, looks: looks, side, threads, level)
    if looks == true { try checkTakesPictures() }
    guard side == nil || images is ImageFeatures else {
      throw Failure(
        .usage, "a side is given, but the net takes pictures of its own", hint: "--side is for ViT, DeiT and DINOv2")
    }
  }

  /// Of files that belong together, all that make it up.
  /// - Throws: `Failure` as the first of the initializers does.
  public init(files: [NetFile], side: Int? = nil, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    let family = Family.known.first { $0.name == files.first?.header.family }
    if let family, ClipNets.isFamily(family) {
      self.init(try ImageTextEmbedding(ClipNets(files: files), threads: threads, level: level))
    } else if let family, ImageNet.isFamily(family) {
      self.init(try ImageFeatures(files[0], pool: .pooled, side: side, threads: threads, level: level))
    } else {
      self.init(try TextEmbedding(files[0], threads: threads, level: level))
    }
  }

  private static func chosen(
    _ path: String?, _ name: String?, _ parameters: [Combination.Parameter], _ shelf: Shelf, looks: Bool?,
    _ side: Int?, _ threads: Int?, _ level: Engine.Level?
  ) throws(Failure) -> Embedder {
    func one(_ file: NetFile, _ family: Family?) throws(Failure) -> Embedder {
      if family.map(ImageNet.isFamily) == true {
        return Embedder(try ImageFeatures(file, pool: .pooled, side: side, threads: threads, level: level))
      }
      return Embedder(try TextEmbedding(file, threads: threads, level: level))
    }
    if let path {
      let file = try NetSelection(path: path, family: name, parameters: parameters).file(on: shelf)
      return try one(file, Family.known.first { $0.name == file.header.family })
    }
    func choice(_ fit: (Family) -> Bool) throws(Failure) -> (family: Family, combination: Combination) {
      try shelf.choice(of: Family.meant(name, by: parameters, fit: fit), parameters)
    }
    var (family, combination) =
      name == nil && parameters.isEmpty
      ? try shelf.choice(of: usualFamilies(on: shelf, looks: looks), parameters)
      : try choice { ClipNets.isFamily($0) || (looks == true ? ImageNet.isFamily($0) : TextEmbedding.isFamily($0)) }
    // Who doesn't know what is to come may mean a net of images.
    if looks == nil, try !Paths.exists(shelf.path(family, combination)) {
      let other = try choice(ImageNet.isFamily)
      if try Paths.exists(shelf.path(other.family, other.combination)) { (family, combination) = other }
    }
    // Of CLIP both parts are meant; that one is named is for `ClipNets` to refuse.
    if ClipNets.isFamily(family) {
      let nets = try ClipNets(family: family.name, parameters: parameters, on: shelf)
      return Embedder(try ImageTextEmbedding(nets, threads: threads, level: level))
    }
    return try one(NetSelection.combination(family, combination).file(on: shelf), family)
  }

  /// Where the shelf has nets of one of these, and where it has none the first.
  private static func usualFamilies(on shelf: Shelf, looks: Bool?) throws(Failure) -> [Family] {
    let both = Family.known.filter(ClipNets.isFamily)
    let (images, texts) = (Family.known.filter(ImageNet.isFamily), Family.known.filter(TextEmbedding.isFamily))
    let order =
      switch looks {
      case true?: [both, images]
      case false?: [texts, both]
      case nil: [texts, both, images]
      }
    for families in order {
      for family in families where try !shelf.items(of: family).isEmpty { return families }
    }
    return order[0]
  }
}
