import Arrays
import Checkpoints
import NetFile
import Nets

/// Makes a `ConversionPlan`.
struct ConversionPlanner {
  let checkpoint: any Checkpoint
  let request: ConversionRequest
  let family: Family
  let layout: Layout
  private let naming: Naming
  let files: SmallFiles
  var settings: NetSettings
  let profile: Family.Profile
  /// Whether the plan is for looking at only.
  private var isSketch = false
  /// Index of each published array by its name in the rules.
  let indices: [String: Int]

  init(_ checkpoint: any Checkpoint, _ request: ConversionRequest, _ naming: Naming?) throws(Failure) {
    guard let naming else {
      throw Failure(
        .badData, "its \(checkpoint.arrays.count) arrays are of no known family and layout",
        hint: "`ingot inspect` shows what is in it; `ingot convert --family plain` keeps its arrays as they are")
    }
    let (family, layout) = (naming.family, naming.layout)
    if let wanted = request.family, wanted.name != family.name {
      throw Failure(.usage, "is a checkpoint of \(family.name), not of \(wanted.name)", hint: "leave out --family")
    }
    self.checkpoint = checkpoint
    self.request = request
    self.family = family
    self.layout = layout
    self.naming = naming
    files = try SmallFiles(folder: checkpoint.folder)
    settings = NetSettings(family, files)
    profile = try ConversionPlanner.profile(request.profile, family, layout)
    var indices: [String: Int] = [:]
    for (index, array) in checkpoint.arrays.enumerated() {
      guard let name = naming.ruleNames[index] else { continue }
      guard indices.updateValue(index, forKey: name) == nil else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "has the same name as another one in the layout \(layout.name)")
      }
    }
    self.indices = indices
  }

  private static func profile(_ name: String?, _ family: Family, _ layout: Layout) throws(Failure) -> Family.Profile {
    let name = name ?? layout.profile
    guard let profile = family.profile(name) else {
      throw Failure(
        .usage, "\(family.name) has no profile \(name)",
        hint: "its profiles: \(family.profiles.map(\.name).joined(separator: ", "))")
    }
    guard name == layout.profile || layout.grid != nil else {
      throw Failure(
        .usage, "a checkpoint in layout \(layout.name) can only be run with profile \(layout.profile)",
        hint: "leave out --profile")
    }
    return profile
  }

  /// The configuration of a net, as the profile has it run.
  mutating func configuration(
    of kind: Family.NetKind, _ combination: Combination
  ) throws(Failure) -> Configuration {
    let shapes = layout.shapes.first { $0.net == kind.name }
    if let shapes, try settings.lacks(shapes.unless) {
      settings.noteConfigurationOfArrays(layout.name)
      var isTold: Set<String> = []
      for field in kind.fields where try shapes.tells(field.name, files) { isTold.insert(field.name) }
      let given = try told(kind, combination, otherwise: isTold)
      return try shapes.configuration(of: kind, in: family, given: given, files: files, names: indices.keys) { name in
        indices[name].map { checkpoint.arrays[$0].shape }
      }
    }
    if try settings.lacksConfiguration() { _ = try told(kind, combination, otherwise: []) }
    var configuration = try settings.configuration(of: kind, combination, given: layout.configuration[kind.name] ?? [])
    guard let grid = layout.grid, profile.name == layout.profile else { return configuration }
    // config.json, where there is one, is of the later release: what the profile's own release has otherwise, it has.
    if let published = family.published.first(where: { $0.profile == profile.name }) {
      for variant in family.variants
      where variant.when.allSatisfy({ published.parameters.contains($0) && !isInferred($0) }) {
        for member in variant.configuration[kind.name] ?? [] { configuration[member.key] = member.value }
      }
    }
    if kind.name == grid.net, let index = indices[grid.from] {
      let rows = checkpoint.arrays[index].shape.dimensions.dropLast().last ?? 0
      configuration[grid.field] = .integer(try gridSide(rows: rows) * configuration.dimension("patchSize"))
    }
    return configuration
  }

  /// Fields of axes whose value has to be told, with what the user said, where no file does.
  /// - Throws: `Failure` of kind `usage` when neither says it.
  private mutating func told(
    _ kind: Family.NetKind, _ combination: Combination, otherwise isTold: Set<String>
  ) throws(Failure) -> [JSONMember] {
    var out: [JSONMember] = []
    for axis in family.axes where axis.mustBeTold {
      guard let field = axis.field, kind.fields.contains(where: { $0.name == field }), !isTold.contains(field) else {
        continue
      }
      if !request.parameters.contains(where: { $0.name == axis.name }) {
        guard request.isForComparing || isSketch else {
          throw Failure(
            .usage, "nothing beside its weights says its \(axis.name)",
            hint: "fetch the publisher's configuration too, or say it: "
              + axis.values.map { "--set \(axis.name)=\($0)" }.joined(separator: " or "))
        }
        settings.noteAssumed(axis)
      }
      if let value = combination[axis.name]?.json { out.append(JSONMember(field, value)) }
    }
    return out
  }

  /// Side of the square grid of a position array's rows, one of which is the class token's.
  private func gridSide(rows: Int) throws(Failure) -> Int {
    guard let side = GridResize.side(ofRows: rows) else {
      throw Failure(
        .badData, place: "array \"\(layout.grid?.from ?? "")\"",
        "has \(rows) rows, which are not 1 and those of a square grid")
    }
    return side
  }

  mutating func plan(isSketch: Bool) throws(Failure) -> ConversionPlan {
    self.isSketch = isSketch
    var isToldByArrays = false
    for shapes in layout.shapes where try settings.lacks(shapes.unless) { isToldByArrays = true }
    if isToldByArrays {
      for (file, keys) in layout.fileKeys { try settings.check(file, keys) }
    }
    if let axis = family.netAxis, !request.isForComparing, request.parameters.contains(where: { $0.name == axis.name })
    {
      throw Failure(
        .usage, "every \(axis.name) of a checkpoint is converted", hint: "leave out --set \(axis.name)=…")
    }
    var tied: [(name: String, same: String)] = []
    var changes: [String: [JSONMember]] = [:]
    for tie in layout.ties {
      guard let first = indices[tie.from], let second = indices[tie.same] else { continue }
      if isSketch ? true : try checkpoint.holdsSameBytes(first, tie.transform, as: second) {
        tied.append((checkpoint.arrays[first].name, checkpoint.arrays[second].name))
      } else if let untied = tie.untied {
        changes[untied.net, default: []] += untied.configuration
      } else {
        throw Failure(
          .badData, place: "array \"\(checkpoint.arrays[first].name)\"",
          "differs from \"\(tie.same)\", which it should equal")
      }
    }
    let precision = try precision()
    var base = try family.combination(setting: request.parameters)
    try setInferredAxes(&base, precision, isLenient: isSketch || request.isForComparing)
    if isSketch || request.isForComparing && openAxis?.isNamedByFolder == true {
      // What can't be told of a checkpoint is left open rather than guessed.
      if (try? setRelease(&base)) == nil { base.parameters.removeAll { $0.name == openAxis?.name } }
    } else {
      try setRelease(&base)
    }

    var used: Set<Int> = []
    var nets: [ConversionPlan.PlannedNet] = []
    var keys: [(file: String, keys: [Family.ProfileKey])]?
    for shapes in layout.shapes where try settings.lacks(shapes.unless) { keys = (keys ?? []) + shapes.keys }
    // Of an address, files that nothing here is made of aren't fetched.
    let isLookingAfar = isSketch && files.folder.isRemote
    var profileValues =
      isLookingAfar ? JSONValue(.object([])) : try settings.profile(profile, keys: keys, backend: request.pixels)
    for kind in family.nets {
      var combination = part(kind, of: base)
      if let axis = family.precisionAxis { combination[axis.name] = .word(precision.target.rawValue) }
      var configuration = try configuration(of: kind, combination)
      if kind.name == layout.grid?.net, let side = configuration[layout.grid?.field ?? ""] {
        profileValues = profileValues.setting(["image", "side"], to: side)
      }
      if keys != nil, !profile.interpolates,
        let field = layout.shapes.first(where: { $0.net == kind.name })?.side?.field,
        let side = configuration[field]
      {
        profileValues = profileValues.settingImageSide(side)
      }
      for member in changes[kind.name] ?? [] { configuration[member.key] = member.value }
      try setFieldAxes(&combination, configuration)
      let description = try kind.description(configuration, profile: profileValues)
      let arrays = try arrays(of: kind, description, precision, &used)
      var words: Int?
      if case .integer(let count) = configuration["vocabularySize"]?.content { words = count }
      var tokenizer: TokenizerDescription?
      if let rule = kind.tokenizer, !isSketch { tokenizer = try settings.tokenizer(rule, words: words) }
      nets.append(
        .init(
          combination: combination, description: description,
          header: NetHeader(
            family: family.name, net: kind.name, parameters: family.written(combination).json,
            configuration: configuration.members,
            profile: profileValues, tokenizer: tokenizer,
            provenance: Provenance(
              tool: Ingot.tool, layout: layout.name,
              convertedFrom: precision.target == precision.source ? nil : precision.source,
              part: .init(request.part)),
            isInitialized: true, ties: description.ties, arrays: arrays.map(\.entry)),
          arrays: arrays))
    }
    let coverage = try coverage(used: used, tied: tied)
    return ConversionPlan(
      checkpoint: checkpoint, family: family, layout: layout, nets: nets.map(withSources), coverage: coverage,
      notes: checkpoint.notes + naming.notes + settings.notes, smallFiles: files.used)
  }

  /// The weights' files and every small file that was read.
  private func withSources(_ net: ConversionPlan.PlannedNet) -> ConversionPlan.PlannedNet {
    var header = net.header
    header.provenance.sources =
      checkpoint.files.map { .init(file: Paths.name($0.path), bytes: $0.size) }
      + files.used.map { .init(file: $0.name, bytes: $0.bytes.count) }
    return .init(combination: net.combination, description: net.description, header: header, arrays: net.arrays)
  }

  /// Element types of the checkpoint's weights and of the nets'.
  func precision() throws(Failure) -> (source: ElementType, target: ElementType) {
    let named = request.parameters.first { $0.name == family.precisionAxis?.name }
    if let named, let precision = request.precision, named.value != .word(precision.rawValue) {
      throw Failure(.usage, "--precision \(precision.rawValue) contradicts \(named.name)=\(named.value)")
    }
    let wanted = request.precision ?? named.flatMap { ElementType(rawValue: $0.value.description) }
    let types = Set(checkpoint.arrays.map(\.elementType).filter(\.isFloatingPoint))
    // Where types are mixed, `arrays(of:)` converts each; the widest is recorded.
    guard let source = types.max(by: { ($0.size, $0.rawValue) < ($1.size, $1.rawValue) }) else {
      throw Failure(.badData, "it holds no floats")
    }
    guard wanted != nil || types.count == 1 || request.isForComparing else {
      throw Failure(
        .badData, "its weights are of several element types: \(types.map(\.rawValue).sorted().joined(separator: ", "))",
        hint: "choose one with --precision")
    }
    let target = wanted ?? source
    guard family.precisionAxis?.values.contains(.word(target.rawValue)) != false else {
      throw Failure.unsupported(
        "its weights are \(target.rawValue), which net files of this family can't hold",
        hint: "choose another with --precision")
    }
    guard FloatConversion.isPossible(from: source, to: target) else {
      throw Failure(
        .usage, "\(source.rawValue) weights can't be converted to \(target.rawValue) here",
        hint: "float32, float16 and bfloat16 can be chosen")
    }
    return (source, target)
  }

  /// Finds the published arrays of each array of a net.
  func arrays(
    of kind: Family.NetKind, _ description: NetDescription, _ precision: (source: ElementType, target: ElementType),
    _ used: inout Set<Int>
  ) throws(Failure) -> [ConversionPlan.PlannedArray] {
    var out: [ConversionPlan.PlannedArray] = []
    var missing: [String] = []
    for array in description.arrays {
      guard let (names, rule) = layout.sources(of: array.name, in: kind.name) else {
        throw Failure(
          .badData, place: "layout \(layout.name)", "has no rule for \(kind.name)'s array \"\(array.name)\"")
      }
      let sources = names.compactMap { indices[$0] }
      guard sources.count == names.count else {
        missing += names.filter { indices[$0] == nil }
        continue
      }
      let transform = try transform(array, sources, rule)
      let types = Set(sources.map { checkpoint.arrays[$0].elementType })
      guard types.count == 1, let type = types.first, FloatConversion.isPossible(from: type, to: precision.target)
      else {
        throw Failure.unsupported(
          place: "array \"\(checkpoint.arrays[sources[0]].name)\"",
          "holds \(types.map(\.rawValue).sorted().joined(separator: " and ")) where \(precision.target.rawValue) weights are needed"
        )
      }
      used.formUnion(sources)
      let target = request.isForComparing ? type : precision.target
      out.append(
        .init(
          entry: try ArrayEntry(name: array.name, elementType: target, shape: array.shape), sources: sources,
          transform: transform, sourceType: type))
    }
    guard missing.isEmpty else {
      throw Failure(
        .badData, "\(missing.count) arrays of \(kind.name) are missing, the first \"\(missing[0])\"",
        hint: "the checkpoint is incomplete, or its config.json is of another net")
    }
    return out
  }

  /// What has to be done to the published arrays; transformed and joined along the first dimension, they must have the
  /// net's shape.
  private func transform(
    _ array: NetDescription.StoredArray, _ sources: [Int], _ rule: Layout.Rule
  ) throws(Failure) -> ArrayTransform {
    let shapes = sources.map { rule.netDimensions(checkpoint.arrays[$0].shape) }
    var joined = shapes[0]
    for shape in shapes.dropFirst() {
      guard let first = joined, let shape, !first.isEmpty, shape.dropFirst() == first.dropFirst() else {
        joined = nil
        break
      }
      joined?[0] += shape[0]
    }
    if joined == array.shape.dimensions { return rule.permutation.map(ArrayTransform.permute) ?? .none }
    if rule.lacksFirstRow, let joined, joined.count == 2,
      [joined[0] + 1, joined[1]] == array.shape.dimensions
    {
      return .zeroRowFirst
    }
    if rule.isGrid, let joined, joined.count == 2, joined[1] == array.shape.dimensions[1],
      checkpoint.arrays[sources[0]].elementType == .float32
    {
      guard array.shape.elements <= 1 << 28 else {
        throw Failure(
          .badData, place: "array \"\(array.name)\"", "would be resized to \(array.shape.elements) elements")
      }
      return .resizeGrid(from: try gridSide(rows: joined[0]), to: try gridSide(rows: array.shape.dimensions[0]))
    }
    let names = sources.map { "\"\(checkpoint.arrays[$0].name)\"" }.joined(separator: ", ")
    let found = sources.map { "\(checkpoint.arrays[$0].shape.dimensions)" }.joined(separator: ", ")
    throw Failure(
      .badData, place: "array \(names)",
      "has shape \(found) where the configuration makes it \(array.shape.dimensions)",
      hint: files.used.contains { $0.name == "config.json" }
        ? "is config.json of these weights?" : "there is no config.json beside the weights: fetch it too")
  }

  private func coverage(used: Set<Int>, tied: [(name: String, same: String)]) throws(Failure) -> Coverage {
    let tiedNames = Set(tied.map(\.name))
    var ignored: [(name: String, reason: String)] = []
    var unused: [String] = []
    for (index, array) in checkpoint.arrays.enumerated() where !used.contains(index) && !tiedNames.contains(array.name)
    {
      if naming.copies.contains(index) {
        ignored.append((array.name, "of another copy of the net"))
      } else if let rule = layout.ignored.first(where: { naming.ruleNames[index].map($0.holds) == true }) {
        ignored.append((array.name, rule.reason))
      } else if request.allowsUnused {
        ignored.append((array.name, "of no net, left out as --allow-unused says"))
      } else {
        unused.append(array.name)
      }
    }
    guard unused.isEmpty else {
      throw Failure(
        .badData, "\(unused.count) arrays belong to no net of \(family.name), the first \"\(unused[0])\"",
        hint:
          "the checkpoint has more in it than this family knows: leave it out with --allow-unused, or see whether its config.json is of these weights"
      )
    }
    return Coverage(arrays: checkpoint.arrays.count, used: used.count, tied: tied, ignored: ignored)
  }
}
