import Arrays
import Checkpoints
import NetFile
import Nets

/// Makes a `ConversionPlan`.
struct ConversionPlanner {
  private let checkpoint: any Checkpoint
  private let request: ConversionRequest
  private let family: Family
  private let layout: Layout
  private let naming: Naming
  private let files: SmallFiles
  private var settings: NetSettings
  private let profile: Family.Profile
  /// Whether the plan is for looking at only.
  private var isSketch = false
  /// Index of each published array by its name in the rules.
  private let indices: [String: Int]

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
  private mutating func configuration(
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
    var profileValues = try settings.profile(profile, keys: keys, backend: request.pixels)
    for kind in family.nets {
      var combination = part(kind, of: base)
      if let axis = family.precisionAxis { combination[axis.name] = .word(precision.target.rawValue) }
      var configuration = try configuration(of: kind, combination)
      if kind.name == layout.grid?.net, let side = configuration[layout.grid?.field ?? ""] {
        profileValues = profileValues.setting(["image", "side"], to: side)
      }
      if keys != nil, let field = layout.shapes.first(where: { $0.net == kind.name })?.side?.field,
        let side = configuration[field]
      {
        profileValues = profileValues.settingImageSide(side)
      }
      for member in changes[kind.name] ?? [] { configuration[member.key] = member.value }
      try setFieldAxes(&combination, configuration)
      let description = try kind.definition.description(configuration)
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
  private func precision() throws(Failure) -> (source: ElementType, target: ElementType) {
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

  private var openAxis: Family.Axis? { family.axes.first(where: \.isOpen) }

  /// The value of the open axis when it isn't given: the first listed one whose nets are configured as this checkpoint
  /// is. Calling a fine-tune of other dimensions by a published net's name would mislead.
  private mutating func setRelease(_ combination: inout Combination) throws(Failure) {
    // An implicit axis's default stands for every size, as it did before there was the axis.
    guard let axis = openAxis, !axis.isImplicit, !request.parameters.contains(where: { $0.name == axis.name }) else {
      return
    }
    if axis.isNamedByFolder {
      combination[axis.name] = try nameOfFolder(axis, combination)
      return
    }
    let first = [axis.defaultValue] + axis.values.filter { $0 != axis.defaultValue }
    var same: [Combination] = []
    for value in first where try isConfigured(asPublished: value, of: axis, combination) {
      same.append(combination)
      same[same.count - 1][axis.name] = value
    }
    if let first = same.first {
      combination = likeliest(of: same) ?? first
      return
    }
    throw Failure(
      .usage, "its configuration is that of no published net, so it needs a name of its own",
      hint: "name it, for example --set \(axis.name)=my-fine-tune")
  }

  /// Whether the checkpoint's nets are configured as the published ones of an axis's value.
  /// - Parameter base: the values of the other axes.
  private mutating func isConfigured(
    asPublished value: ParameterValue, of axis: Family.Axis, _ base: Combination
  ) throws(Failure) -> Bool {
    for kind in family.nets {
      var trial = part(kind, of: base)
      trial[axis.name] = value
      // Of a size that nobody published there is no configuration.
      var published = try? family.configuration(of: trial)
      // Whether a checkpoint has all that it was published with is no matter of whose it is.
      for member in layout.configuration[kind.name] ?? [] { published?[member.key] = member.value }
      if try configuration(of: kind, trial) != published { return false }
    }
    return true
  }

  private mutating func nameOfFolder(_ axis: Family.Axis, _ base: Combination) throws(Failure) -> ParameterValue {
    let name = files.repositoryName ?? ""
    let value = ParameterValue.word(name)
    guard axis.allows(value) else {
      throw Failure(
        .usage, "its folder's name, \"\(shortened(name, to: 60))\", is none that a net can have",
        hint: "name it, for example --set \(axis.name)=my-fine-tune")
    }
    let isPublished = axis.values.contains(value)
    let isSame = isPublished ? try isConfigured(asPublished: value, of: axis, base) : true
    guard isSame else {
      throw Failure(
        .usage, "its folder is called \(name), but its configuration is not that of the published net of this name",
        hint: "name it, for example --set \(axis.name)=my-fine-tune")
    }
    return value
  }

  /// Of publications that nothing in a configuration tells apart, the one by whose name the checkpoint's folder or file is
  /// called; nil: none is. Where they are of other weights than the first one, a note says so.
  private mutating func likeliest(of combinations: [Combination]) -> Combination? {
    // A cache of the hub has models--Publisher--name in its paths.
    func isSmall(_ file: String) -> Bool { file.hasSuffix(".json") || file.hasSuffix(".txt") }
    let words = checkpoint.path.split(separator: "/").map(String.init)
    func isNamed(_ publication: Family.Publication) -> Bool {
      let name = publication.repository.split(separator: "/").last.map(String.init) ?? ""
      let files = publication.files.map(\.name).filter { !isSmall($0) }
      return words.contains { $0 == name || $0.hasSuffix("--\(name)") }
        || files.contains { words.last == $0 && isOwn($0) }
    }
    /// Whether one publication alone has files of that name.
    func isOwn(_ file: String) -> Bool {
      family.published.count { publication in publication.files.contains { $0.name == file } } == 1
    }
    func isOfProfile(_ publication: Family.Publication) -> Bool {
      let usual = family.layouts.first { $0.name == publication.layout }?.profile
      return (publication.profile ?? usual) == profile.name
    }
    let published = combinations.map { family.publication(of: $0) }
    if let named = published.firstIndex(where: { $0.map(isNamed) == true }) { return combinations[named] }
    guard let axis = openAxis, let first = published.first ?? nil else { return nil }
    /// Of weights: small files are the same in many places.
    func digests(_ publication: Family.Publication) -> Set<Digest> {
      Set(publication.files.filter { !isSmall($0.name) }.compactMap(\.sha256))
    }
    let others = combinations.indices.dropFirst().filter { index in
      guard let other = published[index], isOfProfile(other) else { return false }
      return digests(first).isDisjoint(with: digests(other))
    }
    if !others.isEmpty {
      let names = others.compactMap { combinations[$0][axis.name].map { "\(axis.name)=\($0)" } }
      settings.add(
        note:
          "its configuration is that of \(combinations[0][axis.name].map { "\(axis.name)=\($0)" } ?? "") and as well "
          + "that of \(names.joined(separator: ", ")): it is called the former unless --set says otherwise")
    }
    return nil
  }

  /// Sets axes that are fields of the configuration; what the user said must agree with it.
  private func setFieldAxes(_ combination: inout Combination, _ configuration: Configuration) throws(Failure) {
    for axis in family.axes {
      guard let field = axis.field, let value = configuration[field] else { continue }
      try set(axis, of: &combination, to: try ParameterValue(json: value))
    }
  }

  private func set(
    _ axis: Family.Axis, of combination: inout Combination, to found: ParameterValue
  ) throws(Failure) {
    let given = request.parameters.first { $0.name == axis.name }
    guard given == nil || given?.value == found else {
      throw Failure(
        .usage, "its \(axis.name) is \(found), not \(given?.value.description ?? "")",
        hint: "leave out --set \(axis.name)")
    }
    combination[axis.name] = found
  }

  /// Sets axes whose value is that of the variant that all nets' configurations are of; what the user said must agree.
  private mutating func setInferredAxes(
    _ combination: inout Combination, _ precision: (source: ElementType, target: ElementType), isLenient: Bool
  ) throws(Failure) {
    for axis in family.axes where axis.isInferred {
      let isGiven = request.parameters.contains { $0.name == axis.name }
      if !isGiven, layout.shapes.isEmpty, try settings.lacksConfiguration() {
        // Without a configuration, the arrays tell which of the published nets it is.
        for value in [axis.defaultValue] + axis.values.filter({ $0 != axis.defaultValue }) {
          var trial = combination
          trial[axis.name] = value
          guard try isOfArrays(trial, precision) else { continue }
          combination = trial
          break
        }
      }
      var configurations: [String: Configuration] = [:]
      for kind in family.nets {
        configurations[kind.name] = try configuration(of: kind, part(kind, of: combination))
      }
      if let found = matchingVariant(axis, configurations) ?? axis.otherwise {
        try set(axis, of: &combination, to: found)
      } else if isLenient {
        combination.parameters.removeAll { $0.name == axis.name }
      } else {
        throw Failure.unsupported(
          place: "configuration",
          "its dimensions are of no \(axis.name) that the family \(family.name) knows")
      }
    }
  }

  private func part(_ kind: Family.NetKind, of combination: Combination) -> Combination {
    var out = combination
    if let axis = family.netAxis { out[axis.name] = .word(kind.name) }
    return out
  }

  /// Whether the arrays of a combination's nets are those that are there.
  private mutating func isOfArrays(
    _ combination: Combination, _ precision: (source: ElementType, target: ElementType)
  ) throws(Failure) -> Bool {
    var used: Set<Int> = []
    for kind in family.nets {
      let description = try kind.definition.description(configuration(of: kind, part(kind, of: combination)))
      if (try? arrays(of: kind, description, precision, &used)) == nil { return false }
    }
    return true
  }

  private func isInferred(_ parameter: Combination.Parameter) -> Bool {
    family.axis(parameter.name)?.isInferred == true
  }

  private func matchingVariant(_ axis: Family.Axis, _ configurations: [String: Configuration]) -> ParameterValue? {
    family.variants.first { variant in
      variant.when.count == 1 && variant.when[0].name == axis.name
        && variant.configuration.allSatisfy { net, members in
          members.allSatisfy { configurations[net]?[$0.key] == $0.value }
        }
    }?.when[0].value
  }

  /// Finds the published arrays of each array of a net.
  private func arrays(
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
