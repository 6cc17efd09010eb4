/// A token by its bytes, to be looked up: strings are equal, and hash alike, where they are canonically equivalent
/// only, and two tokens may well be that.
package struct TokenBytes: Hashable, Sendable {
  private let bytes: [UInt8]

  package init(_ token: some StringProtocol) { bytes = Array(token.utf8) }

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
}

extension TokenizerDescription {
  /// The two tokens of a line of merges, and the one that they become; nil: it isn't two with a space between.
  package static func merge(_ line: String) -> (first: TokenBytes, second: TokenBytes, joined: TokenBytes)? {
    let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    let (first, second) = (Array(parts[0]), Array(parts[1]))
    return (TokenBytes(first), TokenBytes(second), TokenBytes(first + second))
  }
}

/// What stands for each byte in a vocabulary of byte-pair encoding (source: GPT-2's encoder.py): the character of that
/// number where it can be seen, else one of those from U+0100 on.
package enum ByteLetters {
  package static let all: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte in
      if 0x21...0x7e ~= byte || 0xa1...0xac ~= byte || 0xae...0xff ~= byte { return Unicode.Scalar(UInt8(byte)) }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? "\u{100}"
    }
  }()
}
