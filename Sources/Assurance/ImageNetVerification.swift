import Arrays
import Kernels
import Tasks

/// Runs a net that looks at images on those of a reference file and compares what it computes with what that holds.
public struct ImageNetVerification: Sendable {
  private let net: ImageNet
  private let reference: ReferenceFile
  private let tolerance: Double

  /// - Throws: `Failure` of kind `badData` when the reference is of other nets.
  public init(
    _ net: ImageNet, _ reference: ReferenceFile, tolerance: Double = ReferenceVerification.usualTolerance
  ) throws(Failure) {
    guard reference.kind == .images else {
      throw Failure(
        .badData, file: reference.checkpoint.path, "holds no outputs of a net that looks at images alone",
        hint: "tools/reference/images.py writes such files")
    }
    (self.net, self.reference, self.tolerance) = (net, reference, tolerance)
  }

  /// - Throws: `Failure` of kind `badData` when the reference's images are not what the net takes, `io` when memory is
  ///   short.
  public func run() throws(Failure) -> [OutputComparison] {
    var outputs = ReferenceOutputs(tolerance: tolerance)
    for item in reference.images {
      let name = item.prefix + "pixel_values"
      let given = try reference.floats(name)
      guard reference.shape(name) == [3, net.side, net.side] else {
        throw reference.failure(
          name, "has shape \(reference.shape(name)); the net takes [3, \(net.side), \(net.side)]")
      }
      var pixels = Matrix(rows: 3, columns: net.side * net.side, given)
      if reference.has(item.prefix + "rgb") {
        pixels = try net.pixels(of: reference.picture(item.prefix + "rgb"))
        outputs.add("pixel_values", pixels.elements, given, tolerance: 0)
      }
      let vectors = try net.net.trunk(pixels, net.engine)
      try reference.compare("image_embeds", item, vectors.elements, &outputs)
      try reference.compare("pooled", item, net.net.pooled(vectors, net.engine).elements, &outputs)
      try reference.compare("logits", item, net.net.scores(of: vectors, net.engine).elements, &outputs)
    }
    return outputs.inOrder
  }
}
