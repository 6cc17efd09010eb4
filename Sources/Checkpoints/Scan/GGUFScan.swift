import Arrays

/// Goes through the metadata of a GGUF file.
struct GGUFScan {
  private var window: ScanWindow
  private(set) var position = 4

  init(_ bytes: ScanBytes) { window = ScanWindow(bytes) }

  private static let sizes = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]

  /// - Returns: what is wrong; nil: nothing.
  mutating func run(onTemplate: (String, Int) -> Void) throws(Failure) -> String? {
    guard let version = try integer(4), (1...3).contains(version) else { return "its version is not known" }
    let width = version == 1 ? 4 : 8
    guard try integer(width) != nil, let count = try integer(width) else { return "it ends early" }
    for _ in 0..<count {
      guard let key = try text(width), let type = try integer(4) else { return "it ends early" }
      if type == 8, key.hasPrefix("tokenizer.chat_template") {
        let start = position
        guard let value = try text(width) else { return "it ends early" }
        onTemplate(value, start)
      } else if let problem = try skip(type, width, depth: 0) {
        return problem
      }
    }
    return nil
  }

  private mutating func integer(_ count: Int) throws(Failure) -> Int? {
    guard count <= window.bytes.count - position else { return nil }
    defer { position += count }
    return try window.integer(count, at: position)
  }

  private mutating func text(_ width: Int) throws(Failure) -> String? {
    guard let length = try integer(width), length <= window.bytes.count - position else { return nil }
    defer { position += length }
    return String(decoding: try window.bytes.bytes(min(length, 1 << 20), at: position), as: UTF8.self)
  }

  private mutating func skip(_ type: Int, _ width: Int, depth: Int) throws(Failure) -> String? {
    let early = "it ends early"
    switch type {
    case 8:
      guard let length = try integer(width), length <= window.bytes.count - position else { return early }
      position += length
    case 9:
      guard depth < 8, let inner = try integer(4), let count = try integer(width) else { return early }
      if let size = Self.sizes[inner] {
        guard count <= (window.bytes.count - position) / size else { return early }
        position += count * size
      } else {
        for _ in 0..<count { if let problem = try skip(inner, width, depth: depth + 1) { return problem } }
      }
    default:
      guard let size = Self.sizes[type] else { return "a value is of the type \(type), which is not known" }
      guard size <= window.bytes.count - position else { return early }
      position += size
    }
    return nil
  }
}
