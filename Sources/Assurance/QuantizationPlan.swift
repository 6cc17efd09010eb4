import Arrays
import Families
import Kernels
import NetFile
import Nets

/// Decides what becomes of every array of a float net.
struct QuantizationPlan {
  private let net: NetFile
  private let kind: Family.NetKind
  private let layers: [String: LayerType?]
  private let options: QuantizationOptions
  private(set) var entries: [ArrayEntry] = []
  private(set) var steps: [Quantization.Step] = []
  /// Type that was quantized or converted.
  private(set) var from: ElementType?

  init(
    _ net: NetFile, _ kind: Family.NetKind, _ description: NetDescription, _ options: QuantizationOptions
  ) {
    self.net = net
    self.kind = kind
    self.options = options
    layers = Dictionary(uniqueKeysWithValues: description.arrays.map { ($0.name, $0.layer) })
  }

  /// Layers that use a weight, by their paths: the one it is named after and those tied to it.
  static func layers(of weight: String, in header: NetHeader) -> [String] {
    let suffix = ".weight"
    return ([weight] + header.ties.filter { $0.same == weight }.map(\.name)).filter { $0.hasSuffix(suffix) }
      .map { String($0.dropLast(suffix.count)) }
  }

  mutating func addAll() throws(Failure) {
    var unknown = Set(options.kept.keys).union(options.floatActivations)
    /// By bias: the weight that is rounded, and its layer's input.
    var corrections: [String: (weight: ArrayEntry, input: LayerInput)] = [:]
    for array in net.header.arrays where isQuantized(array) {
      guard let (layer, input) = input(of: array) else { continue }
      corrections["\(layer).bias"] = (array, input)
    }
    for array in net.header.arrays {
      guard FloatConversion.isPossible(from: array.elementType, to: .float32) else {
        throw Failure(
          .badData, file: net.path, place: "array \"\(array.name)\"",
          "is of type \(array.elementType.rawValue): only float nets can be quantized",
          hint: "quantize the float net that this one was made from")
      }
      if isQuantizable(array) { unknown.remove(array.name) }
      if isQuantized(array) {
        try quantize(array)
      } else if let (weight, input) = corrections[array.name] {
        let type = options.rest ?? array.elementType
        add(array, .correct(weight: weight, input: input, type), try entry(array, type))
      } else {
        let type = type(of: array)
        if type != array.elementType { from = array.elementType }
        add(array, .convert(type), try entry(array, type))
      }
    }
    guard unknown.isEmpty else {
      throw Failure(
        .usage, "\(unknown.sorted()[0]) is no array that would be quantized", hint: "`ingot inspect` lists the arrays")
    }
  }

  private mutating func quantize(_ array: ArrayEntry) throws(Failure) {
    from = array.elementType
    let input = input(of: array)?.input
    let scales = "\(array.name).scales"
    let means = input.map { _ in "\(array.name).inputMeans" }
    let directions = input?.directions.map { _ in "\(array.name).inputDirections" }
    let entry = try ArrayEntry(
      name: array.name, elementType: .int8, shape: array.shape, scales: scales, inputMeans: means,
      inputDirections: directions)
    add(array, .quantize(input), entry)
    let (rows, columns) = (array.shape.dimensions[0], array.shape.dimensions[1])
    entries.append(try ArrayEntry(name: scales, elementType: .float32, shape: Shape([rows])))
    if let means { entries.append(try ArrayEntry(name: means, elementType: .float32, shape: Shape([columns]))) }
    if let directions, let count = input?.directions?.count {
      entries.append(try ArrayEntry(name: directions, elementType: .float16, shape: Shape([columns, count])))
    }
  }

  private mutating func add(_ source: ArrayEntry, _ action: Quantization.Step.Action, _ entry: ArrayEntry) {
    steps.append(.init(source: source, target: entries.count, action: action))
    entries.append(entry)
  }

  private func entry(_ array: ArrayEntry, _ type: ElementType) throws(Failure) -> ArrayEntry {
    try ArrayEntry(name: array.name, elementType: type, shape: array.shape)
  }

  /// Of an array that stays a float.
  private func type(of array: ArrayEntry) -> ElementType {
    if options.precision != .int8 { return options.precision }
    if let kept = options.kept[array.name] { return kept ?? array.elementType }
    return isQuantizable(array) ? array.elementType : options.rest ?? array.elementType
  }

  /// Whether it would be quantized if it were not kept.
  private func isQuantizable(_ array: ArrayEntry) -> Bool {
    guard options.precision == .int8, array.shape.rank == 2 else { return false }
    switch layers[array.name] ?? nil {
    case .linear: return true
    // Positions and types of tokens are few, and added to everything.
    case .embedding:
      return !array.name.hasSuffix(".position.weight") && !array.name.hasSuffix(".tokenType.weight")
    default: return false
    }
  }

  private func isQuantized(_ array: ArrayEntry) -> Bool {
    guard isQuantizable(array), options.kept[array.name] == nil else { return false }
    return !(options.keepsEmbeddings && layers[array.name] == .embedding)
  }

  /// The layer that uses a weight, and what is known of its input; nil where nothing is or the layer has no bias.
  private func input(of array: ArrayEntry) -> (layer: String, input: LayerInput)? {
    guard let all = options.inputs else { return nil }
    for layer in Self.layers(of: array.name, in: net.header) {
      guard let input = all[layer], input.means.count == array.shape.dimensions[1] else { continue }
      if net.header.arrays.contains(where: { $0.name == "\(layer).bias" }) { return (layer, input) }
    }
    return nil
  }

  /// What the new file says of it; nil for a float net.
  var profile: QuantizationProfile? {
    guard options.precision == .int8 else { return nil }
    let names = steps.filter(\.isQuantized).map(\.source.name)
    let knows = options.inputs != nil
    switch options.activations {
    case .float32?: return QuantizationProfile(activations: .float32, knowsInputs: knows)
    case .int8?:
      return QuantizationProfile(activations: .int8, exceptions: options.floatActivations, knowsInputs: knows)
    case nil: break
    }
    guard Self.looksAtMany(kind) else {
      // Of a text's nets only these see a whole image.
      let exceptions = names.filter { kind.definition == .blipTextEncoder && $0.contains(".crossAttention.") }
        .filter { $0.hasSuffix(".key.weight") || $0.hasSuffix(".value.weight") }
      return QuantizationProfile(
        activations: .float32, exceptions: Set(exceptions).subtracting(options.floatActivations),
        knowsInputs: knows)
    }
    return QuantizationProfile(
      activations: .int8, exceptions: options.floatActivations, knowsInputs: knows)
  }

  /// Whether hundreds of vectors go through a net at once, and bear rounding. Those of a sentence embedder's layers don't:
  /// two of three parts of what int8 costs all-MiniLM-L6-v2 came from them (docs/FIGURES.md).
  private static func looksAtMany(_ kind: Family.NetKind) -> Bool {
    ![.blipTextEncoder, .blipTextDecoder, .bertEncoder].contains(kind.definition)
  }
}
