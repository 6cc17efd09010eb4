/// What BERT's tokenizer makes of a text before it looks for tokens: controls removed, CJK characters apart, accents
/// stripped, lower case, and all of it split into words at white space and around punctuation.
struct TextNormalization: Sendable {
  let lowercase: Bool
  let stripsAccents: Bool
  /// Whether CJK characters are words of their own.
  let splitsIdeographs: Bool

  func words(of text: some Sequence<Unicode.Scalar>) -> Words {
    var reader = Reader(rules: self)
    for scalar in text { reader.read(scalar.value) }
    reader.separate()
    return reader.words
  }

  /// Words as code points.
  struct Words {
    /// Those of all words, one after another.
    fileprivate(set) var codes: [UInt32] = []
    /// Where each word ends in `codes`.
    fileprivate(set) var ends: [Int] = []
    /// Where, in `codes`, white space stands between two words.
    fileprivate(set) var gaps: [Int] = []

    fileprivate mutating func endWord() {
      if codes.count > ends.last ?? 0 { ends.append(codes.count) }
    }

    fileprivate mutating func endRun() {
      if codes.count > gaps.last ?? 0 { gaps.append(codes.count) }
    }
  }
}

/// Takes a text character by character. Canonical decomposition orders combining characters; nearly all of these are
/// stripped, but not quite all, so those that stay wait for their neighbours.
private struct Reader {
  let rules: TextNormalization
  var words = TextNormalization.Words()
  private var waiting: [(order: UInt32, code: UInt32)] = []

  init(rules: TextNormalization) { self.rules = rules }

  mutating func read(_ code: UInt32) {
    if code < 0x80 {
      readASCII(code)
    } else if CharacterTables.removed.row(of: code, width: 2) != nil {
      return
    } else if CharacterTables.spaces.row(of: code, width: 2) != nil {
      separate()
    } else if rules.splitsIdeographs, CharacterTables.ideographs.row(of: code, width: 2) != nil {
      separate()
      strip(code)
      separate()
    } else {
      strip(code)
    }
  }

  /// The same as the tables say, for nearly every character of nearly every question.
  private mutating func readASCII(_ code: UInt32) {
    switch code {
    case 0x20, 0x09, 0x0a, 0x0d: separate()
    case 0..<0x20, 0x7f: return
    case 0x30...0x39, 0x61...0x7a:
      settle()
      words.codes.append(code)
    case 0x41...0x5a:
      settle()
      words.codes.append(rules.lowercase ? code + 0x20 : code)
    default:
      settle()
      appendWord(code)
    }
  }

  /// Ends the word.
  mutating func separate() {
    settle()
    words.endWord()
    words.endRun()
  }

  private mutating func strip(_ code: UInt32) {
    guard rules.stripsAccents else { return append(code) }
    if CharacterTables.boundaryMarks.row(of: code, width: 2) != nil { return settle() }
    if CharacterTables.marks.row(of: code, width: 2) != nil { return }
    if 0xac00..<0xd7a4 ~= code { return decomposeHangul(code - 0xac00) }
    let table = CharacterTables.decompositions
    guard let row = table.row(of: code, width: 4) else { return order(code) }
    let length = Int(table[row + 2])
    let start = Int(table[row + 3]) + Int(code - table[row]) * length
    for part in CharacterTables.parts[start..<start + length] { order(part) }
  }

  /// By the Unicode standard's arithmetic; the parts are all starters.
  private mutating func decomposeHangul(_ index: UInt32) {
    settle()
    append(0x1100 + index / 588)
    append(0x1161 + index % 588 / 28)
    if index % 28 != 0 { append(0x11a7 + index % 28) }
  }

  private mutating func order(_ code: UInt32) {
    if let row = CharacterTables.orders.row(of: code, width: 3) {
      waiting.append((CharacterTables.orders[row + 2], code))
    } else {
      settle()
      append(code)
    }
  }

  /// Lets those that wait go, by class, and as they came within a class.
  private mutating func settle() {
    guard !waiting.isEmpty else { return }
    let ordered = waiting.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
    waiting.removeAll()
    for item in ordered { append(item.element.code) }
  }

  private mutating func append(_ code: UInt32) {
    guard rules.lowercase else { return appendToWord(code) }
    let table = CharacterTables.lower
    if code == 0x130 {
      // İ is the one character whose lower case is two; decomposed, it is none.
      appendToWord(0x69)
      appendToWord(0x307)
    } else if let row = table.row(of: code, width: 4), (code - table[row]).isMultiple(of: table[row + 2]) {
      appendToWord(table[row + 3] + (code - table[row]))
    } else {
      appendToWord(code)
    }
  }

  private mutating func appendToWord(_ code: UInt32) {
    if CharacterTables.punctuation.row(of: code, width: 2) != nil {
      appendWord(code)
    } else {
      words.codes.append(code)
    }
  }

  /// Adds a word of one character.
  private mutating func appendWord(_ code: UInt32) {
    words.endWord()
    words.codes.append(code)
    words.endWord()
  }
}

extension [UInt32] {
  /// Where the row begins whose range, its first two numbers, holds `code`.
  func row(of code: UInt32, width: Int) -> Int? {
    var low = 0
    var high = count / width
    while low < high {
      let middle = (low + high) / 2
      if self[middle * width + 1] < code { low = middle + 1 } else { high = middle }
    }
    return low * width < count && self[low * width] <= code ? low * width : nil
  }
}
