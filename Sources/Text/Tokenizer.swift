import Arrays
import NetFile

/// Makes a text's token ids.
public protocol Tokenizer: Sendable {
  /// Ids of the text without those that begin and end it.
  func tokens(_ text: String) -> [Int]
  /// Id of a token; nil if it is none.
  func id(_ token: String) -> Int?
  /// The token of an id as the vocabulary has it; nil for an id it doesn't know.
  func token(_ id: Int) -> String?
}

extension WordPiece: Tokenizer {}
extension BytePair: Tokenizer {}

extension TokenizerDescription {
  /// The tokenizer that is described.
  /// - Throws: `Failure` of kind `badData` when it is of a kind that isn't known or lacks tokens that are needed.
  public func tokenizer() throws(Failure) -> any Tokenizer {
    kind == Self.clipKind ? try BytePair(self) : try WordPiece(self)
  }
}
