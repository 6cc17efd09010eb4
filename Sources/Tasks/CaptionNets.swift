import Arrays
import Families
import NetFile
import Nets

/// The two net files that make captions together.
public struct CaptionNets: Sendable {
  public let imageEncoder: NetFile
  public let textDecoder: NetFile

  /// In the order of their work.
  public var files: [NetFile] { [imageEncoder, textDecoder] }

  private static let definitions: [NetDefinition] = [.blipImageEncoder, .blipTextDecoder]

  /// Whether a family's nets make captions: those are all the nets it has.
  public static func isFamily(_ family: Family) -> Bool {
    Set(family.nets.map(\.definition)) == Set(definitions) && family.nets.count == definitions.count
  }

  /// The nets of a parameter combination, from a shelf.
  /// - Parameter parameters: that pick them; which part is not one of them.
  /// - Throws: `Failure` of kind `usage` when the parameters make no sense or name one part, `noInput` when a part is not on
  ///   the shelf, `badData` when a file is damaged.
  public init(family name: String?, parameters: [Combination.Parameter], on shelf: Shelf) throws(Failure) {
    let files = try NetParts(
      Self.definitions, family: name, parameters: parameters, on: shelf,
      work: ("make captions", "captioning"), isWhole: Self.isFamily
    ).files
    (imageEncoder, textDecoder) = (files[0], files[1])
  }

  /// Two net files in any order.
  /// - Throws: `Failure` of kind `usage` when they aren't one of each.
  public init(files: [NetFile]) throws(Failure) {
    guard let found = NetParts(Self.definitions, files, isWhole: Self.isFamily)?.files else {
      throw Failure(
        .usage, "these are not the image encoder and the text decoder of a captioning net",
        hint: "give the two net files of one checkpoint, or name them by --set")
    }
    (imageEncoder, textDecoder) = (found[0], found[1])
  }
}
