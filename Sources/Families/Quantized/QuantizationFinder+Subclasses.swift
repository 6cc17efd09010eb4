import Arrays
import Checkpoints

/// Schemes of which each array was a tensor of a class of its own in Python.
extension QuantizationFinder {
  // MARK: torchao

  /// Safetensors as torchao flattens them: its metadata has, for each tensor, its class and the words of its parts
  /// (torchao/prototype/safetensors/safetensors_support.py).
  func torchaoFlattened() -> [Layer] {
    guard metadata.contains(where: { $0.name.utf8.elementsEqual("tensor_names".utf8) }) else { return [] }
    return metadata.compactMap { name, value in
      guard let json = try? JSONValue(parsing: Array(value.utf8)), let kind = Self.text(json["_type"]),
        kind != "Tensor",
        case .array(let words)? = json["_tensor_data_names"]?.content
      else { return nil }
      let cut = name.utf8.lastIndex(of: UInt8(ascii: "."))
      let stem = cut.map { "\(name[...$0])_\(name[name.index(after: $0)...])_" } ?? "_\(name)_"
      var parts: [String: Int] = [:]
      for word in words {
        guard let word = Self.text(word), let index = at(stem + word) else { return nil }
        parts[word] = index
      }
      let type = json[path: "_data.dtype._data"]
      let target = Self.text(json[path: "_data.target_dtype._data"]) ?? Self.text(json[path: "_data.elem_dtype._data"])
      let block = try? json[path: "_data.block_size"]?.sizes()
      return torchao(kind, parts, target: target, block: block, floatType: Self.text(type).flatMap(Self.float))
    }
  }

  /// Tensors of torchao's classes in a pickle, whose parts stand under their names.
  func torchaoPickled() -> [Layer] {
    guard !classes.isEmpty else { return [] }
    var parts: [String: [String: Int]] = [:]
    for (index, array) in arrays.enumerated() {
      guard let cut = array.name.utf8.lastIndex(of: UInt8(ascii: ".")) else { continue }
      var stem = String(array.name[..<cut])
      if stem.hasSuffix(".tensor_impl") { stem = String(stem.dropLast(".tensor_impl".count)) }
      parts[stem, default: [:]][String(array.name[array.name.index(after: cut)...])] = index
    }
    // What stands before all names of a file is left off them, and not all lines are told of many arrays.
    let prefix =
      classes.compactMap { tensor in
        parts.keys.first { tensor.path.hasSuffix(".\($0)") }.map { tensor.path.dropLast($0.utf8.count) }
      }.first ?? ""
    let kinds = Dictionary(classes.map { (Array($0.path.utf8), $0.name) }) { first, _ in first }
    let only = classes.count >= Self.mostTold && Set(kinds.values).count == 1 ? classes.first?.name : nil
    return parts.sorted { $0.key < $1.key }.compactMap { stem, parts in
      let kind = kinds[Array(stem.utf8)] ?? kinds[Array("\(prefix)\(stem)".utf8)] ?? only
      return kind.flatMap { torchao($0, parts, target: nil, block: nil, floatType: nil) }
    }
  }

  private func torchao(
    _ kind: String, _ parts: [String: Int], target: String?, block: [Int]?, floatType: ElementType?
  ) -> Layer? {
    guard let weight = parts["qdata"] ?? parts["int_data"] ?? parts["packed_weight"] ?? parts["float8_data"],
      let scales = parts["scale"] ?? parts["scale_and_zero"]
    else { return nil }
    let (bits, weights): (Int?, Int?)
    switch type(weight) {
    // A byte each, though fewer bits may be used of it.
    case .int8, .float8E4M3, .float8E5M2:
      let word = target.flatMap { $0.hasPrefix("int") ? Int($0.dropFirst(3)) : nil }
      (bits, weights) = (kind.contains("Unpacked") ? word : 8, Self.product(shape(weight)))
    case .uint8, .float4E2M1, .int32:
      guard ["Int4", "FP4", "MX", "TensorCore", "Affine"].contains(where: kind.contains) else { return nil }
      let bytes = arrays[weight].bytes
      (bits, weights) = (4, Self.product(shape(weight)) == nil ? nil : 2 * bytes)
    default: return nil
    }
    guard let weights else { return nil }
    let count = arrays[scales].shape.elements / (parts["scale"] == nil ? 2 : 1)
    guard count > 0 else { return nil }
    let rows = shape(weight).first ?? 1
    let size = kind.contains("NVFP4") ? 16 : block?.last ?? weights / count
    let group: Group = count == 1 ? .tensor : count == rows ? .row : .elements(size)
    let scaleType = type(scales)
    return Layer(
      scheme: Scheme(name: "torchao \(kind)", bits: bits, group: group), weights: weights, members: Set(parts.values),
      floatType: floatType ?? (scaleType == .bfloat16 || scaleType == .float16 ? scaleType : nil))
  }

  // MARK: quanto, HQQ

  /// quanto's: int8 with scales, or fewer bits in bytes, with shifts too (optimum/quanto/tensor).
  func quanto(_ stem: String, _ weight: Int) -> Layer? {
    guard let scales = at("\(stem)._scale", Self.floats), shape(weight).count >= 2, stem.hasSuffix("weight") else {
      return nil
    }
    let prefix = String(stem.dropLast("weight".count))
    let members = Set([weight, scales] + present(prefix, ["input_scale", "output_scale"]))
    let floatType = type(scales) == .float32 ? nil : type(scales)
    guard [.int8, .float8E4M3, .float8E5M2].contains(type(weight)), at("\(stem)._shift") == nil else { return nil }
    let rows = shape(weight)[0]
    let count = arrays[scales].shape.elements
    guard count == 1 || count == rows else { return nil }
    return Layer(
      scheme: Scheme(name: "quanto", bits: 8, group: count == 1 ? .tensor : .row),
      weights: arrays[weight].shape.elements,
      members: members, floatType: floatType)
  }

  /// HQQ's, as its layers' states have it: bits, group and shape are arrays of one or a few numbers.
  func hqq(_ stem: String, _ packed: Int) throws(Failure) -> Layer? {
    guard [.uint8, .int32].contains(type(packed)), let scales = at(stem + "scale", Self.floats),
      let zeros = at(stem + "zero", Self.floats), shape(scales) == shape(zeros),
      let bits = try integers(stem + "nbits")?.first, [1, 2, 3, 4, 8].contains(bits),
      let size = try integers(stem + "group_size")?.first, size > 0,
      let weights = try integers(stem + "shape").flatMap(Self.product),
      arrays[scales].shape.elements == Self.ceil(weights, size)
    else { return nil }
    // Of 3 bits, ten are in a number.
    let perByte = bits == 3 ? 0 : 8 / bits
    guard bits == 3 ? type(packed) == .int32 : arrays[packed].bytes * perByte == weights else { return nil }
    let words = [
      "nbits", "group_size", "shape", "axis", "channel_wise", "optimize", "packing", "quant_scale", "quant_zero",
      "round_zero", "view_as_float", "unpack_view_dtype", "compute_dtype", "offload_meta", "stores_quant_config",
    ]
    return Layer(
      scheme: Scheme(name: "HQQ", bits: bits, group: .elements(size)), weights: weights,
      members: Set([packed, scales, zeros] + present(stem, words)),
      floatType: type(scales) == .float32 ? nil : type(scales))
  }
}
