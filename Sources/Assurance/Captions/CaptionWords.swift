/// Words of captions, as CoreNLP's PTBTokenizer gives them in lower case and pycocoevalcap keeps them: punctuation is left
/// out, endings such as n't and 's are words. Its rules for plain English are here; addresses, markup and the like it
/// splits by further ones.
package enum CaptionWords {
  /// What pycocoevalcap leaves out, of what is made here.
  private static let leftOut: Set<String> = [
    "''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";",
  ]

  /// Brackets have names, which in lower case nobody leaves out.
  private static let brackets: [Character: String] = [
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
  ]

  private static let parted: [String: [String]] = [
    "cannot": ["can", "not"], "gonna": ["gon", "na"], "wanna": ["wan", "na"], "gotta": ["got", "ta"],
    "lemme": ["lem", "me"], "gimme": ["gim", "me"], "'tis": ["'t", "is"], "'twas": ["'t", "was"],
  ]

  /// Words whose full stop is theirs.
  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "etc", "prof", "gen", "rep", "sen", "gov", "co", "inc", "ltd",
    "corp", "ave", "blvd", "rd", "mt", "ft", "lt", "col", "capt", "sgt", "rev", "hon", "jan", "feb", "mar", "apr",
    "jun", "jul",
    "aug", "sep", "sept", "oct", "nov", "dec",
  ]

  package static func words(_ caption: String) -> [String] {
    let parts = caption.lowercased().split(whereSeparator: \.isWhitespace).map(Array.init)
    var out: [String] = []
    for (number, part) in parts.enumerated() {
      let isBeforeNumber = number + 1 < parts.count && parts[number + 1][0].isNumber
      out += tokens(part, isBeforeNumber: isBeforeNumber).filter { !leftOut.contains($0) }
    }
    return out
  }

  private static func isApostrophe(_ character: Character) -> Bool { character == "'" || character == "\u{2019}" }

  private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

  /// A part of the text without spaces.
  private static func tokens(_ text: [Character], isBeforeNumber: Bool) -> [String] {
    if let words = parted[String(text)] { return words }
    var out: [String] = []
    var place = 0
    while place < text.count {
      let character = text[place]
      if isWord(character) {
        let end = endOfWord(text, place, isBeforeNumber: isBeforeNumber)
        let word = String(text[place..<end])
        if word == "o", end + 5 < text.count, isApostrophe(text[end]), String(text[(end + 1)...].prefix(5)) == "clock" {
          out.append("o'clock")
          place = end + 6
          continue
        }
        // does n't
        if end - place > 1, word.hasSuffix("n"), end + 1 < text.count, isApostrophe(text[end]), text[end + 1] == "t",
          end + 2 == text.count || !isWord(text[end + 2])
        {
          out += [String(word.dropLast()), "n't"]
          place = end + 2
        } else {
          out += parted[word] ?? [word]
          place = end
        }
      } else if isApostrophe(character) {
        let ending = endOfEnding(text, place, isBehindWord: place > 0 && isWord(text[place - 1]))
        out.append(ending == place + 1 ? "'" : String(text[place..<ending]).replacing("\u{2019}", with: "'"))
        place = ending
      } else if let bracket = brackets[character] {
        out.append(bracket)
        place += 1
      } else {
        var end = place + 1
        // Several full stops, hyphens or marks of exclamation and question are one token.
        if character == "." || character == "-" { while end < text.count, text[end] == character { end += 1 } }
        if "!?".contains(character) { while end < text.count, "!?".contains(text[end]) { end += 1 } }
        out.append("!?".contains(character) ? String(text[place..<end]) : mark(character, count: end - place))
        place = end
      }
    }
    return out
  }

  private static func mark(_ character: Character, count: Int) -> String {
    switch character {
    case ".": count == 1 ? "." : "..."
    case "-": count == 1 ? "-" : "--"
    case "\u{2013}", "\u{2014}": "--"
    case "\u{2026}": "..."
    case "\"", "\u{201c}", "\u{201d}": "''"
    case "\u{2018}": "`"
    default: String(character)
    }
  }

  /// Where a word that begins there ends: marks between letters and digits are its own.
  private static func endOfWord(_ text: [Character], _ start: Int, isBeforeNumber: Bool) -> Int {
    var end = start + 1
    while end < text.count {
      if isWord(text[end]) {
        end += 1
        continue
      }
      let next = end + 1 < text.count && isWord(text[end + 1])
      let isDigit = text[end - 1].isNumber && end + 1 < text.count && text[end + 1].isNumber
      switch text[end] {
      case "-", "_", "/", "&", "@": if !next { return end }
      case ".":
        if next { break }
        let word = String(text[start..<end])
        // u.s., a.m. and initials, known abbreviations, and no. 5.
        let isAcronym = word.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
          $0.count == 1 && $0.allSatisfy(\.isLetter)
        }
        return isAcronym || abbreviations.contains(word) || word == "no" && isBeforeNumber ? end + 1 : end
      case ",", ":": if !isDigit { return end }
      default: return end
      }
      end += 1
    }
    return end
  }

  private static let endings = ["s", "m", "d", "re", "ve", "ll"]

  /// Where an ending that begins with an apostrophe ends; one place on where it is none.
  private static func endOfEnding(_ text: [Character], _ start: Int, isBehindWord: Bool) -> Int {
    var end = start + 1
    while end < text.count, isWord(text[end]) { end += 1 }
    let letters = String(text[start + 1..<end])
    if isBehindWord, endings.contains(letters) { return end }
    // 90s
    if !isBehindWord, letters.count == 3, letters.hasSuffix("s"), letters.dropLast().allSatisfy(\.isNumber) {
      return end
    }
    return start + 1
  }
}
