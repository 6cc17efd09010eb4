import Arrays
import Families
import Kernels
import NetFile
import Nets
import Synchronization

/// Makes an int8 net of a float one: every Linear's weight, and the word embeddings, as 8-bit integers with a float32
/// scale per row. Biases, norms, positions and the patch convolution stay floats. Or makes a float16 or bfloat16 net.
///
/// The same float net and options give the same bytes, on every machine.
public struct Quantization: Sendable {
  /// An array of the float net and what becomes of it.
  struct Step: Sendable {
    enum Action: Sendable {
      /// Elements of another float type, or as they are.
      case convert(ElementType)
      /// Integers; scales follow in the new file, and then what is known of the layer's input.
      case quantize(LayerInput?)
      /// A bias, less what rounding a weight of this net does to the mean input.
      case correct(weight: ArrayEntry, input: LayerInput, ElementType)
    }

    let source: ArrayEntry
    /// Index into the new file's arrays.
    let target: Int
    let action: Action

    var isQuantized: Bool {
      if case .quantize = action { return true }
      return false
    }
  }

  let net: NetFile
  private let family: Family
  private let combination: Combination
  let header: NetHeader
  let steps: [Step]

  /// - Throws: `Failure` of kind `badData` when the net has no weights or is quantized already, `usage` when an array that
  ///   is to be kept is not one of those that would be quantized.
  public init(_ net: NetFile, _ options: QuantizationOptions = QuantizationOptions()) throws(Failure) {
    self.net = net
    try net.checkHasWeights(": there is nothing to quantize")
    let definition: (family: Family, kind: Family.NetKind, description: NetDescription)
    var combination: Combination
    do {
      definition = try net.header.definition()
      combination = try definition.family.combination(ofHeader: net.header)
    } catch {
      throw error.inFile(net.path)
    }
    family = definition.family
    if let axis = family.precisionAxis { combination[axis.name] = .word(options.precision.rawValue) }
    self.combination = combination

    var plan = QuantizationPlan(net, definition.kind, definition.description, options)
    try plan.addAll()
    steps = plan.steps
    var header = net.header
    header.parameters = family.written(combination).json
    header.arrays = plan.entries
    if let quantization = plan.profile {
      header.profile = header.profile.setting(["quantization"], to: quantization.json)
    }
    header.provenance = Provenance(
      tool: Ingot.tool, layout: net.header.provenance.layout, convertedFrom: plan.from,
      seed: net.header.provenance.seed, sources: [.init(file: Paths.name(net.path), bytes: net.file.size)])
    self.header = header
  }

  /// Why a net is none that `quantize` makes of a float net by itself; nil where it is one.
  static func obstacle(to net: NetFile, from source: NetFile) -> Failure? {
    if net.header.family == source.header.family, let family = try? Family.named(net.header.family),
      let made = try? family.combination(ofHeader: net.header),
      let float = try? family.combination(ofHeader: source.header), made != float,
      family.areSameButPrecision(made, float)
    {
      return nil
    }
    return Failure(.usage, file: net.path, "was not made of that net, by its parameters")
  }

  /// The quantization that a net says it came from, to be done again.
  /// - Throws: `Failure` of kind `badData` when the float net is not one that such a net can come from.
  public init(of quantized: NetFile, from net: NetFile) throws(Failure) {
    guard quantized.header.net == net.header.net, quantized.header.family == net.header.family else {
      throw Failure(
        .badData, file: net.path, "is a \(net.header.net), which \(quantized.path) did not come from",
        hint: "give the float net of the same part")
    }
    do {
      try self.init(net, QuantizationOptions(of: quantized, from: net))
    } catch {
      // That an array can't be quantized is then no matter of usage.
      throw Failure(.badData, file: error.file ?? quantized.path, place: error.place, error.reason, hint: error.hint)
    }
  }

  /// How many arrays the new net has.
  var arrays: Int { header.arrays.count }

  public var totalBytes: Int { net.header.arrays.reduce(0) { $0 + $1.bytes } }

  /// Arrays that become integers.
  public var quantizedArrays: [String] { steps.filter(\.isQuantized).map(\.source.name) }

