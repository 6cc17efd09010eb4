import Arrays
import Families
import Kernels
import Media
import NetFile
import Nets

/// A net that looks at pictures and is no part of others: a Vision Transformer, a DeiT or a DINOv2, with a classifier or
/// without, and how its pictures are prepared.
public struct ImageNet: Sendable {
  public let file: NetFile
  package let net: any ImageClassifierNet
  package let engine: Engine
  private let image: VQAProfile.Image

  /// Whether a family has such nets.
  public static func isFamily(_ family: Family) -> Bool {
    family.nets.contains { $0.definition.isImageClassifier }
  }

  /// - Parameters:
  ///   - side: of the pictures in pixels, to which the net's positions are interpolated; nil: as the net's profile says.
  ///   - threads: that compute together; nil: one per core.
  ///   - level: what kernels compute with; nil: the best there is.
  /// - Throws: `Failure` of kind `usage` when it is no such net, can't take pictures of that side or the level isn't
  ///   available, `badData` when it can't be run, `io` when memory is short.
  public init(
    _ file: NetFile, side: Int? = nil, threads: Int? = nil, level: Engine.Level? = nil
  ) throws(Failure) {
    try self.init(file, engine: Engine(threads: threads, level: level), side: side)
  }

  /// - Parameter weights: nil: the file's own.
  package init(
    _ file: NetFile, engine: Engine, weights: (any WeightProvider)? = nil, side: Int? = nil
  ) throws(Failure) {
    let kind = Family.known.first { $0.name == file.header.family }?.nets.first { $0.name == file.header.net }
    var made: (any ImageClassifierNet)?
    do throws(Failure) {
      if let kind, kind.definition.isImageClassifier {
        let source = if let weights { weights } else { try MappedWeights(file) as any WeightProvider }
        made = try kind.definition.imageClassifier(
          Configuration(file.header.configuration), WeightSource(source, net: file.header.net))
      }
    } catch {
      throw error.inFile(file.path)
    }
    guard var net = made else {
      let isClip = kind?.definition == .clipImageEncoder || kind?.definition == .clipTextEncoder
      throw Failure(
        .usage, file: file.path, "is no image classifier",
        hint: isClip
          ? "a CLIP net chooses from labels: give them with --labels FILE"
          : "`ingot list vit-imagenet` shows a family of those")
    }
    image = try net.trunk.fit(to: VQAProfile.Image(file), side: side, file)
    self.file = file
    self.net = net
    self.engine = engine
  }

  /// Of the pictures that the net takes, in pixels.
  public var side: Int { image.side }

  /// 3 × (side · side), normalized.
  /// - Throws: `Failure` as `VQAProfile.Image.pixels` does.
  package func pixels(of picture: Picture) throws(Failure) -> Matrix { try image.pixels(of: picture) }

  /// The vector that the publisher's library makes of a picture: a pooler's where the net has one, else the class token's.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func vector(of picture: Picture) throws(Failure) -> [Float] {
    let out = try net.pooled(net.trunk(pixels(of: picture), engine), engine).elements
    guard out.allSatisfy(\.isFinite) else { throw notFinite.inFile(file.path) }
    return out
  }
}
