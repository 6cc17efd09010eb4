import Arrays
import Checkpoints
import Families
import NetFile

/// One of two things compared: its arrays, under the nets' own names where its family is known, and what was done to
/// make them so.
struct ComparisonSide: Sendable {
  struct Item: Sendable {
    let name: String
    let shape: Shape
    let elementType: ElementType
    /// What a layout's rule did to the published array.
    let transform: ArrayTransform
    let forEachChunk: @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void
    /// Of int8 elements with scales: what they stand for.
    var quantized: Quantized?
  }

  /// Numbers that are integers times a scale.
  struct Quantized: Sendable {
    /// The same as float32, by single precision products, as nets use them.
    let forEachChunk: @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void
    /// Names of the arrays that go with it.
    let belongings: [String]
  }

  let path: String
  /// nil: the arrays are of no known family, and keep their published names.
  let family: String?
  /// Nets that it holds.
  let nets: Set<String>
  let items: [Item]
  /// Published arrays that are another one under a second name.
  let tied: [(name: String, same: String)]
  let configurations: [String: [JSONMember]]

  /// - Parameter part: which arrays are meant, of a checkpoint.
  /// - Throws: `Failure` when there is nothing readable at the path.
  init(_ path: String, _ part: CheckpointPart) throws(Failure) {
    if try Paths.exists(path), try !Paths.isFolder(path), try FileKind.of(InputFile(path)) == .netFile {
      try self.init(NetFile(path))
    } else {
      try self.init(openCheckpoint(path, part))
    }
  }

  init(_ net: NetFile) throws(Failure) {
    let header = net.header
    try net.checkHasWeights(": there is nothing to compare")
    path = net.path
    let isPlain = header.family == Family.plain.name
    family = isPlain ? nil : header.family
    nets = isPlain ? [] : [header.net]
    func name(_ entry: String) -> String { isPlain ? entry : "\(header.net).\(entry)" }
    let entries = Dictionary(header.arrays.map { ($0.name, $0) }) { first, _ in first }
    items = header.arrays.map { entry in
      let quantized = entry.scales.flatMap { entries[$0] }.map { scales in
        Quantized(
          forEachChunk: { try Self.forEachDequantized(entry, scales, of: net, $0) },
          belongings: [entry.scales, entry.inputMeans, entry.inputDirections].compactMap(\.self).map(name))
      }
      return Item(
        name: name(entry.name), shape: entry.shape, elementType: entry.elementType, transform: .none,
        forEachChunk: { try net.forEachChunk(of: entry, $0) }, quantized: quantized)
    }
    tied = []
    configurations = isPlain ? [:] : [header.net: header.configuration]
  }

  private static func forEachDequantized(
    _ entry: ArrayEntry, _ scales: ArrayEntry, of net: NetFile, _ body: (borrowing RawSpan) throws -> Void
  ) throws {
    var dequantizer = Dequantizer(entry, scales: try net.floats(of: scales))
    try net.forEachChunk(of: entry) { piece in
      let floats = dequantizer.float32(piece)
      try body(floats.rawSpan)
    }
  }

  init(_ checkpoint: any Checkpoint) throws(Failure) {
    path = checkpoint.path
    guard let (family, _) = try Family.recognize(checkpoint) else {
      (self.family, nets, tied, configurations) = (nil, [], [], [:])
      items = checkpoint.arrays.indices.map { index in
        let array = checkpoint.arrays[index]
        return Item(name: array.name, shape: array.shape, elementType: array.elementType, transform: .none) { body in
          try checkpoint.forEachChunk(of: index, .none, body)
        }
      }
      return
    }
    // A name of its own, so that a fine-tune needn't be given one to be compared.
    let open = family.axes.first(where: \.isOpen)
    let plan = try ConversionPlan(
      checkpoint,
      ConversionRequest(
        family: family, parameters: open.map { [.init($0.name, .word("compared"))] } ?? [], isForComparing: true,
        allowsUnused: true))
    self.family = family.name
    nets = Set(plan.nets.map(\.header.net))
    items = plan.nets.flatMap { net in
      net.arrays.map { array in
        Item(
          name: "\(net.header.net).\(array.entry.name)", shape: array.entry.shape, elementType: array.entry.elementType,
          transform: array.transform
        ) { try plan.forEachChunk(of: array, $0) }
      }
    }
    tied = plan.coverage.tied
    configurations = Dictionary(plan.nets.map { ($0.header.net, $0.header.configuration) }) { first, _ in first }
  }
}
