import Arrays
import Families
import Kernels
import NetFile
import Nets
import Synchronization

/// Makes an int8 net of a float one: every Linear's weight, and the word embeddings, as 8-bit integers with a float32
/// scale per row. Biases, norms, positions and the patch convolution stay as they are. Such a net runs with float32
/// activations.
///
/// The same float net gives the same bytes, on every machine.
public struct Quantization: Sendable {
  public struct Options: Sendable {
    /// Leave the word embeddings as they are; a head that is tied to them too.
    public var keepsEmbeddings: Bool
    /// Names of arrays that stay as they are.
    public var kept: Set<String>
    /// What int8 weights are multiplied with when the net runs.
    public var activations: Activations
    /// Names of arrays that become int8 but are multiplied with float32 all the same.
    public var floatActivations: Set<String>

    public init(
      keepsEmbeddings: Bool = false, kept: Set<String> = [], activations: Activations = .int8,
      floatActivations: Set<String> = []
    ) {
      self.keepsEmbeddings = keepsEmbeddings
      self.kept = kept
      self.activations = activations
      self.floatActivations = floatActivations
    }
  }

  /// An array of the float net and what becomes of it.
  private struct Step: Sendable {
    let source: ArrayEntry
    /// Index into the new file's arrays; scales follow where it is quantized.
    let target: Int
    let isQuantized: Bool
  }

  private let net: NetFile
  private let family: Family
  private let combination: Combination
  private let header: NetHeader
  private let steps: [Step]

  /// - Throws: `Failure` of kind `badData` when the net has no weights or is quantized already, `usage` when an array that
  ///   is to be kept is not one of those that would be quantized.
  public init(_ net: NetFile, _ options: Options = Options()) throws(Failure) {
    self.net = net
    guard net.header.isInitialized else {
      throw Failure(.badData, file: net.path, "holds a net without weights: there is nothing to quantize")
    }
    let definition: (family: Family, kind: Family.NetKind, description: NetDescription)
    var combination: Combination
    do {
      definition = try net.header.definition()
      combination = try Combination(json: net.header.parameters)
    } catch {
      throw error.inFile(net.path)
    }
    family = definition.family
    if let axis = family.precisionAxis { combination[axis.name] = .word(ElementType.int8.rawValue) }
    self.combination = combination

    let layers = Dictionary(uniqueKeysWithValues: definition.description.arrays.map { ($0.name, $0.layer) })
    var entries: [ArrayEntry] = []
    var steps: [Step] = []
    var unknown = options.kept
    var from: ElementType?
    for array in net.header.arrays {
      guard FloatConversion.isPossible(from: array.elementType, to: .float32) else {
        throw Failure(
          .badData, file: net.path, place: "array \"\(array.name)\"",
          "is of type \(array.elementType.rawValue): only float nets can be quantized",
          hint: "quantize the float net that this one was made from")
      }
      let isQuantizable = Self.isQuantizable(array, layers[array.name] ?? nil, options)
      if isQuantizable { unknown.remove(array.name) }
      let isQuantized = isQuantizable && !options.kept.contains(array.name)
      steps.append(Step(source: array, target: entries.count, isQuantized: isQuantized))
      guard isQuantized else {
        entries.append(try ArrayEntry(name: array.name, elementType: array.elementType, shape: array.shape))
        continue
      }
      from = array.elementType
      let scales = Self.scales(of: array.name)
      entries.append(try ArrayEntry(name: array.name, elementType: .int8, shape: array.shape, scales: scales))
      entries.append(
        try ArrayEntry(name: scales, elementType: .float32, shape: Shape([array.shape.dimensions[0]])))
    }
    guard unknown.isEmpty else {
      throw Failure(
        .usage, "\(unknown.sorted()[0]) is no array that would be quantized", hint: "`ingot inspect` lists the arrays")
    }
    self.steps = steps
    var header = net.header
    header.parameters = combination.json
    header.arrays = entries
    header.profile = header.profile.setting(
      ["quantization"],
      to: QuantizationProfile(activations: options.activations, floatActivations: options.floatActivations).json)
    header.provenance = Provenance(
      tool: Ingot.tool, layout: net.header.provenance.layout, convertedFrom: from, seed: net.header.provenance.seed,
      sources: [.init(file: Paths.name(net.path), bytes: net.file.size)])
    self.header = header
  }

  /// The quantization that an int8 net says it came from, to be done again.
  /// - Throws: `Failure` of kind `badData` when the float net is not one that such a net can come from.
  public init(of quantized: NetFile, from net: NetFile) throws(Failure) {
    guard quantized.header.net == net.header.net, quantized.header.family == net.header.family else {
      throw Failure(
        .badData, file: net.path, "is a \(net.header.net), which \(quantized.path) did not come from",
        hint: "give the float net of the same part")
    }
    let whole = try Quantization(net)
    let floats = quantized.header.arrays.filter { $0.elementType != .int8 }.map(\.name)
    try self.init(net, Options(kept: Set(floats).intersection(whole.quantizedArrays)))
  }

  /// How many arrays the int8 net has.
  var arrays: Int { header.arrays.count }