  /// Element type of the new net, by its parameters.
  public var precision: String { (family.precisionAxis.flatMap { combination[$0.name] }).map { "\($0)" } ?? "" }

  /// Writes new nets on a shelf: all of a family, or none, as `ConversionPlan.run` does.
  /// - Parameter replacing: whether a net that came from another float net may be replaced.
  /// - Returns: the nets, in the quantizations' order.
  /// - Throws: `Failure` of kind `badData` when a weight is not finite or an array doesn't match its SHA-256,
  ///   `cannotCreate` when another net would be lost or the file can't be written, `io`.
  public static func run(
    _ quantizations: [Quantization], on shelf: Shelf, replacing: Bool,
    progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> [WrittenNet] {
    var written: [Written] = []
    for quantization in quantizations {
      let path = shelf.path(quantization.family, quantization.combination)
      guard !written.contains(where: { $0.file.path == path }) else {
        throw Failure(.usage, file: path, "two of the nets would become this one", hint: "quantize one after the other")
      }
      written.append(try quantization.write(to: path, progress: progress))
    }
    for group in Dictionary(grouping: written, by: { Paths.folder(of: $0.file.path) }).sorted(by: { $0.key < $1.key }) {
      try OutputFile.commit(group.value.map(\.file)) { () throws(Failure) in
        for net in group.value where !replacing { try checkNothingIsLost(net.file.path, net.source) }
      }
    }
    return zip(quantizations, written).map {
      WrittenNet(path: $1.file.path, combination: $0.combination, header: $1.header)
    }
  }

  /// Writes the new net on a shelf.
  public func run(
    on shelf: Shelf, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> WrittenNet {
    try Self.run([self], on: shelf, replacing: replacing, progress: progress)[0]
  }

  /// A file that is whole, but not in its place.
  struct Written {
    let file: OutputFile
    let header: NetHeader
    /// Of the float net's file.
    let source: Digest
  }

  /// Writes the new net anywhere.
  func write(to path: String, progress: @escaping ProgressHandler = { _, _ in }) throws -> Written {
    let writer = try NetFileWriter(path, header: header, compress: false)
    let digest = Mutex(Digest.zero)
    try inParallel(jobs: steps.count + 1) { [self] job in
      // The whole file's digest can't be divided, and so comes first.
      guard job > 0 else {
        var hash = SHA256()
        try net.file.forEachChunk(in: 0..<net.file.size) { hash.update($0) }
        let whole = hash.finish()
        return digest.withLock { $0 = whole }
      }
      let step = steps[job - 1]
      try makeParts(of: step) { part, produce in try writer.write(step.target + part, produce) }
      progress(step.source.name, step.source.bytes)
    }
    let source = digest.withLock(\.self)
    return Written(file: writer.file, header: try writer.finish(sourceDigests: [source]), source: source)
  }

  /// The same net file made again is no loss; another one's is.
  private static func checkNothingIsLost(_ path: String, _ source: Digest) throws(Failure) {
    guard try Paths.exists(path) else { return }
    let there = try? NetFile(path)
    guard there?.header.provenance.sources.first?.sha256 != source else { return }
    throw Failure(
      .cannotCreate, file: path, "holds a net that came from elsewhere, which would be lost",
      hint: "choose another --shelf, or replace it with --force")
  }

  /// Arrays of a net that are not what this quantization makes, and why.
  /// - Throws: `Failure` of kind `badData` or `io` when the float net can't be read.
  public func differences(
    from quantized: NetFile, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> [Damage] {
    let entries = Dictionary(quantized.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let found = Mutex([Int: Damage]())
    try inParallel(jobs: steps.count) { [self] job in
      let step = steps[job]
      try makeParts(of: step) { part, produce in
        var hash = SHA256()
        try produce { hash.update($0) }
        let (expected, digest) = (header.arrays[step.target + part], hash.finish())
        let entry = entries[expected.name]
        guard entry?.sha256 != digest || entry?.elementType != expected.elementType else { return }
        let reason = entry == nil ? "it is not in the net file" : "it is not what the float net gives"
        found.withLock { $0[step.target + part] = Damage(array: expected.name, reason: reason) }
      }
      progress(step.source.name, step.source.bytes)
    }
    return found.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
  }
}
