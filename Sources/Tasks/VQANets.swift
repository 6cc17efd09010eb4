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
    let files = try NetParts(
      Self.definitions, family: name, parameters: parameters, on: shelf, work: ("answer questions", "asking"),
      isWhole: Self.isFamily
    ).files
    (imageEncoder, textEncoder, textDecoder) = (files[0], files[1], files[2])
  }

  /// Three net files in any order.
  /// - Throws: `Failure` of kind `usage` when they aren't one of each.
  public init(files: [NetFile]) throws(Failure) {
    guard let found = NetParts(Self.definitions, files, isWhole: Self.isFamily)?.files else {
      throw Failure(
        .usage, "these are not an image encoder, a text encoder and a text decoder",
        hint: "give the three net files of one checkpoint, or name them by --set")
    }
    (imageEncoder, textEncoder, textDecoder) = (found[0], found[1], found[2])
  }

  private static let definitions: [NetDefinition] = [.blipImageEncoder, .blipTextEncoder, .blipTextDecoder]

  /// Whether a family's nets answer questions.
  static func isFamily(_ family: Family) -> Bool {
    definitions.allSatisfy { definition in family.nets.contains { $0.definition == definition } }
  }
}
