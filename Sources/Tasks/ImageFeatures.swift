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
    /// What the publisher's library makes: a pooler's vector where the net has one, else the class token's.
    case pooled
  }

  let image: VQAProfile.Image
  let trunk: VisionTrunk
  /// nil: an encoder without a form of pooling of its own.
  private let net: (any ImageClassifierNet)?
  let engine: Engine
  public let file: NetFile
  public let pool: Pool
  var path: String { file.path }

  /// Elements of a vector.
  public var size: Int { trunk.size }

  /// - Parameters:
  ///   - file: an image encoder of BLIP or CLIP, a ViT classifier or backbone, or a DINOv2.
  ///   - side: of the images in pixels, to which the net's positions are interpolated; nil: as the net's profile says.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when the net takes no pictures or the level isn't available, `badData` when it can't be run, `io` when memory is
  ///   short.
  public init(
    _ file: NetFile, pool: Pool = .mean, side: Int? = nil, threads: Int? = nil, level: Engine.Level? = nil
  ) throws(Failure) {
    self.file = file
    self.pool = pool
    let kind = Family.known.first { $0.name == file.header.family }?.nets.first { $0.name == file.header.net }
    var trunk: VisionTrunk
    do throws(Failure) {
      let configuration = Configuration(file.header.configuration)
      let source = WeightSource(try MappedWeights(file), net: file.header.net)
      net = try kind?.definition.imageClassifier(configuration, source)
      switch kind?.definition {
      case .blipImageEncoder: trunk = try BlipImageEncoder(configuration, source).trunk
      case .clipImageEncoder: trunk = try ClipImageEncoder(configuration, source).trunk
      default:
        guard let net else {
          throw Failure(
            .usage, "is no net that looks at images", hint: "choose one by --set Part=ImageEncoder, or a ViT classifier"
          )
        }
        trunk = net.trunk
      }
    } catch {
      throw error.inFile(file.path)
    }
    guard pool != .pooled || net != nil else {
      throw Failure(
        .usage, file: file.path, "has no way of pooling of its own",
        hint: "--pool mean or class makes one vector of many")
    }
    image = try trunk.fit(to: VQAProfile.Image(file), side: side, file)
    self.trunk = trunk
    engine = try Engine(threads: threads, level: level)
  }

  /// A picture's vector.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vector(of picture: Picture) throws(Failure) -> [Float] {
    try vector(ofPixels: image.pixels(of: picture))
  }

  /// The vector of pixels that were prepared already: 3 × (side · side).
  package func vector(ofPixels pixels: Matrix) throws(Failure) -> [Float] {
    let vectors = try trunk(pixels, engine)
    let out: [Float]
    switch pool {
    case .class: out = vectors.rows(0..<1).elements
    case .mean: out = trunk.meanOfPatches(vectors)
    case .pooled: out = try net?.pooled(vectors, engine).elements ?? []
    }
    guard out.allSatisfy(\.isFinite) else { throw notFinite.inFile(path) }
    return out
  }
}
