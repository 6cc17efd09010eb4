/// The accuracy of visual question answering, as the data set's authors compute it: vqaEval.py of GT-Vision-Lab/VQA, run
/// by Python 3.
///
/// Its peculiarities are kept:
/// - Where all annotators gave the same answer, nothing is normalized but white space around: `Yes` is wrong then, and
///   `yes` right.
/// - A mark is dropped where it has a space beside it anywhere in the answer, and all marks are where a comma stands
///   between digits anywhere; elsewhere a mark becomes a space: `t-shirt` is `t shirt`, `1,000-x` is `1000x`.
/// - Full stops go unless a digit follows, but no more than 32 of them (an option was given where a count is taken).
/// - `none` is 0, and articles go wherever they are: `a` is the empty answer.
/// - An apostrophe that is missing is put back into contractions; `somebody'd` loses its own. `I'm` and the like have
///   no effect because answers are in lower case by then.
public struct VQAAccuracy: Sendable {
  /// The accuracies of questions of one type.
  public struct Tally: Sendable {
    public private(set) var questions = 0
    private var sum = 0.0

    mutating func add(_ accuracy: Double) {
      questions += 1
      sum += accuracy
    }

    /// 0...1; 0 when there is no question.
    public var mean: Double { questions == 0 ? 0 : sum / Double(questions) }

    /// As it is published: of 100, with two digits.
    public var percentage: Double { questions == 0 ? 0 : roundedToHundredths(100 * sum / Double(questions)) }
  }

  public private(set) var overall = Tally()
  public private(set) var perQuestionType: [String: Tally] = [:]
  public private(set) var perAnswerType: [String: Tally] = [:]

  public init() {}

  /// Counts a question's accuracy in.
  public mutating func add(_ accuracy: Double, questionType: String? = nil, answerType: String? = nil) {
    overall.add(accuracy)
    if let questionType { perQuestionType[questionType, default: Tally()].add(accuracy) }
    if let answerType { perAnswerType[answerType, default: Tally()].add(accuracy) }
  }

  /// 0...1, not rounded: over all annotators, the mean of a third of how many of the others gave that answer, at most 1.
  /// It is 1 where four of ten agree. With one annotator it is always 0, for there are no others: see `isSame`.
  public static func accuracy(_ prediction: String, annotators: [String]) -> Double {
    guard !annotators.isEmpty else { return 0 }
    var answers = annotators.map { trimmed($0) }
    var prediction = trimmed(prediction)
    if answers.dropFirst().contains(where: { $0 != answers[0] }) {
      answers = answers.map { normalized($0) }
      prediction = normalized(prediction)
    }
    return leavingEachOut(answers.map { $0 == prediction })
  }

  /// The mean over annotators of the share of three others who gave the answer, at most 1.
  /// - Parameter matches: who gave it, in the order in which the published code adds.
  private static func leavingEachOut(_ matches: [Bool]) -> Double {
    let count = matches.count { $0 }
    var sum = 0.0
    for isMatch in matches { sum += min(1, Double(isMatch ? count - 1 : count) / 3) }
    return sum / Double(matches.count)
  }

  /// VizWiz's: the prediction is normalized, annotators' answers are taken as they stand.
  static func vizWiz(_ prediction: String, annotators: [String]) -> Double {
    let prediction = normalized(trimmed(prediction))
    return leavingEachOut(annotators.map { $0.unicodeScalars.elementsEqual(prediction) })
  }

  /// TextVQA's: all is normalized.
  static func textVQA(_ prediction: String, annotators: [String]) -> Double {
    let prediction = tokenized(prediction)
    return leavingEachOut(annotators.map { tokenized($0) == prediction })
  }

  /// As EvalAI's answer processor begins: lower case, no commas and question marks, a space before `'s`.
  private static func tokenized(_ answer: String) -> Scalars {
    let lower = lowercased(Scalars(answer.unicodeScalars)).filter { $0 != "," && $0 != "?" }
    var out: Scalars = []
    for (index, scalar) in lower.enumerated() {
      if scalar == "'", index + 1 < lower.count, lower[index + 1] == "s" { out.append(" ") }
      out.append(scalar)
    }
    // Its ends lose their space before tabs and line feeds become spaces, and again after.
    return normalized(trimmed(text(stripped(out))))
  }

  /// What the metric compares where annotators are at odds.
  public static func normalized(_ answer: String) -> String { text(normalized(trimmed(answer))) }

  /// Whether two answers are the same when normalized: for data with a single answer to each question, which the metric
  /// is not made for.
  public static func isSame(_ prediction: String, as answer: String) -> Bool {
    normalized(trimmed(prediction)) == normalized(trimmed(answer))
  }

  // MARK: - Normalizing

  // Answers are handled as code points: Swift's characters and its equality of strings would join what Python keeps
  // apart.
  private typealias Scalars = [Unicode.Scalar]

