import Arrays

/// What config.json says of weights of the package compressed-tensors: int8 with a float32 scale for each output of a layer,
/// symmetric, inputs as they are (compressed_tensors/quantization/quant_config.py, quant_scheme.py and quant_args.py).
struct CompressedTensorsConfig {
  /// What `weight` and `weight_scale` in place of a float `weight` are called there.
  static let format = "int-quantized"

  /// Names of the layers: of their arrays without `.weight`.
  let layers: [String]

  /// A whole config.json.
  /// - Parameter source: that of the checkpoint; nil: the file says nothing else.
  /// - Throws: `Failure` of kind `badData`, without the file, when the source's weights were quantized already.
  func file(keeping source: JSONValue?) throws(Failure) -> JSONValue {
    for key in ["quantization_config", "compression_config"] where source?[key] != nil {
      throw Failure(
        .badData, place: "\"\(key)\"", "says how other weights than these are quantized",
        hint: "give the config.json of the float net that this one was made from")
    }
    var json = (source ?? .object([:])).withFloat32
    // Numbers get the type that the net is loaded in: in a narrower one they would be others.
    if json["torch_dtype"] == nil, json["dtype"] == nil { json = json.setting(["torch_dtype"], to: "float32") }
    return json.setting(["quantization_config"], to: quantization)
  }

  private var quantization: JSONValue {
    let weights: JSONValue = [
      "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "group_size": .null,
      "dynamic": false,
    ]
    let group: JSONValue = [
      "targets": .strings(layers.map(Self.target)), "weights": weights, "input_activations": .null,
      "output_activations": .null, "format": .string(Self.format),
    ]
    return [
      "quant_method": "compressed-tensors", "format": .string(Self.format), "quantization_status": "compressed",
      "config_groups": ["group_0": group], "ignore": [], "kv_cache_scheme": .null,
      "global_compression_ratio": .null,
      // transformers then makes floats of all that has a scale, whatever it calls the layers in memory. Left int8, a layer that
      // it renames, or that shares its weights, is not found by its name.
      "dequantize": true,
    ]
  }

  /// A name as a target means it: as it is, or, where that would mean a class of layers or a pattern, as a pattern
  /// (compressed_tensors/utils/match.py).
  private static func target(_ name: String) -> String {
    guard !name.contains(".") || name.hasPrefix("re:") else { return name }
    var pattern = "re:"
    for scalar in name.unicodeScalars {
      let character = Character(scalar)
      let isWord = !scalar.isASCII || character == "_" || character.isLetter || character.isNumber
      pattern += (isWord ? "" : "\\") + String(scalar)
    }
    return pattern + "$"
  }
}

extension JSONValue {
  /// The same with the type of a net's numbers float32, in parts of it too.
  fileprivate var withFloat32: JSONValue {
    guard case .object(let members) = content else { return self }
    let changed = members.map { member in
      if case .string = member.value.content, ["torch_dtype", "dtype"].contains(member.key) {
        return JSONMember(member.key, "float32")
      }
      return JSONMember(member.key, member.value.withFloat32)
    }
    return JSONValue(.object(changed))
  }
}
