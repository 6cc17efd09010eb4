import Arrays

/// Gives a net's layers their arrays. What it really does, reading a file, recording the demand, drawing random numbers,
/// the layers neither see nor need to know.
public protocol WeightProvider {
  /// The array of that full name and shape.
  func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight
  /// A layer begins; what arrays it has are asked for next.
  func layer(_ layer: LayerRecord)
  /// The array called `name` is the one called `same`.
  func tie(_ name: String, to same: Weight)
}

extension WeightProvider {
  public func layer(_ layer: LayerRecord) {}
}

/// A provider as seen from one place in a net: names are asked for relative to a path.
public struct WeightSource {
  let provider: any WeightProvider
  /// Of the place, e.g. `blocks.3.mlp`; empty at the top.
  public let path: String
  /// The net's name, where several nets' layers are to be told apart.
  let net: String?
  /// How many rows layers at the place are run on.
  private(set) var rows = Extent.fixed(1)
  private var isRun = true

  public init(_ provider: any WeightProvider, path: String = "", net: String? = nil) {
    self.provider = provider
    self.path = path
    self.net = net
  }

  /// The path with the net's name in front.
  var layerName: String { net.map { "\($0).\(path)" } ?? path }

  /// The place `name` below this one.
  public subscript(_ name: String) -> WeightSource {
    var place = WeightSource(provider, path: full(name), net: net)
    (place.rows, place.isRun) = (rows, isRun)
    return place
  }

  /// The place of a list's element below this one.
  public subscript(_ name: String, _ index: Int) -> WeightSource { self["\(name).\(index)"] }

  /// The same place, where layers are run on so many rows.
  public func with(rows: Extent) -> WeightSource {
    var place = self
    place.rows = rows
    return place
  }

  /// The same place, whose layers are there but not run.
  var unused: WeightSource {
    var place = self
    place.isRun = false
    return place
  }

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

  /// A layer begins here.
  /// - Parameters:
  ///   - input: of attention, the shape of the queries.
  ///   - over: of attention, how many keys and values.
  ///   - products: factors of products, whose sum is the number of multiplications.
  func begin(
    _ type: LayerType, _ input: [Extent], to output: [Extent], over: Extent? = nil, products: [[Extent]] = []
  ) {
    provider.layer(LayerRecord(type, path: path, input, output, over: over, products: products, isRun: isRun))
  }

  /// A layer begins here that maps each row to one of so many elements.
  func begin(_ type: LayerType, _ inputs: Int, to outputs: Int, products: [[Extent]] = []) {
    begin(type, [rows, .fixed(inputs)], to: [rows, .fixed(outputs)], products: products)
  }

  func tie(_ name: String, to same: Weight) { provider.tie(full(name), to: same) }

  private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
