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
    /// The dimension that scales go along.
    var axis = 0

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
  let options: QuantizationOptions
  /// Of a plain net: arrays that don't become int8, and why.
  public let left: [(name: String, reason: LeftReason)]

  /// - Throws: `Failure` of kind `badData` when the net has no weights or is quantized already, or is plain and has nothing
  ///   that could be; `usage` when an array that is to be kept is not one of those that would be quantized.
  public init(_ net: NetFile, _ options: QuantizationOptions = QuantizationOptions()) throws(Failure) {
    try net.checkHasWeights(": there is nothing to quantize")
    if net.header.family == Family.plain.name {
      try self.init(plain: net, options)
    } else {
      try self.init(known: net, options)
    }
  }

  private init(known net: NetFile, _ options: QuantizationOptions) throws(Failure) {
    self.net = net
    self.options = options
    left = []
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
    header = Self.header(of: net, family.written(combination), plan.entries, plan.profile, convertedFrom: plan.from)
  }

  private init(plain net: NetFile, _ options: QuantizationOptions) throws(Failure) {
    self.net = net
    self.options = options
    family = .plain
    do {
      var combination = try Family.plain.combination(ofHeader: net.header)
      combination["Precision"] = .word(options.precision.rawValue)
      self.combination = combination
    } catch {
      throw error.inFile(net.path)
    }
    var plan = PlainQuantizationPlan(net, options)
    try plan.addAll()
    (steps, left) = (plan.steps, plan.left)
    header = Self.header(of: net, Family.plain.written(combination), plan.entries, nil, convertedFrom: plan.from)
  }

  private static func header(
    of net: NetFile, _ combination: Combination, _ arrays: [ArrayEntry], _ profile: QuantizationProfile?,
    convertedFrom: ElementType?
  ) -> NetHeader {
    var header = net.header
    header.parameters = combination.json
    header.arrays = arrays
    if let profile { header.profile = header.profile.setting(["quantization"], to: profile.json) }
    header.provenance = Provenance(
      tool: Ingot.tool, layout: net.header.provenance.layout, convertedFrom: convertedFrom,
      seed: net.header.provenance.seed, sources: [.init(file: Paths.name(net.path), bytes: net.file.size)])
    return header
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

  /// Whether nothing is known of the net's layers.
  public var isPlain: Bool { family.name == Family.plain.name }

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
  /// - Throws: `Failure` of kind `badData` when a weight of a known family is not finite or an array doesn't match its
  ///   SHA-256, `mismatch` when no array of a plain net bears int8, `cannotCreate` when another net would be lost or the file
  ///   can't be written, `io`.
  public static func run(
    _ quantizations: [Quantization], on shelf: Shelf, replacing: Bool,
    progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> [QuantizedNet] {
    var made: [(quantization: Quantization, written: Written)] = []
    for quantization in quantizations {
      let path = shelf.path(quantization.family, quantization.combination)
      guard !made.contains(where: { $0.written.file.path == path }) else {
        throw Failure(.usage, file: path, "two of the nets would become this one", hint: "quantize one after the other")
      }
      made.append(try quantization.settled(to: path, progress: progress))
    }
    let groups = Dictionary(grouping: made.map(\.written)) { Paths.folder(of: $0.file.path) }
    for group in groups.sorted(by: { $0.key < $1.key }) {
      try OutputFile.commit(group.value.map(\.file)) { () throws(Failure) in
        for net in group.value where !replacing { try checkNothingIsLost(net.file.path, net.source) }
      }
    }
    return made.map { quantization, written in
      let net = WrittenNet(
        path: written.file.path, combination: quantization.combination, header: written.header)
      return QuantizedNet(quantization: quantization, net: net, errors: written.errors)
    }
  }

  /// Writes the new net on a shelf.
  public func run(
    on shelf: Shelf, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> WrittenNet {
    try Self.run([self], on: shelf, replacing: replacing, progress: progress)[0].net
  }

  /// A file that is whole, but not in its place.
  struct Written {
    let file: OutputFile
    let header: NetHeader
    /// Of the float net's file.
    let source: Digest
    /// Of int8 arrays, in the order of the file.
    let errors: [(array: String, error: QuantizationError)]
  }

  /// Writes the new net, and where some arrays of a plain net turn out not to bear int8, once more without these.
  private func settled(
    to path: String, progress: @escaping ProgressHandler
  ) throws -> (quantization: Quantization, written: Written) {
    switch try attempt(to: path, progress: progress) {
    case .written(let written): return (self, written)
    case .unfit(let arrays):
      let first = arrays[0]
      guard isPlain else { throw first.failure }
      var options = options
      for array in arrays {
        let type = array.reason.isBelow ? options.fallback : nil
        options.kept.updateValue(type, forKey: array.name)
        options.unfit[array.name] = array.reason
      }
      let again: Quantization
      do throws(Failure) {
        again = try Quantization(net, options)
      } catch {
        throw error.kind == .badData ? first.failure : error
      }
      guard case .written(let written) = try again.attempt(to: path, progress: progress) else {
        throw Failure(.io, file: net.path, "changed while it was quantized", hint: "do it again")
      }
      return (again, written)
    }
  }

  /// Writes the new net anywhere.
  func write(to path: String, progress: @escaping ProgressHandler = { _, _ in }) throws -> Written {
    try settled(to: path, progress: progress).written
  }

  private enum Attempt {
    case written(Written)
    /// Arrays that don't bear int8, in the order of the file: at least one.
    case unfit([UnfitArray])
  }

  private func attempt(to path: String, progress: @escaping ProgressHandler) throws -> Attempt {
    let writer = try NetFileWriter(path, header: header, compress: false)
    let digest = Mutex(Digest.zero)
    let errors = Mutex([Int: QuantizationError]())
    let unfit = Mutex([Int: UnfitArray]())
    let jobs = jobs
    try inParallel(jobs: jobs.count + 1) { [self] job in
      // The whole file's digest can't be divided, and so comes first.
      guard job > 0 else {
        var hash = SHA256()
        try net.file.forEachChunk(in: 0..<net.file.size) { hash.update($0) }
        let whole = hash.finish()
        return digest.withLock { $0 = whole }
      }
      for index in jobs[job - 1] {
        let step = steps[index]
        do {
          try makeParts(of: step) { error in
            errors.withLock { $0[index] = error }
            try checkIsEnough(error, step.source)
          } _: { part, produce in
            try writer.write(step.target + part, produce)
          }
        } catch let array as UnfitArray {
          unfit.withLock { $0[index] = array }
        }
        progress(step.source.name, step.source.bytes)
      }
    }
    let failed = unfit.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    guard failed.isEmpty else { return .unfit(failed) }
    let source = digest.withLock(\.self)
    let found = errors.withLock { $0.sorted { $0.key < $1.key } }
    return .written(
      Written(
        file: writer.file, header: try writer.finish(sourceDigests: [source]), source: source,
        errors: found.map { (steps[$0.key].source.name, $0.value) }))
  }

  private func checkIsEnough(_ error: QuantizationError, _ array: ArrayEntry) throws(UnfitArray) {
    guard let least = options.minimumSQNR, error.sqnr < least else { return }
    throw UnfitArray(
      name: array.name, reason: .below(error.sqnr),
      failure: Failure(
        .mismatch, file: net.path, "no array has \(least) dB or more as int8", hint: "ask for less by --min-sqnr"))
  }

  /// Steps that are done together, by number: those that hold a large array in memory come one after the other.
  private var jobs: [[Int]] {
    let large = steps.indices.filter { index in
      steps[index].isQuantized && !AxisRows(steps[index].source.shape, axis: steps[index].axis).areAdjacent
        && steps[index].source.bytes > Self.largeBytes
    }
    let others = Set(steps.indices).subtracting(large).sorted().map { [$0] }
    return (large.isEmpty ? [] : [large]) + others
  }

  /// An array that only one thread may hold.
  private static let largeBytes = 8 << 20

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
    let jobs = jobs
    try inParallel(jobs: jobs.count) { [self] job in
      for step in jobs[job].map({ steps[$0] }) {
        do {
          try makeParts(of: step) { part, produce in
            var hash = SHA256()
            try produce { hash.update($0) }
            let (expected, digest) = (header.arrays[step.target + part], hash.finish())
            let entry = entries[expected.name]
            let isSame =
              entry?.sha256 == digest && entry?.elementType == expected.elementType && entry?.shape == expected.shape
              && entry?.scales == expected.scales && entry?.scaleAxis == expected.scaleAxis
            guard !isSame else { return }
            let reason = entry == nil ? "it is not in the net file" : "it is not what the float net gives"
            found.withLock { $0[step.target + part] = Damage(array: expected.name, reason: reason) }
          }
        } catch let array as UnfitArray {
          throw array.failure
        }
        progress(step.source.name, step.source.bytes)
      }
    }
    let known = Set(header.arrays.map(\.name))
    let extra = quantized.header.arrays.filter { !known.contains($0.name) }.map {
      Damage(array: $0.name, reason: "it is not in the source")
    }
    return found.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } + extra
  }
}
