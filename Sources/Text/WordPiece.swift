import Arrays
import NetFile

/// BERT's tokenizer: words by `TextNormalization`, each cut into the longest pieces that the vocabulary has. It gives
/// the ids that the publisher's `BertTokenizerFast` gives.
public struct WordPiece: Sendable {
  private let index: TokenIndex
  private let normalization: TextNormalization
  /// Found in a text as they are, before anything else is done to it.
  private let special: [(token: String, id: Int)]
  /// The same by their first character, the longest first.
  private let beginnings: [Unicode.Scalar: [(token: String, id: Int)]]
  /// Found in a normalized text, as they are themselves when normalized: by their first code point, the longest first.
  private let words: [UInt32: [(codes: [UInt32], id: Int)]]
  private let unknown: Int
  private let start: Int
  private let end: Int

  /// Longer words, in characters, are unknown.
  private static let longestWord = 100

  /// - Throws: `Failure` of kind `badData` when the description is of another kind or lacks tokens that are needed.
  public init(_ description: TokenizerDescription) throws(Failure) {
    let kinds = ["wordpiece", "wordpiece" + TokenizerDescription.addedKind]
    guard kinds.contains(description.kind) else {
      throw Failure(
        .badData, place: "tokenizer",
        "kind \"\(description.kind)\" is not supported; it can be \(kinds.joined(separator: " or "))")
    }
    guard !description.vocabulary.isEmpty else {
      throw Failure(.badData, place: "tokenizer", "the vocabulary is empty")
    }
    let index = TokenIndex(description.vocabulary, added: description.added)
    func needed(_ token: String) throws(Failure) -> Int {
      guard let id = index.publishedID(token) else {
        throw Failure(.badData, place: "tokenizer", "the vocabulary lacks \(token)")
      }
      return id
    }
    unknown = try needed("[UNK]")
    start = try needed("[CLS]")
    end = try needed("[SEP]")
    var special = [("[UNK]", unknown), ("[CLS]", start), ("[SEP]", end), ("[PAD]", try needed("[PAD]"))]
    if let mask = index.publishedID("[MASK]") { special.append(("[MASK]", mask)) }
    for token in description.matched {
      guard !token.isEmpty, let id = index.id(token) else {
        throw Failure(
          .badData, place: "tokenizer", "the vocabulary lacks the token \"\(token)\", which texts are searched for")
      }
      special.append((token, id))
    }
    self.special = special
    beginnings = Dictionary(grouping: special, by: { $0.0.unicodeScalars.first ?? "[" }).mapValues { tokens in
      tokens.sorted { $0.0.unicodeScalars.count > $1.0.unicodeScalars.count }.map { (token: $0.0, id: $0.1) }
    }
    self.index = index
    normalization = TextNormalization(
      lowercase: description.lowercase, stripsAccents: description.stripAccents ?? description.lowercase,
      splitsIdeographs: description.splitCJK)
    var words: [(codes: [UInt32], id: Int)] = []
    for token in description.matchedWords {
      let normalized = normalization.words(of: token.unicodeScalars)
      guard let id = index.id(token), normalized.gaps.count == 1 else {
        throw Failure(.badData, place: "tokenizer", "texts can't be searched for the token \"\(token)\"")
      }
      words.append((normalized.codes, id))
    }
    self.words = Dictionary(grouping: words, by: { $0.codes[0] }).mapValues { words in
      words.sorted { $0.codes.count > $1.codes.count }
    }
  }

  /// Id of a token, be it the checkpoint's or added to its vocabulary; nil if it is none.
  public func id(_ token: String) -> Int? { index.id(token) }

  /// The token of an id as the vocabulary has it, an added one too; nil for an id it doesn't know.
  public func token(_ id: Int) -> String? { index.token(id) }

  /// Ids of the text without those that begin and end a question.
  public func tokens(_ text: String) -> [Int] { tokens(text, limit: .max) }

  /// Ids of a question from [CLS] to [SEP], at most `maximumTokens` of them, which is at least 2: where there are more,
  /// the question's end is cut off.
  public func question(_ text: String, maximumTokens: Int?) -> [Int] {
    let limit = maximumTokens.map { max(0, $0 - 2) } ?? .max
    return [start] + tokens(text, limit: limit) + [end]
  }

