import Arrays
import Checkpoints
import NetFile
import Nets

extension Family {
  /// Nets of no known construction: named arrays, kept as they are published. Nothing is known of layers, so nothing is
  /// demanded either; what a conversion proves is that every array is there, bit for bit unless another precision was
  /// asked for.
  public static let plain = Family(
    name: "plain", title: "named arrays of no known family, kept as they are published", modelTypes: [],
    axes: [
      Axis(
        name: "Name", about: "what the net is called", values: [.word("unnamed")], defaultValue: .word("unnamed"),
        isOpen: true, selects: nil, field: nil, isInferred: false, otherwise: nil, isImplicit: false,
        isNamedByFolder: false),
      Axis(
        name: "Precision", about: "element type of the weights",
        values: [.word("original"), .word("float32"), .word("float16"), .word("bfloat16"), .word("int8")],
        defaultValue: .word("original"),
        isOpen: false, selects: .precision, field: nil, isInferred: false, otherwise: nil, isImplicit: true,
        isNamedByFolder: false),
    ], nets: [], variants: [], defaultProfile: "", profiles: [], layouts: [], published: [], configurationKeys: nil)

  /// The name of the one net of the plain family.
  static let plainNet = "Arrays"
}

extension Layout {
  /// Every array under its published name.
  public static let plain = Layout(name: "plain", about: "as published")
}

extension ConversionPlan {
  /// The plan that keeps every array of a checkpoint as it is; with a precision, all that are floats in that, and the others
  /// as they are.
  /// - Parameter unknown: what is to be said where nobody asked for that, but the arrays are of no known family.
  /// - Throws: `Failure` of kind `badData` when a name can't stand in a net file; `usage` for a precision that a
  ///   checkpoint can't be converted to.
  init(plain checkpoint: any Checkpoint, _ request: ConversionRequest, unknown: String? = nil) throws(Failure) {
    let precision = try Self.precision(request)
    let quantization = try PublishedQuantization(checkpoint)
    guard precision == nil || quantization == nil else {
      throw Failure(
        .usage,
        "its weights are quantized (\(quantization?.schemes.first?.scheme.name ?? "")), and their numbers not worked out",
        hint: "leave out --precision: the arrays are kept as they are")
    }
    var entries: [ArrayEntry] = []
    for array in checkpoint.arrays {
      let isConverted = precision.map { ElementConversion.isPossible(from: array.elementType, to: $0) } ?? false
      let type = isConverted ? precision ?? array.elementType : array.elementType
      entries.append(try ArrayEntry(name: array.name, elementType: type, shape: array.shape))
    }
    guard precision == nil || entries.contains(where: { $0.elementType == precision }) else {
      throw Failure(.usage, "holds no floating-point numbers to convert", hint: "leave out --precision")
    }
    var combination = try Family.plain.combination(setting: request.parameters)
    if !request.parameters.contains(where: { $0.name == "Name" }) {
      combination["Name"] = .word(Self.defaultName(checkpoint.path))
      combination = try Family.plain.combination(setting: combination.parameters)
    }
    if let precision { combination["Precision"] = .word(precision.rawValue) }
    let converted = zip(checkpoint.arrays, entries).filter { $0.elementType != $1.elementType }.map(\.0.elementType)
    let header = NetHeader(
      family: Family.plain.name, net: Family.plainNet, parameters: Family.plain.written(combination).json,
      configuration: [],
      profile: .object([:]), tokenizer: nil,
      provenance: Provenance(
        tool: Ingot.tool, layout: Layout.plain.name,
        convertedFrom: converted.max { ($0.bits, $0.rawValue) < ($1.bits, $1.rawValue) }, part: .init(request.part),
        sources: checkpoint.files.map { .init(file: Paths.name($0.path), bytes: $0.size) }),
      isInitialized: true, ties: [], arrays: entries)
    let arrays = entries.indices.map { index in
      PlannedArray(
        entry: entries[index], sources: [index], transform: .none, sourceType: checkpoint.arrays[index].elementType)
    }
    self.init(
      checkpoint: checkpoint, family: .plain, layout: .plain,
      nets: [.init(combination: combination, description: NetDescription(), header: header, arrays: arrays)],
      coverage: Coverage(arrays: arrays.count, used: arrays.count, tied: [], ignored: []),
      notes: [unknown.map { "\(quantization == nil ? $0 : Self.unknownFamily): \(Self.kept(precision))" }]
        .compactMap(\.self) + checkpoint.notes + [quantization?.note, checkpoint.leftoverNote].compactMap(\.self),
      smallFiles: [], quantization: quantization)
  }

  /// What the floats are to become; nil: they stay what they are.
  private static func precision(_ request: ConversionRequest) throws(Failure) -> ElementType? {
    guard let named = request.parameters.first(where: { $0.name == Family.plain.precisionAxis?.name })?.value,
      named != Family.plain.precisionAxis?.defaultValue
    else { return request.precision }
    if let precision = request.precision, named != .word(precision.rawValue) {
      throw Failure(.usage, "--precision \(precision.rawValue) contradicts Precision=\(named)")
    }
    guard let type = ElementType(rawValue: "\(named)"), FloatConversion.isPossible(from: .float32, to: type) else {
      throw Failure(
        .usage, "no checkpoint is converted to Precision=\(named)",
        hint: "`ingot quantize` makes int8 nets of what was converted")
    }
    return type
  }

  static let unknownFamily = "the arrays are of no known family"

  /// What becomes of the arrays.
  private static func kept(_ precision: ElementType?) -> String {
    let kept =
      precision.map { "floats become \($0.rawValue), others are kept as they are" } ?? "arrays are kept as they are"
    return
      "\(kept), under their own names, and can be listed, inspected, compared, verified, quantized and exported, but not run"
  }

  /// The file's name, or its folder's where that is a usual one, made of the characters that names may have.
  private static func defaultName(_ path: String) -> String {
    let stem = Paths.name(path).split(separator: ".").first.map(String.init) ?? ""
    let name = ["model", "pytorch_model", "tf_model"].contains(stem) ? Paths.name(Paths.folder(of: path)) : stem
    let allowed = name.unicodeScalars.map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
        ? Character(scalar) : "-"
    }
    return allowed.isEmpty || allowed[0] == "." ? "unnamed" : String(String(allowed).prefix(64))
  }
}
