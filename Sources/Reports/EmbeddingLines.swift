import Arrays
import Media
import Tasks

/// Texts and images as JSON Lines in, vectors as JSON Lines out, a line for a line and in their order. A line in is an object
/// of `text`, or of `image`, a path; its member `id` is handed through. A line out is an object of `embedding`, or of
/// `error`.
public struct EmbeddingLines {
  private let embedder: Embedder
  private let prompt: String
  private let isUpright: Bool
  private var number = 0
  /// Lines that gave an error.
  public private(set) var failed = 0
  /// Pictures that were taken with the camera turned and looked at as they are stored.
  public private(set) var turned: [String] = []

  /// - Parameters:
  ///   - prompt: what is put before each text.
  ///   - isUpright: whether pictures are turned as the camera noted.
  public init(_ embedder: Embedder, prompt: String, isUpright: Bool = false) {
    (self.embedder, self.prompt, self.isUpright) = (embedder, prompt, isUpright)
  }

  private enum Read {
    case empty
    case item(VectorItem, JSONValue)
    case failure(Failure, JSONValue?)
  }

  /// What to print for some lines that have come; nothing for an empty one.
  public mutating func answers(_ lines: [InputLines.Line]) -> [String] {
    let read = lines.map { line in self.read(line) }
    let texts = read.compactMap { if case .item(.text(let text), _) = $0 { text } else { nil } }
    // Where they can't be run together, one of them may be the reason; then each is run alone.
    var vectors = (texts.count > 1 ? try? embedder.vectors(of: texts, prompt: prompt) : nil)?.makeIterator()
    var out: [String] = []
    for (index, item) in read.enumerated() {
      let number = number - lines.count + index + 1
      switch item {
      case .empty: break
      case .failure(let failure, let given):
        out.append(told(failure, given, number, message: "\(failure.inFile("line \(number)"))"))
      case .item(let item, let given):
        do throws(Failure) {
          let known = item.isImage ? nil : vectors?.next()
          let vector = if let known { known } else { try vector(of: item) }
          out.append(written(given, .object(["embedding": vectorJSON(vector)])))
        } catch {
          out.append(told(error, given, number))
        }
      }
    }
    return out
  }

  private mutating func vector(of item: VectorItem) throws(Failure) -> [Float] {
    switch item {
    case .text(let text): return try embedder.vectors(of: [text], prompt: prompt)[0]
    case .image(let path):
      try embedder.checkTakesPictures()
      let picture = try Picture(path, isUpright: isUpright, turned: &turned)
      do throws(Failure) { return try embedder.vector(of: picture) } catch { throw error.inFile(item.name) }
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
      guard let image = object["image"] else { return .item(.text(try object.member("text").string()), object) }
      guard object["text"] == nil else { throw image.failure("stands beside a text: give each its line") }
      let path = try image.string()
      try ImageLines.check(image: path)
      return .item(.image(path), object)
    } catch {
      return .failure(error, given)
    }
  }

  private mutating func told(
    _ failure: Failure, _ given: JSONValue?, _ number: Int, message: String? = nil
  ) -> String {
    failed += 1
    let usual =
      failure.kind == .badData
      ? "each line is one object {\"text\": TEXT} or {\"image\": PATH}" : failure.kind.usualHint
    return written(given, .object(["line": .integer(number), "error": failure.json(hint: usual, message: message)]))
  }

  private func written(_ line: JSONValue?, _ object: JSONValue) -> String {
    var object = object
    if let id = line?["id"], case .object(let members) = object.content {
      object = JSONValue(.object([JSONMember("id", id)] + members))
    }
    return printableJSON(object.compactText)
  }
}
