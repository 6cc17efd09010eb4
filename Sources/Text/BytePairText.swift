/// What CLIP's tokenizer makes of a text before it joins bytes (source: transformers 5.24, tokenization_clip.py):
/// composed characters, one space for each run of white space, lower case, then pieces.
enum BytePairText {
  /// The text as code points: composed, spaced, in lower case.
  static func normalized(_ text: some Sequence<UInt32>) -> [UInt32] {
    var out: [UInt32] = []
    var isSpaced = false
    for code in Composition.composed(text) {
      if isSpace(code) {
        if !isSpaced { out.append(0x20) }
        isSpaced = true
        continue
      }
      isSpaced = false
      appendLower(code, to: &out)
    }
    return out
  }

  private static func appendLower(_ code: UInt32, to out: inout [UInt32]) {
    if code < 0x80 { return out.append(0x41...0x5a ~= code ? code + 0x20 : code) }
    let table = CharacterTables.lower
    if code == 0x130 {
      // İ is the one character whose lower case is two.
      out += [0x69, 0x307]
    } else if let row = table.row(of: code, width: 4), (code - table[row]).isMultiple(of: table[row + 2]) {
      out.append(table[row + 3] + (code - table[row]))
    } else {
      out.append(code)
    }
  }

  /// Hands the pieces of a normalized text to `body`, until that says no: by the publisher's expression
  ///
  ///     <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
  ///
  /// whose pieces are then cut by GPT-2's. That leaves all as they are but the first two, which become three each.
  static func forEachPiece(of text: ArraySlice<UInt32>, _ body: (ArraySlice<UInt32>) -> Bool) {
    var start = text.startIndex
    while start < text.endIndex {
      let code = text[start]
      if isSpace(code) {
        start += 1
        continue
      }
      let rest = text[start...]
      if code == 0x3c, let marker = markers.first(where: { rest.starts(with: $0) }) {
        let end = start + marker.count
        for piece in [start..<start + 2, start + 2..<end - 2, end - 2..<end] where !body(text[piece]) { return }
        start = end
        continue
      }
      var end = start + 1
      if code == 0x27, let ending = contractions.first(where: { rest.dropFirst().starts(with: $0) }) {
        end += ending.count
      } else if isLetter(code) {
        while end < text.endIndex, isLetter(text[end]) { end += 1 }
      } else if !isNumber(code) {
        while end < text.endIndex, !isSpace(text[end]), !isLetter(text[end]), !isNumber(text[end]) { end += 1 }
      }
      guard body(text[start..<end]) else { return }
      start = end
    }
  }

  private static let markers = ["<|startoftext|>", "<|endoftext|>"].map { $0.unicodeScalars.map(\.value) }
  /// What follows an apostrophe, in the expression's order.
  private static let contractions = ["s", "t", "re", "ve", "m", "ll", "d"].map { $0.unicodeScalars.map(\.value) }

  private static func isSpace(_ code: UInt32) -> Bool { CategoryTables.spaces.row(of: code, width: 2) != nil }

  private static func isLetter(_ code: UInt32) -> Bool {
    code < 0x80 ? 0x61...0x7a ~= code | 0x20 : CategoryTables.letters.row(of: code, width: 2) != nil
  }

  private static func isNumber(_ code: UInt32) -> Bool {
    code < 0x80 ? 0x30...0x39 ~= code : CategoryTables.numbers.row(of: code, width: 2) != nil
  }
}
