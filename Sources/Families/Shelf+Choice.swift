import Arrays
import NetFile

extension Family {
  /// The families that have all of some parameters' axes and nets that are fit: those first that list all of the values, in
  /// the order in which they are known.
  /// - Throws: `Failure` of kind `usage` when there is none.
  public static func meant(
    _ name: String?, by parameters: [Combination.Parameter], fit: (Family) -> Bool = { _ in true }
  ) throws(Failure) -> [Family] {
    if let name { return [try named(name)] }
    let able = known.filter { family in
      fit(family) && parameters.allSatisfy { family.axis($0.name)?.allows($0.value) == true }
    }
    if able.isEmpty { return [try meant(by: parameters)] }
    return able.filter { $0.lists(parameters) } + able.filter { !$0.lists(parameters) }
  }
}

extension Shelf {
  /// Which combination is meant by parameters that don't say all: that of the default values where it is on the shelf; else
  /// the one that is there and fits, or of several that differ in their precision only the default one. Where nothing fits, the default one of the first family, which is not there.
  /// - Parameters:
  ///   - families: that may be meant; not empty.
  ///   - part: the net of a family whose parts are many; nil: the default.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense, or when several nets fit: then its hint says the
  ///   parameters that tell them apart.
  public func choice(
    of families: [Family], _ parameters: [Combination.Parameter], part: (Family) -> Family.NetKind? = { _ in nil }
  ) throws(Failure) -> (family: Family, combination: Combination) {
    func complete(_ family: Family, _ parameters: [Combination.Parameter]) throws(Failure) -> Combination {
      var combination = try family.combination(setting: parameters)
      if let axis = family.netAxis, let kind = part(family), !parameters.contains(where: { $0.name == axis.name }) {
        combination[axis.name] = .word(kind.name)
      }
      return combination
    }
    var defaults: [(family: Family, combination: Combination)] = []
    for family in families {
      let combination = try complete(family, parameters)
      if try Paths.exists(path(family, combination)) { defaults.append((family, combination)) }
    }
    if defaults.count == 1 { return defaults[0] }
    var fitting: [(family: Family, combination: Combination)] = defaults
    if defaults.isEmpty {
      for family in families {
        for found in try combinations(of: family) where found.matches(parameters) {
          // Parts of one net are one choice.
          var kept = found.parameters
          if let axis = family.netAxis, !parameters.contains(where: { $0.name == axis.name }) {
            kept.removeAll { $0.name == axis.name }
          }
          let combination = try complete(family, kept)
          if !fitting.contains(where: { $0.family.name == family.name && $0.combination == combination }) {
            fitting.append((family, combination))
          }
        }
      }
    }
    // Of nets that differ in their precision only, the default one is meant.
    if fitting.count > 1, let first = fitting.first,
      fitting.allSatisfy({
        $0.family.name == first.family.name && first.family.areSameButPrecision($0.combination, first.combination)
      }),
      let usual = fitting.first(where: { item in
        item.family.precisionAxis.map { item.combination[$0.name] == $0.defaultValue } == true
      })
    {
      return usual
    }
    if fitting.count > 1 { throw ambiguous(fitting, parameters) }
    if let only = fitting.first { return only }
    return (families[0], try complete(families[0], parameters))
  }

  /// The combinations of a family's nets on the shelf; files that aren't net files of it are none.
  private func combinations(of family: Family) throws(Failure) -> [Combination] {
    var out: [Combination] = []
    for item in try items(of: family) {
      let found = try ifFound { () throws(Failure) in try family.combination(ofHeader: item.net.get().header) }
      if let found { out.append(found) }
    }
    return out
  }

  private func ambiguous(
    _ found: [(family: Family, combination: Combination)], _ given: [Combination.Parameter]
  ) -> Failure {
    let hasFamilies = Set(found.map(\.family.name)).count > 1
    let choices = found.map { family, combination in
      let rivals = found.filter { $0.family.name == family.name }
      // What all of them have tells nothing apart.
      let telling = combination.parameters.filter { parameter in
        rivals.contains { $0.combination[parameter.name] != parameter.value }
      }
      return (hasFamilies ? ["--family \(family.name)"] : []) + telling.map { "--set \($0.name)=\($0.value)" }
    }.map { $0.joined(separator: " ") }
    let words = given.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
    return Failure(
      .usage, file: folder, "\(found.count) nets on the shelf fit \(words.isEmpty ? "what is given" : words)",
      hint: "say which: " + choices.prefix(6).joined(separator: "; or ") + (choices.count > 6 ? "; or …" : ""))
  }
}
