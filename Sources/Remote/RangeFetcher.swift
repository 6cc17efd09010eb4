import Arrays
import Synchronization

/// Fetches ranges of a file at an address, and sees to it that all are of the same file; from any thread.
final class RangeFetcher: Sendable {
  let path: String
  let size: Int
  private let client: FetchClient
  private let address: WebAddress
  private let resource: FetchedResource
  private let state: Mutex<State>

  /// Files of which all is taken where a server gives no parts.
  static let mostWhole = 8 << 20

  private struct State {
    /// Where the hub sent the first request; asked directly from then on.
    var target: WebAddress?
    /// What must stay the same for all ranges to be of one file: of the address itself, and where that sends one.
    var tag: String?
    var targetTag: String?
  }

  init(
    _ path: String, size: Int, at address: WebAddress, _ client: FetchClient, _ resource: FetchedResource,
    tag: String? = nil
  ) {
    (self.path, self.size, self.address, self.client, self.resource) = (path, size, address, client, resource)
    state = Mutex(State(tag: Self.bare(tag)))
  }

  /// - Throws: `Failure` of kind `unavailable` when it can't be had, or the file has changed.
  func fetch(_ range: Range<Int>) throws(Failure) -> [UInt8] {
    if range.isEmpty { return [] }
    // A small file is taken whole, where its server gives no parts.
    let most = max(range.count, size <= Self.mostWhole ? size : 0)
    let target = state.withLock { $0.target }
    var request = FetchRequest(address: target ?? address, range: range)
    if target != nil, let answer = try? client.get(request, resource, most: most), answer.head.status == 206 {
      return try take(answer, range, isDirect: true)
    }
    // Where a signed address has run out, the hub gives another.
    request.address = address
    return try take(client.get(request, resource, most: most), range, isDirect: false)
  }

  /// - Parameter isDirect: whether the address was asked where an earlier request was sent.
  private func take(
    _ answer: FetchClient.Answer, _ range: Range<Int>, isDirect: Bool
  ) throws(Failure) -> [UInt8] {
    var bytes = answer.body
    if answer.head.status == 206 {
      guard let told = ContentRange(answer.head["content-range"] ?? ""), told.range.lowerBound == range.lowerBound,
        told.range.count == bytes.count, bytes.count <= range.count
      else {
        throw wrong("gives other bytes than the \(range.count) from \(range.lowerBound) on that were asked for")
      }
      guard told.size ?? size == size, told.range == range else { throw changed }
    } else {
      guard bytes.count == size else { throw changed }
      bytes = Array(bytes[range])
    }
    let own = Self.bare(answer.head["etag"])
    let isRedirected = answer.address != address
    try state.withLock { state throws(Failure) in
      // The hub says what a file is; where it sends one, the other server has a tag of its own.
      let tag = isDirect ? nil : Self.bare(answer.first["x-linked-etag"]) ?? (isRedirected ? nil : own)
      guard state.tag == nil || tag == nil || state.tag == tag else { throw changed }
      state.tag = state.tag ?? tag
      if isRedirected || isDirect {
        guard !isDirect || state.targetTag == nil || own == nil || state.targetTag == own else { throw changed }
        (state.target, state.targetTag) = (answer.address, own)
      }
    }
    return bytes
  }

  /// Without quotes, and what marks it as weak.
  private static func bare(_ tag: String?) -> String? {
    guard let tag else { return nil }
    return String((tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]).filter { $0 != "\"" })
  }

  private var changed: Failure {
    Failure(.unavailable, file: path, "changed while it was being read", hint: "run the command again")
  }

  private func wrong(_ reason: String) -> Failure {
    Failure(.unavailable, file: path, reason, hint: "the server, or a proxy before it, is at fault: try again later")
  }
}

/// `bytes 0-99/200` (RFC 9110, 14.4).
package struct ContentRange {
  package let range: Range<Int>
  /// Of the whole; nil: not told.
  package let size: Int?

  package init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
    let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
    let ends = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), first >= 0,
      last >= first, last < Int.max
    else { return nil }
    range = first..<last + 1
    if parts[1] == "*" {
      size = nil
    } else {
      guard let size = Int(parts[1]), size >= range.upperBound else { return nil }
      self.size = size
    }
  }
}
