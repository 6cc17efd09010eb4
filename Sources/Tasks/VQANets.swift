import Arrays
import Families
import NetFile
import Nets

/// The three net files that answer questions together.
public struct VQANets: Sendable {
  public let imageEncoder: NetFile
  public let textEncoder: NetFile
  public let textDecoder: NetFile

  /// In the order of their work.
  public var files: [NetFile] { [imageEncoder, textEncoder, textDecoder] }

  /// The nets of a parameter combination, from a shelf.
  /// - Parameter parameters: that pick them; which part is not one of them.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense or name one part, `noInput` when a part is not on
  ///   the shelf, `badData` when a file is damaged.
  public init(family name: String?, parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) {
    let families = try Family.meant(name, by: parameters) { family in
      Self.definitions.allSatisfy { Self.kind($0, of: family) != nil }
    }
    let (family, combination) = try shelf.choice(
      of: families, parameters.filter { $0.name != families[0].netAxis?.name })
    guard let axis = family.netAxis, Self.definitions.allSatisfy({ Self.kind($0, of: family) != nil }) else {
      throw Failure(.usage, "nets of the family \(family.name) don't answer questions")
    }
    guard !parameters.contains(where: { $0.name == axis.name }) else {
      throw Failure(
        .usage, "\(axis.name) is given, but asking takes all parts", hint: "leave out --set \(axis.name)=…")
    }
    let kinds = Self.definitions.compactMap { Self.kind($0, of: family) }
    let files = try shelf.nets(kinds, of: family, combination)
    (imageEncoder, textEncoder, textDecoder) = (files[0], files[1], files[2])
  }

  /// Three net files in any order.
  /// - Throws: `Failure` of kind `usage` when they aren't one of each.
  public init(files: [NetFile]) throws(Failure) {
    var found: [NetDefinition: NetFile] = [:]
    for file in files {
      let kind = Family.known.first { $0.name == file.header.family }?.nets.first { $0.name == file.header.net }
      if let kind { found[kind.definition] = file }
    }
    guard files.count == 3, let image = found[.blipImageEncoder], let encoder = found[.blipTextEncoder],
      let decoder = found[.blipTextDecoder]
    else {
      throw Failure(
        .usage, "these are not an image encoder, a text encoder and a text decoder",
        hint: "give the three net files of one checkpoint, or name them by --set")
    }
    (imageEncoder, textEncoder, textDecoder) = (image, encoder, decoder)
  }

  private static let definitions: [NetDefinition] = [.blipImageEncoder, .blipTextEncoder, .blipTextDecoder]

  private static func kind(_ definition: NetDefinition, of family: Family) -> Family.NetKind? {
    family.nets.first { $0.definition == definition }
  }
}
