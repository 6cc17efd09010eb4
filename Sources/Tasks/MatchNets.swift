import Arrays
import Families
import NetFile
import Nets

/// The two net files that match images and texts together.
public struct MatchNets: Sendable {
  public let imageEncoder: NetFile
  public let textEncoder: NetFile

  /// In the order of their work.
  public var files: [NetFile] { [imageEncoder, textEncoder] }

  private static let definitions: [NetDefinition] = [.blipImageMatcher, .blipTextMatcher]

  /// Whether a family's nets match images and texts.
  public static func isFamily(_ family: Family) -> Bool {
    definitions.allSatisfy { definition in family.nets.contains { $0.definition == definition } }
  }

  /// The nets of a parameter combination, from a shelf.
  /// - Parameter parameters: that pick them; which part is not one of them.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense or name one part, `noInput` when a part is not on
  ///   the shelf, `badData` when a file is damaged.
  public init(family name: String?, parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) {
    let files = try NetParts(
      Self.definitions, family: name, parameters: parameters, on: shelf,
      work: ("match images and texts", "matching"), isWhole: Self.isFamily
    ).files
    (imageEncoder, textEncoder) = (files[0], files[1])
  }

  /// Two net files in any order.
  /// - Throws: `Failure` of kind `usage` when they aren't one of each.
  public init(files: [NetFile]) throws(Failure) {
    guard let found = NetParts(Self.definitions, files, isWhole: Self.isFamily)?.files else {
      throw Failure(
        .usage, "these are not the image encoder and the text encoder of a matching net",
        hint: "give the two net files of one checkpoint, or name them by --set")
    }
    (imageEncoder, textEncoder) = (found[0], found[1])
  }
}
