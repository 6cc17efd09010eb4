import Arrays

/// A file of labels, one a line. UTF-8 or UTF-16, with a mark before it or without; lines without a word are left out.
public struct LabelFile: Sendable {
  public let labels: [String]

  /// - Throws: `Failure` of kind `noInput`, or `badData` when it is no text, has no labels or too many.
  public init(_ path: String) throws(Failure) {
    do throws(Failure) {
      try self.init(bytes: contents(of: path, limit: .answersBytes))
    } catch {
      throw error.inFile(path)
    }
  }

  package init(bytes: [UInt8]) throws(Failure) {
    labels = try readText(utf8Bytes(bytes)).unicodeScalars.split { $0 == "\n" || $0 == "\r" }.compactMap { line in
      guard let first = line.firstIndex(where: { !$0.properties.isWhitespace }),
        let last = line.lastIndex(where: { !$0.properties.isWhitespace })
      else { return nil }
      return String(String.UnicodeScalarView(line[first...last]))
    }
    guard !labels.isEmpty else {
      throw Failure(.badData, "holds no labels", hint: "write one label a line, for example \"tabby cat\"")
    }
    guard labels.count <= Limit.answers.value else {
      throw Limit.answers.failure("has more than \(Limit.answers.value) labels")
    }
  }
}
