import Arrays
import Checkpoints
import NetFile
import Nets

/// Which net of its family it is: the parameters that the arrays, the configuration and names of files tell.
extension ConversionPlanner {
  var openAxis: Family.Axis? { family.axes.first(where: \.isOpen) }

  /// The value of the open axis when it isn't given: the first listed one whose nets are configured as this checkpoint
  /// is. Calling a fine-tune of other dimensions by a published net's name would mislead.
  mutating func setRelease(_ combination: inout Combination) throws(Failure) {
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
  func setFieldAxes(_ combination: inout Combination, _ configuration: Configuration) throws(Failure) {
    for axis in family.axes {
      guard let field = axis.field, let value = configuration[field] else { continue }
      try set(axis, of: &combination, to: try ParameterValue(json: value))
    }
  }

  func set(
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
  mutating func setInferredAxes(
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

  func part(_ kind: Family.NetKind, of combination: Combination) -> Combination {
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

  func isInferred(_ parameter: Combination.Parameter) -> Bool {
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
}
