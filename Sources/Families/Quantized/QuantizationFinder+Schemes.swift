import Arrays
import Checkpoints

extension QuantizationFinder {
  // MARK: bitsandbytes (bitsandbytes/functional.py, QuantState.as_dict)

  /// Pairs of 4-bit numbers, whatever the shape; what that was stands as JSON in an array of bytes.
  func bitsandbytes4(_ stem: String, _ state: Int) throws(Failure) -> Layer? {
    guard let weight = at(stem), [.uint8, .int8, .float32, .float16, .bfloat16].contains(type(weight)),
      type(state) == .uint8,
      arrays[state].bytes <= Self.mostRead, let text = try data(state), let json = try? JSONValue(parsing: text),
      let kind = Self.text(json["quant_type"]), ["nf4", "fp4"].contains(kind),
      let block = Self.integer(json["blocksize"]), block > 0,
      let count = (try? json.member("shape").sizes()).flatMap(Self.product),
      arrays[weight].bytes == Self.ceil(count, 2),
      let scales = at("\(stem).absmax", [.uint8, .float32]), arrays[scales].shape.elements == Self.ceil(count, block),
      let map = at("\(stem).quant_map", [.float32], [16])
    else { return nil }
    var members: Set = [weight, state, scales, map]
    let isNested = type(scales) == .uint8
    if isNested {
      guard let inner = at("\(stem).nested_absmax", [.float32]), let map = at("\(stem).nested_quant_map", [.float32]),
        let size = Self.integer(json["nested_blocksize"]), size > 0,
        arrays[inner].shape.elements == Self.ceil(arrays[scales].shape.elements, size)
      else { return nil }
      members.formUnion([inner, map])
    }
    let name = "bitsandbytes \(kind.uppercased())\(isNested ? " with quantized scales" : "")"
    return Layer(
      scheme: Scheme(name: name, bits: 4, group: .elements(block)), weights: count, members: members,
      floatType: Self.text(json["dtype"]).flatMap(Self.float))
  }

  /// A byte each, with the largest magnitude of each row.
  func bitsandbytes8(_ stem: String, _ scales: Int) -> Layer? {
    guard let weight = at(stem + "weight", [.int8]), shape(weight).count == 2, type(scales) == .float32,
      shape(scales) == [shape(weight)[0]]
    else { return nil }
    return Layer(
      scheme: Scheme(name: "bitsandbytes LLM.int8()", bits: 8, group: .row), weights: arrays[weight].shape.elements,
      members: Set([weight, scales] + present(stem, ["weight_format"])), floatType: nil)
  }

  // MARK: GPTQ, AWQ

  /// Both pack columns of zeros and have scales of [groups, outputs]; GPTQ packs inputs of a matrix of [inputs, outputs], AWQ
  /// outputs.
  func gptqOrAWQ(_ stem: String, _ packed: Int) -> Layer? {
    guard type(packed) == .int32, shape(packed).count == 2, let scales = at(stem + "scales", Self.floats),
      shape(scales).count == 2, let zeros = at(stem + "qzeros", [.int32]), shape(zeros).count == 2
    else { return nil }
    let (groups, outputs) = (shape(scales)[0], shape(scales)[1])
    guard groups > 0, outputs > 0, shape(zeros)[0] == groups,
      let bits = [2, 3, 4, 8].first(where: { shape(zeros)[1] == Self.ceil(outputs * $0, 32) })
    else { return nil }
    let order = at(stem + "g_idx", [.int32])
    let (name, inputs): (String, Int)
    if shape(packed)[1] == outputs, shape(packed)[0] * 32 % bits == 0 {
      (name, inputs) = ("GPTQ", order.map { arrays[$0].shape.elements } ?? shape(packed)[0] * 32 / bits)
      guard Self.ceil(inputs * bits, 32) == shape(packed)[0] else { return nil }
    } else if order == nil, shape(packed)[1] == shape(zeros)[1] {
      (name, inputs) = ("AWQ", shape(packed)[0])
    } else {
      return nil
    }
    guard let group = group(columns: inputs, scales: groups), let weights = Self.product([inputs, outputs]) else {
      return nil
    }
    return Layer(
      scheme: Scheme(name: name, bits: bits, group: group), weights: weights,
      members: Set([packed, scales, zeros] + (order.map { [$0] } ?? [])),
      floatType: type(scales) == .float32 ? nil : type(scales))
  }

  // MARK: compressed-tensors, and others of its form

