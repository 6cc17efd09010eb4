import Arrays
import Families
import Kernels
import Media
import NetFile
import Nets
import Text

/// Vectors of images and texts that can be compared, by a CLIP net: of one length, and the more alike their directions,
/// the better a text fits an image.
public final class ImageTextEmbedding: Sendable {
  public let nets: ClipNets
  private let image: VQAProfile.Image
  private let tokenizer: BytePair
  package let imageEncoder: ClipImageEncoder
  package let textEncoder: ClipTextEncoder
  package let engine: Engine

  /// Texts that go through the net together.
  private static let batch = 64

  /// - Parameters:
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the level isn't available, `badData` when the nets can't be run or don't fit
  ///   together, `io` when memory is short.
  public convenience init(_ nets: ClipNets, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    try self.init(nets, engine: Engine(threads: threads, level: level))
  }

  package init(_ nets: ClipNets, engine: Engine) throws(Failure) {
    self.nets = nets
    self.engine = engine
    image = try VQAProfile.Image(nets.imageEncoder)
    imageEncoder = try Self.net(nets.imageEncoder, ClipImageEncoder.init)
    textEncoder = try Self.net(nets.textEncoder, ClipTextEncoder.init)
    guard let description = nets.textEncoder.header.tokenizer else {
      throw Failure(
        .badData, file: nets.textEncoder.path, "has no vocabulary, so it takes no texts",
        hint: "put tokenizer.json, or vocab.json and merges.txt, beside the checkpoint and convert again")
    }
    do throws(Failure) { tokenizer = try BytePair(description) } catch { throw error.inFile(nets.textEncoder.path) }
    try checkMemory(imageEncoder.trunk.activationElements, nets.imageEncoder.path)
    try checkMemory(
      textEncoder.activationElements(tokens: Self.batch * textEncoder.mostTokens), nets.textEncoder.path)
    let hint = "are these the nets of one checkpoint? convert it again"
    guard imageEncoder.trunk.channels == 3, imageEncoder.trunk.imageSide == image.side else {
      throw Failure(
        .badData, file: nets.imageEncoder.path,
        "its profile and its configuration differ in the pictures they take", hint: hint)
    }
    guard imageEncoder.projection.outputs == textEncoder.projection.outputs else {
      throw Failure(
        .badData, file: nets.textEncoder.path,
        "makes vectors of \(textEncoder.projection.outputs) elements, the image encoder of \(imageEncoder.projection.outputs)",
        hint: hint)
    }
    guard textEncoder.mostTokens >= 2, scale.isFinite, scale > 0 else {
      throw Failure(.badData, file: nets.textEncoder.path, "has no room for a text, or a scale that is no number")
    }
  }

  /// The same nets, but for one of the files, whose weights come from elsewhere.
  package init(_ other: ImageTextEmbedding, _ file: NetFile, weights: any WeightProvider) throws(Failure) {
    (nets, image, tokenizer, engine) = (other.nets, other.image, other.tokenizer, other.engine)
    imageEncoder =
      file === nets.imageEncoder ? try Self.net(file, ClipImageEncoder.init, weights) : other.imageEncoder
    textEncoder = file === nets.textEncoder ? try Self.net(file, ClipTextEncoder.init, weights) : other.textEncoder
  }

  /// - Parameter weights: nil: the file's own.
  private static func net<Net>(
    _ file: NetFile, _ make: (Configuration, WeightSource) throws(Failure) -> Net,
    _ weights: (any WeightProvider)? = nil
  ) throws(Failure) -> Net {
    do throws(Failure) {
      let source = if let weights { weights } else { try MappedWeights(file) as any WeightProvider }
      return try make(Configuration(file.header.configuration), WeightSource(source, net: file.header.net))
    } catch {
      throw error.inFile(file.path)
    }
  }

  /// Threads that compute together.
  public var threads: Int { engine.threads }

  /// What kernels compute with.
  public var level: Engine.Level { engine.level }

  /// Elements of a vector.
  public var size: Int { imageEncoder.projection.outputs }

  /// Of the pictures that the net takes, in pixels.
  public var side: Int { image.side }

  /// What cosines are multiplied by before their softmax.
  public var scale: Float { textEncoder.scale }

  /// Most tokens of a text, the first and the last included; of a longer one the end is cut off.
  public var mostTokens: Int { textEncoder.mostTokens }

  /// Whether the end of a text is cut off.
  public func isTooLong(_ text: String) -> Bool { tokenizer.isTooLong(text, maximumTokens: mostTokens) }

  /// A text's token ids, from the first token to the last.
  /// - Parameter prompt: what is put before the text.
  public func tokens(_ text: String, prompt: String = "") -> [Int] {
    tokenizer.sequence(prompt + text, maximumTokens: mostTokens)
  }

  /// 3 × (side · side), normalized.
  package func pixels(of picture: Picture) throws(Failure) -> Matrix { try image.pixels(of: picture) }

  /// A picture's vector, of length 1.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vector(of picture: Picture) throws(Failure) -> [Float] { try vector(ofPixels: pixels(of: picture)) }

  /// The vector of pixels that were prepared already.
  package func vector(ofPixels pixels: Matrix) throws(Failure) -> [Float] {
    try vector(ofSeen: imageEncoder.trunk(pixels, engine))
  }

  /// The vector of an image whose trunk has run.
  package func vector(ofSeen vectors: Matrix) throws(Failure) -> [Float] {
    try Self.directed(
      imageEncoder.normalize(imageEncoder.projected(vectors, engine).elements), nets.imageEncoder.path)
  }

  /// Texts' vectors, of length 1.
  /// - Parameters:
  ///   - prompt: what is put before each text.
  ///   - progress: is told how many more texts are done.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vectors(
    of texts: [String], prompt: String = "", progress: (Int) -> Void = { _ in }
  ) throws(Failure) -> [[Float]] {
    try vectors(ofTokens: texts.map { tokens($0, prompt: prompt) }, progress: progress)
  }

  /// The vectors of texts that are token ids already.
  package func vectors(
    ofTokens texts: [[Int]], progress: (Int) -> Void = { _ in }
  ) throws(Failure) -> [[Float]] {
    var out: [[Float]] = []
    while out.count < texts.count {
      let part = Array(texts[out.count..<min(texts.count, out.count + Self.batch)])
      let vectors: Matrix
      do throws(Failure) { vectors = try textEncoder(part, engine) } catch { throw error.inFile(nets.textEncoder.path) }
      for row in 0..<part.count {
        let vector = textEncoder.normalize(vectors.rows(row..<row + 1).elements)
        out.append(try Self.directed(vector, nets.textEncoder.path))
      }
      progress(part.count)
    }
    return out
  }

  /// A vector of length 1.
  /// - Throws: `Failure` of kind `badData` when it has no direction.
  static func directed(_ vector: [Float], _ path: String) throws(Failure) -> [Float] {
    guard vector.allSatisfy(\.isFinite), vector.contains(where: { $0 != 0 }) else { throw notFinite.inFile(path) }
    return vector
  }
}
