import Arrays
import NetFile
import Nets

extension Family.NetKind {
  /// What the net of a configuration and a profile consists of.
  /// - Throws: `Failure` of kind `badData` when the configuration makes no net.
  package func description(
    _ configuration: Configuration, profile: JSONValue
  ) throws(Failure) -> NetDescription {
    let vectors = profile["embedding"].flatMap { try? TextVectorRules(json: $0) }
    return try definition.description(configuration, vectors: vectors?.vectors)
  }
}

extension NetHeader {
  /// The net's definition: its family, which net of it, and what the recorded configuration makes of it.
  /// - Throws: `Failure` of kind `badData` when the family is not known or plain, or the file's arrays and ties are not
  ///   those that the definition demands.
  package func definition() throws(Failure) -> (family: Family, kind: Family.NetKind, description: NetDescription) {
    guard self.family != Family.plain.name else {
      throw Failure(
        .badData, place: "header", "holds arrays of no known family",
        hint: "`ingot list` shows the families; a net of one of them is needed here")
    }
    guard let family = Family.known.first(where: { $0.name == self.family }),
      let kind = family.nets.first(where: { $0.name == net })
    else {
      throw Failure(
        .badData, place: "header", "is of a family that this version does not know: \(self.family), \(net)",
        hint: "use a newer version of ingot")
    }
    let description = try kind.description(Configuration(configuration), profile: profile)
    let hidden = hiddenArrays
    let weights = arrays.filter { !hidden.contains($0.name) }
    let isWhole =
      weights.map(\.name) == description.arrays.map(\.name) && weights.map(\.shape) == description.arrays.map(\.shape)
    guard !isInitialized || isWhole, ties == description.ties else {
      throw Failure(
        .badData, place: "header", "its arrays are not those that its configuration makes",
        hint: "make the file again from its checkpoint")
    }
    return (family, kind, description)
  }
}
