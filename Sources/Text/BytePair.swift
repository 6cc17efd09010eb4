import Arrays
import NetFile

/// CLIP's tokenizer: pieces by `BytePairText`, whose bytes are joined to tokens pair by pair. It gives the ids that the
/// publisher's `CLIPTokenizer` gives (transformers 5.24, on tokenizers' `BPE`). The original `SimpleTokenizer` gives the
/// same for texts without HTML's character references and what ftfy would mend.
public struct BytePair: Sendable {
  /// What a token ends with that ends a piece.
  static let ending = "</w>"
  static let startToken = "<|startoftext|>"
  static let endToken = "<|endoftext|>"

  /// A sequence of code points that is a token wherever it stands.
  private typealias Match = (codes: [UInt32], id: Int)

  private let vocabulary: [String]
  private let ids: [TokenBytes: Int]
  private let joining: PairJoining
  /// By byte: the token of the byte within a piece, and at a piece's end.
  private let inner: [Int]
  private let last: [Int]
  /// Found in a text as it is, by their first code point, the longest first.
  private let special: [UInt32: [Match]]
  /// Found in a normalized text.
  private let words: [UInt32: [Match]]
  /// Id of the token that begins a sequence.
  public let start: Int
  /// Id of the token that ends a sequence, and stands for what is unknown.
  public let end: Int

  /// - Throws: `Failure` of kind `badData` when the description is of another kind or lacks tokens that are needed.
  public init(_ description: TokenizerDescription) throws(Failure) {
    func failure(_ reason: String) -> Failure { Failure(.badData, place: "tokenizer", reason) }
    guard description.kind == TokenizerDescription.clipKind else {
      throw failure("kind \"\(description.kind)\" is not supported; it can be \(TokenizerDescription.clipKind)")
    }
    vocabulary = description.vocabulary
    // Of a token that comes twice the first one counts.
    var ids: [TokenBytes: Int] = [:]
    ids.reserveCapacity(vocabulary.count)
    for (id, token) in vocabulary.enumerated() where ids[TokenBytes(token)] == nil { ids[TokenBytes(token)] = id }
    self.ids = ids
    func needed(_ token: String) throws(Failure) -> Int {
      guard let id = ids[TokenBytes(token)] else { throw failure("the vocabulary lacks \(token)") }
      return id
    }
    start = try needed(Self.startToken)
    let end = try needed(Self.endToken)
    self.end = end
    joining = try PairJoining(description.merges, ids)
    let letters = ByteLetters.all.map { String($0) }
    inner = letters.map { ids[TokenBytes($0)] ?? end }
    last = letters.map { ids[TokenBytes($0 + Self.ending)] ?? end }
    var special: [Match] = []
    for token in description.matched { special.append((token.unicodeScalars.map(\.value), try needed(token))) }
    var words: [Match] = []
    for token in description.matchedWords {
      words.append((BytePairText.normalized(token.unicodeScalars.map(\.value)), try needed(token)))
    }
    guard (special + words).allSatisfy({ !$0.codes.isEmpty }) else {
      throw failure("a token that texts are searched for is empty")
    }
    self.special = Self.byBeginning(special)
    self.words = Self.byBeginning(words)
  }

  private static func byBeginning(_ matches: [Match]) -> [UInt32: [Match]] {
    Dictionary(grouping: matches, by: { $0.codes[0] }).mapValues { $0.sorted { $0.codes.count > $1.codes.count } }
  }

  /// Id of a token; nil if it is none.
  public func id(_ token: String) -> Int? { ids[TokenBytes(token)] }

  /// The token of an id as the vocabulary has it; nil for an id it doesn't know.
  public func token(_ id: Int) -> String? { vocabulary.indices.contains(id) ? vocabulary[id] : nil }

  /// Ids of the text without those that begin and end a sequence.
  public func tokens(_ text: String) -> [Int] { tokens(text, limit: .max) }

  /// Ids of a text from the first token to the last, at most `maximumTokens` of them, which is at least 2: where there are
  /// more, the text's end is cut off.
  public func sequence(_ text: String, maximumTokens: Int) -> [Int] {
    [start] + tokens(text, limit: max(0, maximumTokens - 2)) + [end]
  }

  /// Whether a text has more tokens than fit into so many with the first and the last.
  public func isTooLong(_ text: String, maximumTokens: Int) -> Bool {
    let room = max(0, maximumTokens - 2)
    return tokens(text, limit: room + 1).count > room
  }

  private func tokens(_ text: String, limit: Int) -> [Int] {
    var ids: [Int] = []
    let codes = text.unicodeScalars.map(\.value)
    split(codes[...], by: special, to: &ids, limit) { part, ids in
      split(BytePairText.normalized(part)[...], by: words, to: &ids, limit) { part, ids in
        BytePairText.forEachPiece(of: part) { piece in
          append(piece, to: &ids)
          return ids.count < limit
        }
      }
    }
    return ids.count <= limit ? ids : Array(ids.prefix(limit))
  }

  /// Appends the tokens that are found in a text as they are, of several at one place the longest, and by `rest` those of
  /// what stands between.
  private func split(
    _ text: ArraySlice<UInt32>, by matches: [UInt32: [Match]], to ids: inout [Int], _ limit: Int,
    _ rest: (ArraySlice<UInt32>, inout [Int]) -> Void
  ) {
    var start = text.startIndex
    var position = start
    while !matches.isEmpty, position < text.endIndex, ids.count < limit {
      guard let found = matches[text[position]]?.first(where: { text[position...].starts(with: $0.codes) }) else {
        position += 1
        continue
      }
      if start < position { rest(text[start..<position], &ids) }
      ids.append(found.id)
      position += found.codes.count
      start = position
    }
    if start < text.endIndex, ids.count < limit { rest(text[start...], &ids) }
  }

  private func append(_ piece: ArraySlice<UInt32>, to ids: inout [Int]) {
    let text = String(String.UnicodeScalarView(piece.compactMap { Unicode.Scalar($0) }))
    var symbols = text.utf8.map { inner[Int($0)] }
    if let byte = text.utf8.last { symbols[symbols.count - 1] = last[Int(byte)] }
    ids += joining.joined(symbols)
  }
}