  private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var out = String.UnicodeScalarView()
    out.append(contentsOf: scalars)
    return String(out)
  }

  private static func trimmed(_ answer: String) -> Scalars {
    stripped(answer.unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0 })
  }

  /// Python's `str.strip`.
  private static func stripped(_ scalars: Scalars) -> Scalars {
    guard let first = scalars.firstIndex(where: { !isSpace($0) }), let last = scalars.lastIndex(where: { !isSpace($0) })
    else { return [] }
    return Scalars(scalars[first...last])
  }

  private static func normalized(_ trimmed: Scalars) -> Scalars { words(withoutPeriods(withoutMarks(trimmed))) }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!": true
    default: false
    }
  }

  private static func withoutMarks(_ text: Scalars) -> Scalars {
    var dropped: Set<Unicode.Scalar> = []
    var dropsAll = false
    for (index, scalar) in text.enumerated() where isMark(scalar) {
      let (before, after) = (index > 0 ? text[index - 1] : nil, index + 1 < text.count ? text[index + 1] : nil)
      if before == " " || after == " " { dropped.insert(scalar) }
      if scalar == ",", let before, let after, isDigit(before), isDigit(after) { dropsAll = true }
    }
    return text.compactMap { !isMark($0) ? $0 : dropsAll || dropped.contains($0) ? nil : " " }
  }

  /// Most full stops that go.
  private static let mostPeriods = 32

  private static func withoutPeriods(_ text: Scalars) -> Scalars {
    var gone = 0
    var out: Scalars = []
    for (index, scalar) in text.enumerated() {
      let isGoing =
        scalar == "." && gone < mostPeriods && !(index + 1 < text.count && isDigit(text[index + 1]))
      if isGoing { gone += 1 } else { out.append(scalar) }
    }
    return out
  }

  private static let numbers = [
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10",
  ]

  private static func words(_ answer: Scalars) -> Scalars {
    let words = lowercased(answer).split(whereSeparator: isSpace).compactMap { word -> Scalars? in
      // All words of the tables are ASCII. Others may have runs of combining marks that `String` takes long to look up.
      guard word.allSatisfy(\.isASCII) else { return Scalars(word) }
      let word = text(word)
      let number = numbers[word] ?? word
      if number == "a" || number == "an" || number == "the" { return nil }
      return Scalars((contractions[number] ?? number).unicodeScalars)
    }
    return Scalars(words.joined(separator: [" "]))
  }

  /// Contractions by how they are misspelt: the published table has each of these without one of its apostrophes.
  private static let contractions: [String: String] = {
    // Not misspelt, and yet there.
    var table = ["somebody'd": "somebodyd"]
    for right in contracted.split(whereSeparator: \.isWhitespace) {
      for index in right.indices where right[index] == "'" {
        table[String(right[..<index] + right[right.index(after: index)...])] = String(right)
      }
    }
    return table
  }()

  private static let contracted = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
    he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've
    o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
    someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've
    there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
    what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've
    wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
    """

  /// Python's `str.isspace`.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0d, 0x1c...0x20: true
    case 0..<0x80: false
    default: scalar.properties.isWhitespace
    }
  }

  /// Python's `\d`.
  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x80
      ? ("0"..."9").contains(scalar) : scalar.properties.generalCategory == .decimalNumber
  }

  /// Python's `str.lower`: the full mapping, and a sigma that ends a word has its own form.
  private static func lowercased(_ text: Scalars) -> Scalars {
    var out: Scalars = []
    out.reserveCapacity(text.count)
    for (index, scalar) in text.enumerated() {
      if scalar.value < 0x80 {
        let isUpper = ("A"..."Z").contains(scalar)
        out.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) + 0x20) : scalar)
      } else if scalar == "\u{3a3}" {
        let before = text[..<index].last { !$0.properties.isCaseIgnorable }
        let after = text[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
        out.append(isFinal ? "\u{3c2}" : "\u{3c3}")
      } else {
        out += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return out
  }

  // MARK: - Rounding

  /// Python's `round(number, 2)` of a number from 0 to 100: exact, a tie to the even digit.
  static func roundedToHundredths(_ number: Double) -> Double {
    guard number > 0, number.isFinite, number < 1e6 else { return number }
    // number = digits / 2^shift, and a hundred times that fits 64 bits.
    let shift = 52 - Int(number.exponent)
    guard shift > 0 else { return number }
    guard shift < 62 else { return 0 }
    let hundredfold = 100 * (number.significandBitPattern | 1 << 52)
    let (whole, rest, half) = (hundredfold >> shift, hundredfold & (1 << shift - 1), UInt64(1) << (shift - 1))
    let isUp = rest > half || rest == half && whole % 2 == 1
    return Double(whole + (isUp ? 1 : 0)) / 100
  }
}
