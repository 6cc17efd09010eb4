import Arrays

/// Pairs of texts with a score of how alike people found them, such as the STS benchmark's or SICK's.
public struct TextPairs: Sendable {
  public struct Pair: Sendable {
    public let first: String
    public let second: String
    public let score: Double
  }

  public let pairs: [Pair]

  private static let hint = "the first line names the columns: sentence1,sentence2,score"
  private static let firstColumns: Set = ["sentence1", "sentence_a", "text1", "texta", "text_a", "first"]
  private static let secondColumns: Set = ["sentence2", "sentence_b", "text2", "textb", "text_b", "second"]
  private static let scoreColumns: Set = ["score", "relatedness_score", "similarity_score", "similarity", "label"]

  /// - Parameter path: of a CSV file, as it is or packed by gzip or zip, or one with semicolons or tabs for commas, whose first line names the columns. In one
  ///   whose name ends in .tsv or .txt quotes are part of the texts, as in those of GLUE.
  /// - Throws: `Failure` of kind `noInput`, or `badData` naming the line.
  public init(_ path: String) throws(Failure) {
    let file = try DataFile(path)
    let bytes = file.bytes
    guard !bytes.isEmpty else { throw Failure(.badData, file: path, "is empty", hint: Self.hint) }
    let isPlain = [".tsv", ".txt"].contains(where: file.name.lowercased().hasSuffix)
    var found: (records: Records, columns: Columns)?
    var names: [String] = []
    for separator in isPlain ? [0x09] : CSVRecords.separators where found == nil {
      var records = Records(path, bytes, separator, isPlain: isPlain)
      guard let head = try? records.next() else { continue }
      if let columns = Columns(head.fields) { found = (records, columns) }
      if names.isEmpty { names = head.fields }
    }
    guard let found else {
      let told = names.prefix(8).map { "\"\(shortened($0, to: 40))\"" }.joined(separator: ", ")
      throw Failure(
        .badData, file: path, place: "line 1",
        "there are no columns \"sentence1\", \"sentence2\" and \"score\" among \(told)", hint: Self.hint)
    }
    var records = found.records
    let columns = found.columns
    var out: [Pair] = []
    while let record = try records.next() {
      guard record.fields.count == columns.count else {
        throw records.failure(
          record.line,
          "has \(record.fields.count) \(record.fields.count == 1 ? "field" : "fields"), the header \(columns.count)",
          hint: isPlain ? "fields are separated by tabs" : "a text with commas or quotes stands in quotes")
      }
      guard let score = Double(record.fields[columns.score]), score.isFinite else {
        throw records.failure(
          record.line, "the score is \"\(shortened(record.fields[columns.score], to: 40))\", no number",
          hint: "a pair that nobody scored can't be counted: leave it out")
      }
      out.append(
        Pair(first: record.fields[columns.first], second: record.fields[columns.second], score: score))
    }
    guard !out.isEmpty else { throw Failure(.badData, file: path, "has a header only", hint: Self.hint) }
    pairs = out
  }

  private struct Columns {
    let first, second, score, count: Int

    /// nil where the three aren't there, or one of them twice.
    init?(_ names: [String]) {
      let names = names.map { $0.lowercased() }
      let (a, b) = (
        names.indices.filter { firstColumns.contains(names[$0]) },
        names.indices.filter { secondColumns.contains(names[$0]) }
      )
      let scores = names.indices.filter { scoreColumns.contains(names[$0]) }
      guard a.count == 1, b.count == 1, scores.count == 1 else { return nil }
      (first, second, score, count) = (a[0], b[0], scores[0], names.count)
    }
  }

  /// The lines of a file, with or without quotes that mean something.
  private struct Records {
    private var quoted: CSVRecords
    private let lines: [ArraySlice<UInt8>]?
    private var line = 0
    private let path: String

    init(_ path: String, _ bytes: [UInt8], _ separator: UInt8, isPlain: Bool) {
      self.path = path
      quoted = CSVRecords(path: path, bytes: bytes[...], separator: separator)
      lines = isPlain ? bytes.split(separator: 0x0a, omittingEmptySubsequences: false) : nil
    }

    func failure(_ line: Int, _ reason: String, hint: String) -> Failure {
      Failure(.badData, file: path, place: "line \(line)", reason, hint: hint)
    }

    mutating func next() throws(Failure) -> (line: Int, fields: [String])? {
      guard let lines else {
        while let record = try quoted.next() {
          if !record.fields.allSatisfy(\.isEmpty) { return record }
        }
        return nil
      }
      while line < lines.count {
        var bytes = lines[line]
        line += 1
        if bytes.last == 0x0d { bytes = bytes.dropLast() }
        if bytes.isEmpty { continue }
        var fields: [String] = []
        for field in bytes.split(separator: 0x09, omittingEmptySubsequences: false) {
          do throws(Failure) {
            fields.append(try readText(field))
          } catch {
            throw failure(line, error.reason, hint: error.hint ?? TextPairs.hint)
          }
        }
        return (line, fields)
      }
      return nil
    }
  }
}
