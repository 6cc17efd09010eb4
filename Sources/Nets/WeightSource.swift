import Arrays

/// Gives a net's layers their arrays. What it really does, reading a file, recording the demand, drawing random numbers,
/// the layers neither see nor need to know.
public protocol WeightProvider {
  /// The array of that full name and shape.
  func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight
  /// A layer of that type begins at that path.
  func layer(_ type: LayerType, path: String)
  /// The array called `name` is the one called `same`.
  func tie(_ name: String, to same: Weight)
}

/// A provider as seen from one place in a net: names are asked for relative to a path.
public struct WeightSource {
  let provider: any WeightProvider
  /// Of the place, e.g. `blocks.3.mlp`; empty at the top.
  public let path: String
  /// The net's name, where several nets' layers are to be told apart.
  let net: String?

  public init(_ provider: any WeightProvider, path: String = "", net: String? = nil) {
    self.provider = provider
    self.path = path
    self.net = net
  }

  /// The path with the net's name in front.
  var layerName: String { net.map { "\($0).\(path)" } ?? path }

  /// The place `name` below this one.
  public subscript(_ name: String) -> WeightSource { WeightSource(provider, path: full(name), net: net) }

  /// The place of a list's element below this one.
  public subscript(_ name: String, _ index: Int) -> WeightSource { self["\(name).\(index)"] }

  /// - Throws: `Failure` when the shape is impossible or the provider has no such array.
  public func weight(_ name: String, _ dimensions: [Int], _ role: WeightRole) throws(Failure) -> Weight {
    let name = full(name)
    do {
      return try provider.weight(name, shape: Shape(dimensions), role: role)
    } catch {
      throw Failure(
        error.kind, file: error.file, place: error.place ?? "array \"\(name)\"", error.reason, hint: error.hint)
    }
  }

  func begin(_ type: LayerType) { provider.layer(type, path: path) }

  func tie(_ name: String, to same: Weight) { provider.tie(full(name), to: same) }

  private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
