import Arrays

/// A file of texts, one a line.
public enum TextLines {
  /// UTF-8 or UTF-16, with a mark before it or without. Every line is a text, an empty one too; what follows the last line
  /// feed is one where it isn't empty.
  /// - Throws: `Failure` of kind `noInput`; `badData` naming the line that is no text.
  public static func read(_ path: String) throws(Failure) -> [String] {
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try utf8Bytes(contents(of: path, limit: .questionsBytes))
    } catch {
      throw error.inFile(path)
    }
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var out: [String] = []
    out.reserveCapacity(lines.count)
    for line in lines {
      do throws(Failure) {
        out.append(try readText(line.last == 0x0d ? line.dropLast() : line))
      } catch {
        throw Failure(.badData, file: path, place: "line \(out.count + 1)", error.reason, hint: error.hint)
      }
    }
    return out
  }
}