  private func tokens(_ text: String, limit: Int) -> [Int] {
    var ids: [Int] = []
    var rest = text.unicodeScalars[...]
    var position = rest.startIndex
    while position < rest.endIndex, ids.count < limit {
      guard let found = specialToken(at: rest[position...]) else {
        position = rest.index(after: position)
        continue
      }
      appendTokens(of: rest[..<position], to: &ids, limit: limit)
      ids.append(found.id)
      rest = rest[position...].dropFirst(found.token.unicodeScalars.count)
      position = rest.startIndex
    }
    appendTokens(of: rest, to: &ids, limit: limit)
    return ids.count <= limit ? ids : Array(ids.prefix(limit))
  }

  /// The longest special token at the beginning of a text.
  private func specialToken(at text: Substring.UnicodeScalarView) -> (token: String, id: Int)? {
    text.first.flatMap { beginnings[$0]?.first { text.starts(with: $0.token.unicodeScalars) } }
  }

  /// Of a text without special tokens.
  private func appendTokens(of text: Substring.UnicodeScalarView, to ids: inout [Int], limit: Int) {
    guard ids.count < limit else { return }
    let found = normalization.words(of: text)
    var start = 0
    guard !words.isEmpty else {
      for end in found.ends where ids.count < limit {
        appendPieces(of: found.codes[start..<end], to: &ids)
        start = end
      }
      return
    }
    var next = 0
    for end in found.gaps where ids.count < limit {
      var ends: [Int] = []
      while next < found.ends.count, found.ends[next] <= end {
        ends.append(found.ends[next])
        next += 1
      }
      appendRun(found.codes, start..<end, ends, to: &ids)
      start = end
    }
  }

  /// Of what stands between two spaces: added words where they are found, pieces of the words between them.
  /// - Parameter ends: of the words in `run`, the last of which ends with it.
  private func appendRun(_ codes: [UInt32], _ run: Range<Int>, _ ends: [Int], to ids: inout [Int]) {
    var start = run.lowerBound
    func appendPlain(upTo limit: Int) {
      for end in ends where end > start && start < limit {
        appendPieces(of: codes[start..<min(end, limit)], to: &ids)
        start = min(end, limit)
      }
    }
    var position = start
    while position < run.upperBound {
      let rest = codes[position..<run.upperBound]
      guard let longest = words[codes[position]]?.first(where: { rest.starts(with: $0.codes) }) else {
        position += 1
        continue
      }
      appendPlain(upTo: position)
      ids.append(longest.id)
      position += longest.codes.count
      start = position
    }
    appendPlain(upTo: run.upperBound)
  }

  /// The longest piece at the beginning, then the longest of what is left; a word that has no such pieces is unknown as
  /// a whole.
  private func appendPieces(of word: ArraySlice<UInt32>, to ids: inout [Int]) {
    guard word.count <= Self.longestWord else { return ids.append(unknown) }
    let count = ids.count
    var rest = word
    while !rest.isEmpty {
      guard let piece = index.longestPiece(of: rest, continuesWord: rest.startIndex > word.startIndex) else {
        ids.removeSubrange(count...)
        return ids.append(unknown)
      }
      ids.append(piece.id)
      rest = rest.dropFirst(piece.length)
    }
  }

  /// The text of ids, without special tokens, tokens added to the checkpoint's vocabulary, and ids that are no token's.
  /// More than 30 combining marks in a row, which only a made-up vocabulary gives, are broken by U+034F.
  public func text(_ ids: [Int]) -> String {
    var bytes: [UInt8] = []
    var isFirst = true
    for id in ids where !special.contains(where: { $0.id == id }) {
      guard let token = index.publishedToken(id) else { continue }
      bytes += Self.joined(Array(token.utf8), isFirst: isFirst)
      isFirst = false
    }
    return String(decoding: bytes, as: UTF8.self).streamSafe
  }

  /// A token as it goes on a text: with a space before it, or without the marks of a word's later piece. Then spaces
  /// are removed, within this token only, as the publisher's decoder does.
  private static func joined(_ token: [UInt8], isFirst: Bool) -> [UInt8] {
    var bytes = token
    if !isFirst {
      bytes = token.starts(with: TokenIndex.continuation.utf8) ? Array(token.dropFirst(2)) : [0x20] + token
    }
    guard bytes.contains(0x20) else { return bytes }
    for (spaced, closed) in Self.cleanUp { bytes = bytes.replacing(spaced.utf8, with: closed.utf8) }
    return bytes
  }

  /// In the publisher's order.
  private static let cleanUp = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ]
}

