import Arrays
import Checkpoints

/// Looks for arrays that are the parts of quantized weights: of each, a name that ends in a known word leads to the others, and
/// all of their types and shapes must fit.
struct QuantizationFinder {
  typealias Layer = PublishedQuantization.Layer
  typealias Scheme = PublishedQuantization.Scheme
  typealias Group = PublishedQuantization.Group

  let arrays: [CheckpointArray]
  let metadata: [(name: String, value: String)]
  let config: JSONValue?
  /// Classes of tensors that a pickle has, by their paths.
  let classes: [(path: String, name: String)]
  let data: (Int) throws(Failure) -> [UInt8]?
  private let indices: [[UInt8]: Int]

  /// Types that weights have before they are quantized.
  static let floats: Set<ElementType> = [.float32, .float16, .bfloat16]
  /// Bytes of the small arrays that are read.
  static let mostRead = 4096
  /// Lines of what else is in a file, beyond which there may be more.
  static let mostTold = 150

  init(
    _ arrays: [CheckpointArray], _ metadata: [(name: String, value: String)], _ leftovers: [Leftover],
    _ config: JSONValue?, _ data: @escaping (Int) throws(Failure) -> [UInt8]?
  ) {
    (self.arrays, self.metadata, self.data) = (arrays, metadata, data)
    self.config = config?["quantization_config"] ?? config?["compression_config"]
    dtype = Self.text(config?["torch_dtype"] ?? config?["dtype"] ?? config?[path: "text_config.torch_dtype"])
    classes = leftovers.compactMap { leftover in
      guard leftover.what.hasPrefix("is a torchao."), let end = leftover.what.firstIndex(of: ":") else { return nil }
      let word = leftover.what[..<end].split(separator: ".").last
      return word.map { (leftover.name, String($0)) }
    }
    indices = Dictionary(arrays.enumerated().map { (Array($1.name.utf8), $0) }) { first, _ in first }
  }

  private let dtype: String?

  /// What config.json says that the weights are where they are not quantized.
  var configuredFloat: ElementType? { dtype.flatMap(Self.float) }

  static func float(_ name: String) -> ElementType? {
    ElementType(rawValue: name.hasPrefix("torch.") ? String(name.dropFirst("torch.".count)) : name)
      .flatMap { floats.contains($0) ? $0 : nil }
  }

  static func mostFrequent(_ types: [ElementType]) -> ElementType? {
    Dictionary(grouping: types) { $0 }.max { ($0.value.count, $1.key.rawValue) < ($1.value.count, $0.key.rawValue) }?
      .key
  }

  static func text(_ json: JSONValue?) -> String? {
    if case .string(let text)? = json?.content { text } else { nil }
  }

  static func integer(_ json: JSONValue?) -> Int? { json.flatMap { try? $0.integer() } }

  // MARK: Arrays

  /// The array of a name.
  func at(_ name: String) -> Int? { indices[Array(name.utf8)] }

  func shape(_ index: Int) -> [Int] { arrays[index].shape.dimensions }
  func type(_ index: Int) -> ElementType { arrays[index].elementType }

  /// An array, if it has this type and shape.
  func at(_ name: String, _ types: Set<ElementType>, _ shape: [Int]? = nil) -> Int? {
    guard let index = at(name), types.contains(type(index)), shape == nil || self.shape(index) == shape else {
      return nil
    }
    return index
  }

  /// The arrays that are there of some names.
  func present(_ stem: String, _ words: [String]) -> [Int] { words.compactMap { at(stem + $0) } }

  /// Integers of a small array, where there is one of the name.
  func integers(_ name: String) throws(Failure) -> [Int]? {
    guard let index = at(name), [.int64, .int32].contains(type(index)), arrays[index].bytes <= Self.mostRead,
      let bytes = try data(index)
    else { return nil }
    let size = type(index).size
    return stride(from: 0, to: bytes.count, by: size).map { start in
      var bits: UInt64 = 0
      for place in 0..<size { bits |= UInt64(bytes[start + place]) << UInt64(8 * place) }
      return size == 8 ? Int(Int64(bitPattern: bits)) : Int(Int32(truncatingIfNeeded: bits))
    }
  }

  /// - Returns: the product, where all are positive and it fits.
  static func product(_ dimensions: [Int]) -> Int? {
    guard dimensions.allSatisfy({ $0 > 0 }) else { return nil }
    return (try? Shape(dimensions))?.elements
  }

  static func ceil(_ count: Int, _ divisor: Int) -> Int { count / divisor + (count % divisor == 0 ? 0 : 1) }

  /// Columns of a row's weights that a scale is for.
  func group(columns: Int, scales: Int) -> Group? {
    guard scales > 0, columns > 0, scales <= columns else { return nil }
    if scales == 1 { return .row }
    let size = Self.ceil(columns, scales)
    return Self.ceil(columns, size) == scales ? .elements(size) : nil
  }

  // MARK: Layers

  /// Words that names of quantized weights' parts end in; what a scheme begins to be looked for by.
  private static let words = [
    ".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4", "SCB", "qweight", "weight_packed",
    "weight_scale",
    "weight_scale_inv", "_blocks", "._data", "W_q",
  ]

  /// What an array, whose name ends in one of the words, and others are the parts of; nil where they don't fit.
  private func layer(_ word: String, _ stem: String, _ index: Int) throws(Failure) -> Layer? {
    switch word {
    case "SCB": bitsandbytes8(stem, index)
    case "qweight": gptqOrAWQ(stem, index)
    case "weight_packed": try packed(stem, index)
    case "weight_scale": scaled(stem, index)
    case "weight_scale_inv": inverseScaled(stem, index)
    case "_blocks": blocks(stem, index)
    case "._data": quanto(stem, index)
    case "W_q": try hqq(stem, index)
    default: try bitsandbytes4(stem, index)
    }
  }

  /// Whether some names, or notes, are such that a look is worth it.
  static func mayHaveLayers(_ arrays: [CheckpointArray], _ metadata: [(name: String, value: String)]) -> Bool {
    metadata.contains { $0.name.utf8.elementsEqual("tensor_names".utf8) }
      || arrays.contains { array in
        words.contains { array.name.hasSuffix($0) } || array.name.hasSuffix(".qdata")
          || array.name.contains(".tensor_impl.")
      }
  }

  /// Those that fit; an array is part of one.
  func layers() throws(Failure) -> [Layer] {
    var found = torchaoFlattened() + torchaoPickled()
    var taken = found.reduce(into: Set<Int>()) { $0.formUnion($1.members) }
    for index in arrays.indices where !taken.contains(index) {
      let name = arrays[index].name
      for word in Self.words where name.hasSuffix(word) {
        let stem = String(name.dropLast(word.count))
        // A word of its own: behind a dot, or alone.
        guard word.hasPrefix(".") || word.hasPrefix("_") || stem.isEmpty || stem.hasSuffix(".") else { continue }
        guard let layer = try layer(word, stem, index), taken.isDisjoint(with: layer.members) else { continue }
        taken.formUnion(layer.members)
        found.append(layer)
      }
    }
    return found
  }
}
