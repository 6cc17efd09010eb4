import Arrays
import NetFile

/// Whose arithmetic prepares pictures: transformers has two backends, which differ in last bits.
public enum ImageBackend: String, CaseIterable, Sendable {
  /// Pillow's on bytes, then NumPy's.
  case pillow
  /// torchvision's, as transformers 5 has it where that is installed.
  case torchvision
}

/// How a picture becomes a net's input, by the settings of transformers' image processors (source: transformers 5.24,
/// image_processing_backends.py; the defaults are those of its classes). In a profile it is what `image` says.
package struct ImagePreparation: Sendable {
  package enum Size: Equatable, Sendable {
    case exactly(height: Int, width: Int)
    case shortestEdge(Int)
  }

  package var backend: ImageBackend
  /// nil: a picture is taken as large as it is.
  package var size: Size?
  package var filter: String
  /// The middle that is kept, black where the picture is smaller.
  package var crop: (height: Int, width: Int)?
  /// nil: values stay 0 … 255.
  package var scale: Double?
  /// nil: values stay as they are.
  package var normalization: (mean: [Double], std: [Double])?

  package init(
    backend: ImageBackend = .pillow, size: Size? = nil, filter: String = "bicubic",
    crop: (height: Int, width: Int)? = nil, scale: Double? = 1.0 / 255,
    normalization: (mean: [Double], std: [Double])? = nil
  ) {
    self.backend = backend
    self.size = size
    self.filter = filter
    self.crop = crop
    self.scale = scale
    self.normalization = normalization
  }

  /// Pillow's codes for its filters.
  package static let filters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]

  /// Whether every side is.
  package func isWithin(_ range: ClosedRange<Int>) -> Bool {
    let crops = crop.map { [$0.height, $0.width] } ?? []
    return switch size {
    case .exactly(let height, let width): (crops + [height, width]).allSatisfy(range.contains)
    case .shortestEdge(let edge): (crops + [edge]).allSatisfy(range.contains)
    case nil: crops.allSatisfy(range.contains)
    }
  }

  /// A length that goes with pictures of one side, for those of another: in proportion, rounded down, as published
  /// checkpoints have it (facebook/deit-base-distilled-patch16-384: 438 for 384, where it is 256 for 224).
  static func length(_ length: Int, from side: Int, to newSide: Int) -> Int {
    max(newSide, Int(Double(length) * Double(newSide) / Double(side)))
  }

  /// The same for pictures of another side.
  package func scaled(from side: Int, to newSide: Int) -> ImagePreparation {
    func scaled(_ length: Int) -> Int { Self.length(length, from: side, to: newSide) }
    var out = self
    switch size {
    case .exactly(let height, let width): out.size = .exactly(height: scaled(height), width: scaled(width))
    case .shortestEdge(let edge): out.size = .shortestEdge(scaled(edge))
    case nil: break
    }
    out.crop = crop.map { (scaled($0.height), scaled($0.width)) }
    return out
  }

  /// The size of every picture that is prepared, where it is always the same.
  package var result: (height: Int, width: Int)? {
    if let crop { return crop }
    if case .exactly(let height, let width) = size { return (height, width) }
    return nil
  }
}

// MARK: in a profile

extension ImagePreparation {
  /// The members of a profile's `image`, beside `side`. What a version before 0.2.0 would overlook makes `resize` an
  /// object, which that version refuses.
  package func members(side: Int) -> [JSONMember] {
    let isPlain =
      backend == .pillow && crop == nil && size == .exactly(height: side, width: side) && scale != nil
      && normalization != nil
    var resize = JSONValue.string(filter)
    if !isPlain {
      var members: [JSONMember] = [JSONMember("pixels", .string(backend.rawValue))]
      members.append(JSONMember("filter", size == nil ? .null : .string(filter)))
      switch size {
      case .exactly(let height, let width): members += Self.members(height, width)
      case .shortestEdge(let edge): members.append(JSONMember("shortestEdge", .integer(edge)))
      case nil: break
      }
      if let crop { members.append(JSONMember("crop", JSONValue(.object(Self.members(crop.height, crop.width))))) }
      resize = JSONValue(.object(members))
    }
    return [
      JSONMember("resize", resize), JSONMember("keepAspectRatio", .boolean(false)),
      JSONMember("scale", scale.map(JSONValue.number) ?? .null),
      JSONMember("mean", normalization.map { .array($0.mean.map(JSONValue.number)) } ?? .null),
      JSONMember("std", normalization.map { .array($0.std.map(JSONValue.number)) } ?? .null),
    ]
  }

