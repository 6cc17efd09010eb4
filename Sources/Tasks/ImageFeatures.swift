import Arrays
import Families
import Kernels
import Media
import NetFile
import Nets

/// One vector per picture, pooled from what an image encoder sees in it.
public final class ImageFeatures: Sendable {
  /// How one vector is made of those of the patches and the class token.
  public enum Pool: String, CaseIterable, Sendable {
    /// The mean of the patches' vectors.
    case mean
    /// The class token's vector.
    case `class`
  }

  private let image: VQAProfile.Image
  private let trunk: VisionTrunk
  private let engine: Engine
  private let path: String
  public let pool: Pool

  /// Elements of a vector.
  public var size: Int { trunk.size }

  /// - Parameters:
  ///   - file: an image encoder of BLIP or CLIP, or a ViT classifier.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the net takes no pictures or the level isn't available, `badData` when it can't be run, `io` when memory is
  ///   short.
  public init(_ file: NetFile, pool: Pool = .mean, threads: Int? = nil, level: Engine.Level? = nil) throws(Failure) {
    path = file.path
    self.pool = pool
    let kind = Family.known.first { $0.name == file.header.family }?.nets.first { $0.name == file.header.net }
    do throws(Failure) {
      let configuration = Configuration(file.header.configuration)
      switch kind?.definition {
      case .blipImageEncoder:
        trunk = try BlipImageEncoder(configuration, WeightSource(MappedWeights(file), net: file.header.net)).trunk
      case .vitImageClassifier:
        trunk = try ViTImageClassifier(configuration, WeightSource(MappedWeights(file))).trunk
      case .clipImageEncoder:
        trunk = try ClipImageEncoder(configuration, WeightSource(MappedWeights(file), net: file.header.net)).trunk
      default:
        throw Failure(
          .usage, "is no net that looks at images", hint: "choose one by --set Part=ImageEncoder, or a ViT classifier")
      }
    } catch {
      throw error.inFile(file.path)
    }
    image = try VQAProfile.Image(file)
    try checkMemory(trunk.activationElements, file.path)
    guard trunk.channels == 3, trunk.imageSide == image.side else {
      throw Failure(
        .badData, file: file.path, "its profile and its configuration differ in the pictures they take",
        hint: "convert the checkpoint again")
    }
    engine = try Engine(threads: threads, level: level)
  }

  /// A picture's vector.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vector(of picture: Picture) throws(Failure) -> [Float] {
    let vectors = try trunk(image.pixels(of: picture), engine)
    let out: [Float]
    switch pool {
    case .class: out = vectors.rows(0..<1).elements
    case .mean:
      var sums = [Double](repeating: 0, count: vectors.columns)
      for row in 1..<vectors.rows {
        for (index, value) in vectors.rows(row..<row + 1).elements.enumerated() { sums[index] += Double(value) }
      }
      out = sums.map { Float($0 / Double(vectors.rows - 1)) }
    }
    guard out.allSatisfy(\.isFinite) else { throw notFinite.inFile(path) }
    return out
  }
}