  /// Arrays of numbers of a layer that belong to its quantization, beside weights and their scale.
  private static let belongings = [
    "input_scale", "input_zero_point", "input_global_scale", "output_scale", "output_zero_point", "weight_zero_point",
    "weight_g_idx", "weight_global_scale", "weight_scale_2", "weight_shape",
  ]

  func packed(_ stem: String, _ packed: Int) throws(Failure) -> Layer? {
    guard let scales = at(stem + "weight_scale"), let columns = shape(packed).last, shape(packed).count >= 2,
      let scaleColumns = shape(scales).last
    else { return nil }
    let rows = Array(shape(packed).dropLast())
    let members = Set([packed, scales] + present(stem, Self.belongings))
    if type(packed) == .uint8 { return floats4And6(stem, rows, columns, scales, members) }
    guard type(packed) == .int32, Self.floats.contains(type(scales)),
      let whole = try integers(stem + "weight_shape"), whole.count == rows.count + 1,
      Array(whole.dropLast()) == rows, let inputs = whole.last, let weights = Self.product(whole),
      Array(shape(scales).dropLast()) == rows || arrays[scales].shape.elements == 1
    else { return nil }
    // 32 weights to as many numbers as a weight has bits, or, as it was before, as many whole ones as a number holds.
    let fitting = (1...8).filter {
      columns == Self.ceil(inputs * $0, 32) || 32 % $0 > 0 && $0 < 7 && columns == Self.ceil(inputs, 32 / $0)
    }
    guard !fitting.isEmpty else { return nil }
    let said = configuredBits.flatMap { fitting.contains($0) ? $0 : nil }
    let group =
      arrays[scales].shape.elements == 1 && rows != [1] ? .tensor : group(columns: inputs, scales: scaleColumns)
    guard let group else { return nil }
    return Layer(
      scheme: Scheme(
        name: "compressed-tensors pack-quantized", bits: said ?? (fitting.count == 1 ? fitting[0] : nil), group: group),
      weights: weights, members: members, floatType: type(scales) == .float32 ? nil : type(scales))
  }

  /// What config.json says of the bits of a weight, where it says one number.
  private var configuredBits: Int? { Self.integer(configuredWeights?["num_bits"]) }

  /// What config.json says of weights, where it has one group of layers.
  private var configuredWeights: JSONValue? {
    guard case .object(let groups)? = config?["config_groups"]?.content, groups.count == 1 else { return nil }
    return groups[0].value["weights"]
  }

  /// NVFP4: scales of 8 bits for 16 weights, and one for all; MXFP4 and MXFP6: powers of two for 32.
  private func floats4And6(
    _ stem: String, _ rows: [Int], _ columns: Int, _ scales: Int, _ members: Set<Int>
  ) -> Layer? {
    guard Array(shape(scales).dropLast()) == rows, let count = shape(scales).last, count > 0 else { return nil }
    let isNV = type(scales) == .float8E4M3 && at(stem + "weight_global_scale", [.float32]) != nil
    let isPower = [.uint8, .float8E8M0].contains(type(scales))
    let (name, bits, size): (String, Int, Int)
    switch (isNV, isPower, columns) {
    case (true, _, 8 * count): (name, bits, size) = ("compressed-tensors NVFP4", 4, 16)
    case (_, true, 16 * count): (name, bits, size) = ("compressed-tensors MXFP4", 4, 32)
    case (_, true, 24 * count): (name, bits, size) = ("compressed-tensors MXFP6", 6, 32)
    default: return nil
    }
    guard let weights = Self.product(rows + [count * size]) else { return nil }
    return Layer(
      scheme: Scheme(name: name, bits: bits, group: .elements(size)), weights: weights, members: members, floatType: nil
    )
  }