  private static func members(_ height: Int, _ width: Int) -> [JSONMember] {
    [JSONMember("height", .integer(height)), JSONMember("width", .integer(width))]
  }

  /// From a profile's `image`, which the program or a family file wrote.
  /// - Throws: `Failure` of kind `badData` for anything else.
  package init(profile image: JSONValue) throws(Failure) {
    self.init()
    let resize = try image.member("resize")
    if case .string(let name) = resize.content {
      let side = try image.member("side").size()
      (filter, size) = (name, .exactly(height: side, width: side))
    } else {
      guard let backend = ImageBackend(rawValue: try resize.member("pixels").string()) else {
        throw resize.failure("pixels are those of pillow or torchvision")
      }
      self.backend = backend
      if case .string(let name) = try resize.member("filter").content { filter = name }
      if let edge = resize["shortestEdge"] {
        size = .shortestEdge(try edge.size())
      } else if let height = resize["height"] {
        size = .exactly(height: try height.size(), width: try resize.member("width").size())
      }
      if let crop = resize["crop"] {
        self.crop = (try crop.member("height").size(), try crop.member("width").size())
      }
    }
    scale = image["scale"]?.content == .null ? nil : try image.member("scale").number()
    if image["mean"]?.content != .null {
      normalization = (try Self.numbers(image.member("mean")), try Self.numbers(image.member("std")))
    }
  }

  private static func numbers(_ json: JSONValue) throws(Failure) -> [Double] {
    var out: [Double] = []
    for value in try json.array() { out.append(try value.number()) }
    return out
  }
}

// MARK: in a checkpoint

extension ImagePreparation {
  /// The classes whose pictures go through these steps and no other, with their defaults.
  private static let classes: [String: ImagePreparation] = {
    let clip = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    let half = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    return [
      "BlipImageProcessor": .init(size: .exactly(height: 384, width: 384), normalization: clip),
      "ViTImageProcessor": .init(
        size: .exactly(height: 224, width: 224), filter: "bilinear", normalization: half),
      "CLIPImageProcessor": .init(size: .shortestEdge(224), crop: (224, 224), normalization: clip),
      "BitImageProcessor": .init(size: .shortestEdge(224), crop: (224, 224), normalization: clip),
      "DeiTImageProcessor": .init(
        size: .exactly(height: 256, width: 256), crop: (224, 224), normalization: half),
    ]
  }()

  /// Classes that take a number as the length of the shorter edge.
  private static let shortEdged = ["CLIPImageProcessor", "BitImageProcessor"]

  /// Settings that change nothing here: of other inputs and outputs, of what is set otherwise, or notes.
  private static let withoutInfluence: Set<String> = [
    "_processor_class", "data_format", "default_to_square", "device", "disable_grouping", "do_convert_rgb",
    "image_seq_length", "input_data_format", "model_input_names", "processor_class", "return_tensors",
    "transformers_version", "_valid_processor_keys", "_name_or_path",
  ]

  private static let used: Set<String> = [
    "auto_map", "backend", "crop_size", "do_center_crop", "do_normalize", "do_pad", "do_rescale", "do_resize",
    "feature_extractor_type", "image_mean", "image_processor_type", "image_std", "pad_size", "resample",
    "rescale_factor", "size", "use_square_size",
  ]