/// Finds the ids of tokens: a hash table over code points, since a dictionary of strings takes several times as long to
/// fill, at every start of the program.
private struct TokenIndex: Sendable {
  /// What a piece begins with that is not its word's first.
  static let continuation = "##"

  private let vocabulary: [String]
  /// How many tokens are the checkpoint's own. Those after them were added for the net and are never found in a text.
  private let published: Int
  /// Per slot the upper half of a token's hash, and below it its id + 1; 0 for an empty slot.
  private var slots: [UInt64]
  /// Of the checkpoint's tokens, in code points.
  private var longest = 0
  private let hash: TokenHash
  private let hashAfterContinuation: TokenHash

  /// Of a token that comes twice the last one counts, as it does for the publisher's reader of vocabularies.
  init(_ vocabulary: [String], added: Int) {
    self.vocabulary = vocabulary
    published = max(0, vocabulary.count - max(0, added))
    var size = 16
    while size < 2 * vocabulary.count { size *= 2 }
    slots = [UInt64](repeating: 0, count: size)
    hash = TokenHash()
    hashAfterContinuation = Self.continuation.unicodeScalars.reduce(into: hash) { $0.add($1.value) }
    for (id, token) in vocabulary.enumerated() {
      var hash = hash
      var length = 0
      for scalar in token.unicodeScalars {
        hash.add(scalar.value)
        length += 1
      }
      if id < published { longest = max(longest, length) }
      insert(id, hash.value, token)
    }
  }

  private mutating func insert(_ id: Int, _ hash: UInt64, _ token: String) {
    let slot = slot(hash) { vocabulary[$0].utf8.elementsEqual(token.utf8) }
    // An added token doesn't take a place that the checkpoint's has.
    if slots[slot] == 0 || id < published { slots[slot] = hash & ~0xffff_ffff | UInt64(id + 1) }
  }

  /// The slot of a token with that hash that `isWanted`, or the empty one where it would be.
  private func slot(_ hash: UInt64, _ isWanted: (Int) -> Bool) -> Int {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash >> 32, isWanted(id(in: slot)) { break }
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func id(in slot: Int) -> Int { Int(slots[slot] & 0xffff_ffff) - 1 }

  /// Id of a token, an added one too.
  func id(_ token: String) -> Int? {
    let hash = token.unicodeScalars.reduce(into: hash) { $0.add($1.value) }
    let slot = slot(hash.value) { vocabulary[$0].utf8.elementsEqual(token.utf8) }
    return slots[slot] == 0 ? nil : id(in: slot)
  }

  /// Id of a token that is the checkpoint's own.
  func publishedID(_ token: String) -> Int? { id(token).flatMap { $0 < published ? $0 : nil } }

  /// The token of an id, if it is the checkpoint's own and known by this id.
  func publishedToken(_ id: Int) -> String? {
    guard 0..<published ~= id, self.id(vocabulary[id]) == id else { return nil }
    return vocabulary[id]
  }

  /// The token of an id.
  func token(_ id: Int) -> String? { vocabulary.indices.contains(id) ? vocabulary[id] : nil }

  /// The longest token that `codes` begin with.
  func longestPiece(of codes: ArraySlice<UInt32>, continuesWord: Bool) -> (id: Int, length: Int)? {
    var hash = continuesWord ? hashAfterContinuation : hash
    let prefix = continuesWord ? Self.continuation : ""
    var best: (id: Int, length: Int)?
    for (offset, code) in codes.prefix(longest).enumerated() {
      hash.add(code)
      let slot = slot(hash.value) { id in
        let token = vocabulary[id].unicodeScalars
        return token.starts(with: prefix.unicodeScalars)
          && token.dropFirst(prefix.unicodeScalars.count).lazy.map(\.value).elementsEqual(codes.prefix(offset + 1))
      }
      if slots[slot] != 0, id(in: slot) < published { best = (id(in: slot), offset + 1) }
    }
    return best
  }
}

/// A hash of code points, taken one after another. Its numbers are drawn anew for each, so that no vocabulary can be
/// made to collide.
private struct TokenHash {
  private var state = UInt64.random(in: .min ... .max)
  private let multiplier = UInt64.random(in: .min ... .max) | 1

  mutating func add(_ code: UInt32) {
    state = (state ^ UInt64(code)) &* multiplier
    state ^= state >> 32
  }

  /// Well mixed: its lower bits choose a slot, its upper ones tell tokens apart.
  var value: UInt64 {
    let mixed = (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9
    return mixed ^ mixed >> 32
  }
}