  /// Name of the array with the scales of an array.
  static func scales(of name: String) -> String { "\(name).scales" }

  private static func isQuantizable(_ array: ArrayEntry, _ layer: LayerType?, _ options: Options) -> Bool {
    guard array.shape.rank == 2 else { return false }
    switch layer {
    case .linear: return true
    // Positions are few, and added to everything.
    case .embedding: return !options.keepsEmbeddings && !array.name.hasSuffix(".position.weight")
    default: return false
    }
  }

  public var totalBytes: Int { net.header.arrays.reduce(0) { $0 + $1.bytes } }

  /// Arrays that become integers.
  public var quantizedArrays: [String] { steps.filter(\.isQuantized).map(\.source.name) }

  /// Writes the int8 net on a shelf.
  /// - Parameter replacing: whether a net that came from another float net may be replaced.
  /// - Throws: `Failure` of kind `badData` when a weight is not finite or an array doesn't match its SHA-256,
  ///   `cannotCreate` when another net would be lost or the file can't be written, `io`.
  public func run(
    on shelf: Shelf, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> WrittenNet {
    let path = shelf.path(family, combination)
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
      try write(step, writer)
      progress(step.source.name, step.source.bytes)
    }
    let source = digest.withLock(\.self)
    let written = try writer.finish(sourceDigests: [source])
    if !replacing { try checkNothingIsLost(path, source) }
    try writer.commit()
    return WrittenNet(path: path, combination: combination, header: written)
  }

  private func write(_ step: Step, _ writer: NetFileWriter) throws {
    var hash = SHA256()
    if step.isQuantized {
      var scales: [Float] = []
      try writer.write(step.target) { sink in
        try forEachRows(of: step.source, &hash) { rows in
          scales += rows.scales
          try sink(rows.elements.rawSpan)
        }
      }
      try writer.write(step.target + 1) { try $0(Floats.bytes(scales).rawSpan) }
    } else {
      try writer.write(step.target) { sink in
        try net.forEachChunk(of: step.source) { piece in
          hash.update(piece)
          try sink(piece)
        }
      }
    }
    guard hash.finish() == step.source.sha256 else {
      throw Failure(
        .badData, file: net.path, place: "array \"\(step.source.name)\"", "does not match its SHA-256",
        hint: "the file was damaged: make it again")
    }
  }

  /// Quantizes an array a few rows at a time.
  private func forEachRows(
    of array: ArrayEntry, _ hash: inout SHA256, _ body: (QuantizedRows) throws -> Void
  ) throws {
    let columns = array.shape.dimensions[1]
    let rowBytes = columns * array.elementType.size
    var waiting: [UInt8] = []
    try net.forEachChunk(of: array) { piece in
      hash.update(piece)
      waiting.append(contentsOf: piece)
      let whole = waiting.count / rowBytes * rowBytes
      guard whole > 0 else { return }
      let floats = FloatConversion.convert(
        waiting.rawSpan.extracting(0..<whole), from: array.elementType, to: .float32)
      guard let rows = QuantizedRows(Floats.array(floats), columns: columns) else {
        throw Failure(
          .badData, file: net.path, place: "array \"\(array.name)\"", "holds numbers that are not finite, or too large",
          hint: "such a net can't be quantized; were its weights damaged in training?")
      }
      waiting.removeFirst(whole)
      try body(rows)
    }
  }

  /// The same net file made again is no loss; another one's is.
  private func checkNothingIsLost(_ path: String, _ source: Digest) throws(Failure) {
    guard Paths.exists(path) else { return }
    let there = try? NetFile(path)
    guard there?.header.provenance.sources.first?.sha256 != source else { return }
    throw Failure(
      .cannotCreate, file: path, "holds a net that came from elsewhere, which would be lost",
      hint: "choose another --shelf, or replace it with --force")
  }

  /// Arrays of an int8 net that are not what this quantization makes, and why.
  /// - Throws: `Failure` of kind `badData` or `io` when the float net can't be read.
  public func differences(
    from quantized: NetFile, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> [Damage] {
    let entries = Dictionary(quantized.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let found = Mutex([Int: Damage]())
    try inParallel(jobs: steps.count) { [self] job in
      let step = steps[job]
      var digests: [Digest] = []
      if step.isQuantized {
        var elements = SHA256()
        var scales = SHA256()
        var source = SHA256()
        try forEachRows(of: step.source, &source) { rows in
          elements.update(rows.elements.rawSpan)
          scales.update(Floats.bytes(rows.scales).rawSpan)
        }
        digests = [elements.finish(), scales.finish()]
      } else {
        digests = [step.source.sha256]
      }
      for (index, digest) in digests.enumerated() {
        let expected = header.arrays[step.target + index]
        let entry = entries[expected.name]
        guard entry?.sha256 != digest || entry?.elementType != expected.elementType else { continue }
        let reason = entry == nil ? "it is not in the net file" : "it is not what the float net gives"
        found.withLock { $0[step.target + index] = Damage(array: expected.name, reason: reason) }
      }
      progress(step.source.name, step.source.bytes)
    }
    return found.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
  }
}
