/// Lines of standard input, each as soon as it has arrived.
public struct InputLines {
  /// A line, or nothing but the fact that it was too long to be held.
  public enum Line: Sendable {
    /// Without its line feed.
    case bytes([UInt8])
    case tooLong

    /// Bytes that are held of it.
    public var count: Int { if case .bytes(let bytes) = self { bytes.count } else { 0 } }
  }

  private let more: () throws(Failure) -> [UInt8]
  private var waiting: ArraySlice<UInt8> = []
  private var isAtEnd = false

  public init() { self.init { () throws(Failure) in try System.readAvailable(0, "standard input") } }

  /// - Parameter more: what has arrived since the last call, at least a byte; nothing at the end.
  package init(_ more: @escaping () throws(Failure) -> [UInt8]) { self.more = more }

  /// Whether a whole line is there that needs no waiting.
  public var hasWaitingLine: Bool { waiting.contains(0x0a) }

  /// The next line; nil at the end.
  /// - Throws: `Failure` of kind `io` when the input can't be read.
  public mutating func next() throws(Failure) -> Line? {
    let longest = Limit.lineBytes.value
    var line: [UInt8] = []
    var isTooLong = false
    while true {
      if let end = waiting.firstIndex(of: 0x0a) {
        line += waiting[..<end]
        waiting = waiting[(end + 1)...]
        return isTooLong || line.count > longest ? .tooLong : .bytes(line)
      }
      line += waiting
      waiting = []
      if line.count > longest {
        isTooLong = true
        line = []
      }
      if isAtEnd { return isTooLong ? .tooLong : line.isEmpty ? nil : .bytes(line) }
      waiting = try more()[...]
      isAtEnd = waiting.isEmpty
    }
  }
}

/// All of standard input.
/// - Throws: `Failure` of kind `io` when it can't be read, `badData` when it holds more than `limit` bytes.
public func contentsOfStandardInput(limit: Limit) throws(Failure) -> [UInt8] {
  let name = "standard input"
  var out: [UInt8] = []
  while true {
    let more = try System.readAvailable(0, name)
    if more.isEmpty { return out }
    guard more.count <= limit.value - out.count else {
      throw limit.failure(file: name, "has more than \(limit.value) bytes")
    }
    out += more
  }
}