  /// The image processor that a checkpoint's file describes.
  /// - Parameters:
  ///   - json: what preprocessor_config.json holds, or the member image_processor of processor_config.json.
  ///   - usual: the class that the net's family has where none is named.
  ///   - chosen: what the user wants in place of what the file says.
  /// - Returns: it, and keys that nothing is known of.
  /// - Throws: `Failure` of kind `badData` naming the setting that can't be obeyed.
  package static func reading(
    _ json: JSONValue, usual: String, chosen: ImageBackend?
  ) throws(Failure) -> (preparation: ImagePreparation, unknown: [String]) {
    if let code = json["auto_map"], code.content != .null {
      throw unsupported(code, "auto_map names code of its author's, which isn't run")
    }
    // The second is how releases before 4.25 named it; the class's older name may stand under both.
    let older = try text(json, "feature_extractor_type")
    let told = try text(json, "image_processor_type") ?? older
    let given = told?.replacing("FeatureExtractor", with: "ImageProcessor") ?? usual
    var name = given
    var out = ImagePreparation()
    for (ending, pixels) in [("Fast", ImageBackend.torchvision), ("Pil", .pillow)] where name.hasSuffix(ending) {
      name.removeLast(ending.count)
      out.backend = pixels
    }
    guard let usual = classes[name] else {
      throw unsupported(
        json["image_processor_type"] ?? json["feature_extractor_type"] ?? json,
        "image_processor_type \"\(given)\" is not supported; it can be \(classes.keys.sorted().joined(separator: ", "))"
      )
    }
    if let backend = try text(json, "backend") {
      guard let known = backend == "pil" ? .pillow : ImageBackend(rawValue: backend) else {
        throw unsupported(json["backend"] ?? json, "backend \"\(backend)\" is not supported: pil or torchvision")
      }
      out.backend = known
    }
    out.backend = chosen ?? out.backend

    for (step, needed) in [
      ("do_resize", ["resample"]), ("do_rescale", ["rescale_factor"]), ("do_normalize", ["image_mean", "image_std"]),
    ] where try flag(json, step) ?? true {
      for key in needed where json[key]?.content == .null {
        throw unsupported(json[key] ?? json, "\(key) is null, and \(step) needs it")
      }
    }
    if try flag(json, "do_resize") ?? true {
      out.size = try size(json, "size", isShortEdge: shortEdged.contains(name)) ?? usual.size
      out.filter = try filter(json) ?? usual.filter
      if out.backend == .torchvision, ["box", "hamming"].contains(out.filter) {
        throw unsupported(json["resample"] ?? json, "resample \(out.filter) is not among torchvision's filters")
      }
    }
    if try flag(json, "do_center_crop") ?? (usual.crop != nil) {
      let size = try size(json, "crop_size", isShortEdge: false)
      if case .exactly(let height, let width) = size {
        out.crop = (height, width)
      } else {
        guard size == nil, let crop = usual.crop else {
          throw unsupported(json["crop_size"] ?? json, "do_center_crop needs a crop_size with height and width")
        }
        out.crop = crop
      }
    }
    out.scale = try flag(json, "do_rescale") ?? true ? number(json, "rescale_factor") ?? usual.scale : nil
    if try flag(json, "do_normalize") ?? true {
      out.normalization = (
        try channels(json, "image_mean") ?? usual.normalization?.mean ?? [],
        try channels(json, "image_std") ?? usual.normalization?.std ?? []
      )
      guard out.normalization?.std.allSatisfy({ $0 > 0 && Float($0).isNormal }) == true else {
        throw unsupported(json["image_std"] ?? json, "image_std holds what is no positive number")
      }
    }
    guard out.scale.map({ $0 > 0 && Float($0).isNormal }) ?? true else {
      throw unsupported(json["rescale_factor"] ?? json, "rescale_factor is no positive number")
    }
    guard out.largestValue <= mostValue else {
      throw unsupported(
        json["rescale_factor"] ?? json["image_std"] ?? json,
        "rescale_factor, image_mean and image_std make values of pixels with which float32 overflows")
    }
    if try flag(json, "do_pad") ?? false, let padded = try size(json, "pad_size", isShortEdge: false) {
      guard let result = out.result, padded == .exactly(height: result.height, width: result.width) else {
        throw unsupported(json["do_pad"] ?? json, "do_pad is not supported: pictures aren't padded")
      }
    }
    if try flag(json, "use_square_size") ?? false {
      throw unsupported(json["use_square_size"] ?? json, "use_square_size is not supported")
    }
    let known = used.union(withoutInfluence)
    let keys = try json.object().map(\.key)
    return (out, keys.filter { !known.contains($0) && !$0.hasPrefix("_") })
  }

  /// Of a prepared picture: the squares of a thousand such values still fit float32.
  private static let mostValue = 1e17

  /// The largest value, by amount, that a byte of a picture can become.
  private var largestValue: Double {
    let white = 255 * (scale ?? 1)
    guard let normalization else { return white }
    return zip(normalization.mean, normalization.std).reduce(0) { max($0, abs($1.0) / $1.1, abs(white - $1.0) / $1.1) }
  }

  private static func unsupported(_ json: JSONValue, _ reason: String) -> Failure {
    json.failure(reason).hinting(
      "pictures can't be prepared as this net wants them; if you know that it doesn't matter, correct the file")
  }

  private static func present(_ json: JSONValue, _ key: String) -> JSONValue? {
    json[key].flatMap { $0.content == .null ? nil : $0 }
  }

