import Arrays
import Tasks

/// Texts as JSON Lines in, vectors as JSON Lines out, a line for a line and in their order. A line in is an object of
/// `text`; its member `id` is handed through. A line out is an object of `embedding`, or of `error`.
public struct EmbeddingLines {
  private let embedder: TextEmbedding
  private let prompt: String
  private var number = 0
  /// Lines that gave an error.
  public private(set) var failed = 0

  /// - Parameter prompt: what is put before each text.
  public init(_ embedder: TextEmbedding, prompt: String) {
    (self.embedder, self.prompt) = (embedder, prompt)
  }

  private enum Read {
    case empty
    case text(String, JSONValue)
    case failure(Failure, JSONValue?)
  }

  /// What to print for some lines that have come; nothing for an empty one.
  public mutating func answers(_ lines: [InputLines.Line]) -> [String] {
    let read = lines.map { line in self.read(line) }
    let texts = read.compactMap { if case .text(let text, _) = $0 { text } else { nil } }
    var vectors: [[Float]] = []
    var problem: Failure?
    do throws(Failure) { vectors = try embedder.vectors(of: texts, prompt: prompt) } catch { problem = error }
    if problem != nil, texts.count > 1 {
      // One of them may be the reason; then the others are answered alone.
      return lines.indices.flatMap { alone(read[$0], number - lines.count + $0 + 1) }
    }
    var next = 0
    var out: [String] = []
    for (index, item) in read.enumerated() {
      let number = number - lines.count + index + 1
      switch item {
      case .empty: break
      case .failure(let failure, let given): out.append(told(failure, given, number))
      case .text(_, let given):
        if let problem {
          out.append(told(problem, given, number))
        } else {
          out.append(written(given, .object(["embedding": vectorJSON(vectors[next])])))
          next += 1
        }
      }
    }
    return out
  }

  private mutating func alone(_ item: Read, _ number: Int) -> [String] {
    switch item {
    case .empty: return []
    case .failure(let failure, let given): return [told(failure, given, number)]
    case .text(let text, let given):
      do throws(Failure) {
        let vectors = try embedder.vectors(of: [text], prompt: prompt)
        return [written(given, .object(["embedding": vectorJSON(vectors[0])]))]
      } catch {
        return [told(error, given, number)]
      }
    }
  }

  private mutating func read(_ line: InputLines.Line) -> Read {
    number += 1
    var given: JSONValue?
    do throws(Failure) {
      guard case .bytes(var bytes) = line else {
        throw Limit.lineBytes.failure("has more than \(Limit.lineBytes.value) bytes")
      }
      if number == 1, bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
      if bytes.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { return .empty }
      let object = try JSONValue(parsing: bytes)
      given = object
      return .text(try object.member("text").string(), object)
    } catch {
      return .failure(error.inFile("line \(number)"), given)
    }
  }

  private mutating func told(_ failure: Failure, _ given: JSONValue?, _ number: Int) -> String {
    failed += 1
    let hint = failure.kind == .badData ? "each line is one object {\"text\": TEXT}" : failure.kind.usualHint
    return written(given, .object(["line": .integer(number), "error": failure.json(hint: hint)]))
  }

  private func written(_ line: JSONValue?, _ object: JSONValue) -> String {
    var object = object
    if let id = line?["id"], case .object(let members) = object.content {
      object = JSONValue(.object([JSONMember("id", id)] + members))
    }
    return printableJSON(object.compactText)
  }
}