  /// Weights of a byte each, or pairs of 4-bit floats, and scales beside them.
  func scaled(_ stem: String, _ scales: Int) -> Layer? {
    guard let weight = at(stem + "weight"), shape(weight).count >= 2, let columns = shape(weight).last else {
      return nil
    }
    let members = Set([weight, scales] + present(stem, Self.belongings))
    let rows = Array(shape(weight).dropLast())
    let count = shape(scales).last ?? 1
    // ModelOpt's: the global scale has a name of its own.
    if type(weight) == .uint8 || type(weight) == .float4E2M1 {
      let inputs = type(weight) == .uint8 ? 2 * columns : columns
      guard type(scales) == .float8E4M3, at(stem + "weight_scale_2", [.float32]) != nil,
        shape(scales) == rows + [count],
        inputs == 16 * count, let weights = Self.product(rows + [inputs])
      else { return nil }
      return Layer(
        scheme: Scheme(name: "ModelOpt NVFP4", bits: 4, group: .elements(16)), weights: weights, members: members,
        floatType: nil)
    }
    let kinds: [ElementType: String] = [.int8: "int8", .float8E4M3: "FP8", .float8E5M2: "FP8", .float8E4M3FNUZ: "FP8"]
    guard let kind = kinds[type(weight)] else { return nil }
    if [.uint8, .float8E8M0].contains(type(scales)) {
      guard kind == "FP8", shape(scales) == rows + [count], columns == 32 * count else { return nil }
      return Layer(
        scheme: Scheme(name: labelled("MXFP8"), bits: 8, group: .elements(32)), weights: arrays[weight].shape.elements,
        members: members, floatType: nil)
    }
    guard Self.floats.contains(type(scales)), let group = scaleGroup(weight, scales) else { return nil }
    return Layer(
      scheme: Scheme(name: labelled(kind), bits: 8, group: group), weights: arrays[weight].shape.elements,
      members: members, floatType: type(scales) == .float32 ? nil : type(scales))
  }

  /// What the scales of a matrix are for, by their shape.
  private func scaleGroup(_ weight: Int, _ scales: Int) -> Group? {
    let (whole, parts) = (shape(weight), shape(scales))
    guard arrays[weight].shape.elements > 0 else { return nil }
    if arrays[scales].shape.elements == 1 { return .tensor }
    let rows = Array(whole.dropLast())
    if parts == rows || parts == rows + [1] { return .row }
    guard parts.count == whole.count, let columns = whole.last, let count = parts.last else { return nil }
    if Array(parts.dropLast()) == rows { return group(columns: columns, scales: count) }
    return block(whole, parts)
  }

  /// Blocks of a matrix, of a usual size that fits, or of that which config.json says.
  private func block(_ whole: [Int], _ parts: [Int]) -> Group? {
    guard whole.count == parts.count, whole.count >= 2, whole.dropLast(2).elementsEqual(parts.dropLast(2)) else {
      return nil
    }
    let said = [config?["weight_block_size"], configuredWeights?["block_structure"]].compactMap { try? $0?.sizes() }
    let place = whole.count - 2
    let found = (said + [128, 64, 32, 256, 16, 512].map { [$0, $0] }).first { size in
      size.count == 2 && size.allSatisfy { $0 > 0 }
        && (0..<2).allSatisfy {
          Self.ceil(whole[place + $0], size[$0]) == parts[place + $0]
        }
    }
    return found.map { .block($0[0], $0[1]) }
  }

  /// Whose scheme it is, where config.json says so: several write the same arrays.
  private func labelled(_ kind: String) -> String {
    switch Self.text(config?["quant_method"]) {
    case "compressed-tensors"?: "compressed-tensors \(kind)"
    case "fbgemm_fp8"? where kind == "FP8": "FBGEMM FP8"
    case "modelopt"?: "ModelOpt \(kind)"
    case "quark"?: "Quark \(kind)"
    default: kind
    }
  }

  /// FP8 with what its blocks are to be multiplied with, as DeepSeek has it.
  func inverseScaled(_ stem: String, _ scales: Int) -> Layer? {
    guard let weight = at(stem + "weight", [.float8E4M3, .float8E5M2]), shape(weight).count >= 2,
      Self.floats.contains(type(scales)) || type(scales) == .float8E8M0
    else { return nil }
    let isOne = arrays[scales].shape.elements == 1 && arrays[weight].shape.elements > 128 * 128
    guard let group = isOne ? .tensor : block(shape(weight), shape(scales)) else { return nil }
    return Layer(
      scheme: Scheme(name: "FP8", bits: 8, group: group), weights: arrays[weight].shape.elements,
      members: Set([weight, scales] + present(stem, Self.belongings)), floatType: nil)
  }

  /// MXFP4 of gpt-oss: 16 bytes of pairs for each power of two.
  func blocks(_ stem: String, _ packed: Int) -> Layer? {
    guard type(packed) == .uint8, let scales = at(stem + "_scales", [.uint8]), shape(packed).count >= 3,
      shape(packed) == shape(scales) + [16], let pairs = Self.product(shape(packed))
    else { return nil }
    return Layer(
      scheme: Scheme(name: "MXFP4", bits: 4, group: .elements(32)), weights: 2 * pairs, members: [packed, scales],
      floatType: nil)
  }
}