  private static func text(_ json: JSONValue, _ key: String) throws(Failure) -> String? {
    guard let found = present(json, key) else { return nil }
    guard case .string(let text) = found.content else { throw unsupported(found, "\(key) is not a text") }
    return text
  }

  /// null is false, where a key that isn't there stands for what the class has.
  private static func flag(_ json: JSONValue, _ key: String) throws(Failure) -> Bool? {
    guard let found = json[key] else { return nil }
    if found.content == .null { return false }
    guard case .boolean(let value) = found.content else { throw unsupported(found, "\(key) is neither true nor false") }
    return value
  }

  private static func number(_ json: JSONValue, _ key: String) throws(Failure) -> Double? {
    guard let found = present(json, key) else { return nil }
    guard let number = try? found.number(), number.isFinite else { throw unsupported(found, "\(key) is not a number") }
    return number
  }

  private static func filter(_ json: JSONValue) throws(Failure) -> String? {
    guard let found = present(json, "resample") else { return nil }
    guard case .integer(let code) = found.content, filters.indices.contains(code) else {
      throw unsupported(
        found, "resample \(found.compactText.prefix(40)) is not one of Pillow's filters, 0 to \(filters.count - 1)")
    }
    return filters[code]
  }

  /// One number for every channel, or one for all.
  private static func channels(_ json: JSONValue, _ key: String) throws(Failure) -> [Double]? {
    guard let found = present(json, key) else { return nil }
    guard case .array(let values) = found.content else {
      return try number(json, key).map { [Double](repeating: $0, count: 3) }
    }
    var out: [Double] = []
    for value in values {
      guard let number = try? value.number(), number.isFinite else {
        throw unsupported(value, "\(key) holds what is no number")
      }
      out.append(number)
    }
    guard out.count == 3 else { throw unsupported(found, "\(key) has \(out.count) numbers, not one a channel: 3") }
    return out
  }

  /// A side of a square or a short edge; a list of height and width; or an object that says which.
  private static func size(_ json: JSONValue, _ key: String, isShortEdge: Bool) throws(Failure) -> Size? {
    guard let found = present(json, key) else { return nil }
    func side(_ value: JSONValue?) throws(Failure) -> Int {
      guard case .integer(let side) = value?.content, (1...4096).contains(side) else {
        throw unsupported(value ?? found, "\(key) has a side that is no number from 1 to 4096")
      }
      return side
    }
    switch found.content {
    case .integer:
      let side = try side(found)
      return isShortEdge ? .shortestEdge(side) : .exactly(height: side, width: side)
    case .array(let sides) where sides.count == 2:
      return .exactly(height: try side(sides[0]), width: try side(sides[1]))
    case .object(let members):
      let there = members.filter { $0.value.content != .null }.map(\.key).sorted()
      if there == ["height", "width"] {
        return .exactly(height: try side(found["height"]), width: try side(found["width"]))
      }
      if there == ["shortest_edge"] { return .shortestEdge(try side(found["shortest_edge"])) }
      throw unsupported(found, "\(key) by \(there.joined(separator: " and ")) is not supported")
    default:
      throw unsupported(found, "\(key) \(found.compactText.prefix(40)) is not supported")
    }
  }

  /// The members of a preprocessor_config.json that says the same.
  /// - Parameter name: of the class that the family's nets have.
  package func settings(of name: String) -> [JSONMember] {
    var out: [JSONMember] = []
    func set(_ key: String, _ value: JSONValue) { out.append(JSONMember(key, value)) }
    func object(_ height: Int, _ width: Int) -> JSONValue {
      .object(["height": .integer(height), "width": .integer(width)])
    }
    set("image_processor_type", .string(name + (backend == .torchvision ? "Fast" : "")))
    set("do_resize", .boolean(size != nil))
    switch size {
    case .exactly(let height, let width): set("size", object(height, width))
    case .shortestEdge(let edge): set("size", .object(["shortest_edge": .integer(edge)]))
    case nil: break
    }
    if size != nil, let code = Self.filters.firstIndex(of: filter) { set("resample", .integer(code)) }
    if let crop {
      set("do_center_crop", .boolean(true))
      set("crop_size", object(crop.height, crop.width))
    }
    set("do_rescale", .boolean(scale != nil))
    if let scale { set("rescale_factor", .number(scale)) }
    set("do_normalize", .boolean(normalization != nil))
    if let normalization {
      set("image_mean", .array(normalization.mean.map(JSONValue.number)))
      set("image_std", .array(normalization.std.map(JSONValue.number)))
    }
    return out
  }
}
