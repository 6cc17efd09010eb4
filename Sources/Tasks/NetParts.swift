import Arrays
import Families
import NetFile
import Nets

/// Net files of one family that work together.
struct NetParts: Sendable {
  /// In the order of the definitions that were asked for.
  let files: [NetFile]

  /// The nets of a parameter combination, from a shelf.
  /// - Parameters:
  ///   - parameters: that pick them; which part is not one of them.
  ///   - doing: what is done with them: `asking`.
  ///   - whole: whether a family is one whose nets do that.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense or name one part, `noInput` when a part is not on
  ///   the shelf, `badData` when a file is damaged.
  init(
    _ definitions: [NetDefinition], family name: String?, parameters: [Combination.Parameter], on shelf: Shelf,
    work: (does: String, doing: String), isWhole: (Family) -> Bool
  ) throws(Failure) {
    let families = try Family.meant(name, by: parameters, fit: isWhole)
    let (family, combination) = try shelf.choice(
      of: families, parameters.filter { $0.name != families[0].netAxis?.name })
    guard let axis = family.netAxis, isWhole(family) else {
      throw Failure(.usage, "nets of the family \(family.name) don't \(work.does)")
    }
    guard !parameters.contains(where: { $0.name == axis.name }) else {
      throw Failure(
        .usage, "\(axis.name) is given, but \(work.doing) takes all parts", hint: "leave out --set \(axis.name)=…")
    }
    let kinds = definitions.compactMap { definition in family.nets.first { $0.definition == definition } }
    files = try shelf.nets(kinds, of: family, combination)
  }

  /// Net files in any order; nil when they aren't one of each.
  init?(_ definitions: [NetDefinition], _ files: [NetFile], isWhole: (Family) -> Bool) {
    var found: [NetDefinition: NetFile] = [:]
    for file in files {
      guard let family = Family.known.first(where: { $0.name == file.header.family }), isWhole(family) else { continue }
      if let kind = family.nets.first(where: { $0.name == file.header.net }) { found[kind.definition] = file }
    }
    let parts = definitions.compactMap { found[$0] }
    guard files.count == definitions.count, parts.count == definitions.count else { return nil }
    self.files = parts
  }
}
