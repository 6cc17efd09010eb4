import Arrays
import CFetch
import Synchronization

/// A request to one address, redirects not followed.
struct FetchRequest {
  var address: WebAddress
  /// Bytes that are asked for; nil: all.
  var range: Range<Int>?
  var headers: [(name: String, value: String)] = []
}

/// The head of an answer: status and headers, whose names are in lower case.
struct AnswerHead {
  var status = 0
  var headers: [(name: String, value: String)] = []

  /// The last header of a name.
  subscript(name: String) -> String? { headers.last { $0.name == name }?.value }
}

/// Connections to servers, kept between requests and used from any thread, one request at a time each.
final class Connections: Sendable {
  static let shared = Connections()

  /// Where a connection is kept that nobody uses.
  @safe private struct Idle: @unchecked Sendable {
    var handles: [UnsafeMutableRawPointer] = unsafe []
  }

  private let idle = Mutex(Idle())

  /// What a callback needs.
  @safe private final class Exchange {
    var head = AnswerHead()
    var headerBytes = 0
    /// Takes pieces of the body; false: no more are wanted.
    let take: (AnswerHead, UnsafeRawBufferPointer) -> Bool
    var isTooLong = false
    /// Whether the empty line came that ends the headers: libcurl takes a connection that ends before it for an answer.
    var isWhole = false

    init(_ take: @escaping (AnswerHead, UnsafeRawBufferPointer) -> Bool) { unsafe self.take = take }

    /// - Returns: whether there may be more.
    func add(header line: String) -> Bool {
      headerBytes += line.utf8.count
      guard headerBytes <= Connections.mostHeaderBytes else {
        isTooLong = true
        return false
      }
      let line = line.filter { $0 != "\r\n" && $0 != "\n" && $0 != "\r" }
      if line.hasPrefix("HTTP/") {
        // Answers of 1xx come before the one that counts.
        let words = line.split(separator: " ")
        isWhole = false
        head = AnswerHead(status: words.count > 1 ? Int(words[1]) ?? 0 : 0)
      } else if let colon = line.firstIndex(of: ":") {
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        head.headers.append((line[..<colon].lowercased(), String(value)))
      } else if line.isEmpty {
        isWhole = true
      }
      return true
    }
  }

  static let mostHeaderBytes = 256 << 10

  /// Makes a request and hands its body, whatever the status is, to `take`, until that says false.
  /// - Parameter publicOnly: whether it may connect to addresses of the world only.
  /// - Returns: the head, and whether the body came whole, so far as it was wanted.
  func perform(
    _ request: FetchRequest, timeout: Int, publicOnly: Bool = false,
    _ take: @escaping (AnswerHead, UnsafeRawBufferPointer) -> Bool
  ) throws(FetchRefusal) -> AnswerHead {
    let handle = unsafe try self.handle()
    let exchange = unsafe Exchange(take)
    var answer = ingot_fetch_answer()
    let lines = request.headers.map { "\($0.name): \($0.value)\n" }.joined()
    let range = request.range.map { "\($0.lowerBound)-\($0.upperBound - 1)" }
    let authorities = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"].lazy
      .compactMap { Paths.environment($0) }.first { !$0.isEmpty }
    var raw = unsafe ingot_fetch_request()
    unsafe raw.timeout = timeout
    unsafe raw.is_public_only = publicOnly ? 1 : 0
    unsafe raw.context = Unmanaged.passUnretained(exchange).toOpaque()
    unsafe raw.on_header = { context, line, length in
      guard let context = unsafe context, let line = unsafe line else { return 1 }
      let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
      let bytes = unsafe UnsafeRawBufferPointer(start: line, count: length)
      return exchange.add(header: unsafe String(decoding: bytes, as: UTF8.self)) ? 0 : 1
    }
    unsafe raw.on_body = { context, bytes, length in
      guard let context = unsafe context, let bytes = unsafe bytes else { return 1 }
      let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
      return unsafe exchange.take(exchange.head, .init(start: bytes, count: length)) ? 0 : 1
    }
    unsafe request.address.description.withCString { url in
      unsafe lines.withCString { headers in
        unsafe FetchClient.userAgent.withCString { agent in
          unsafe (range ?? "").withCString { rangeText in
            unsafe (authorities ?? "").withCString { authoritiesText in
              unsafe (raw.url, raw.headers, raw.user_agent) = (url, headers, agent)
              unsafe raw.range = range == nil ? nil : rangeText
              unsafe raw.authorities = authorities == nil ? nil : authoritiesText
              withExtendedLifetime(exchange) { unsafe ingot_fetch_perform(handle, &raw, &answer) }
            }
          }
        }
      }
    }
    let outcome = answer.outcome
    let message = unsafe withUnsafeBytes(of: &answer.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    // A connection that failed isn't used again: nobody knows what is still in it.
    let isCut = outcome == INGOT_FETCH_DONE && !exchange.isWhole
    if outcome == INGOT_FETCH_DONE, !isCut {
      idle.withLock { unsafe $0.handles.append(handle) }
    } else {
      unsafe ingot_fetch_close(handle)
    }
    if exchange.isTooLong {
      throw FetchRefusal(
        RemoteFailure.malformed(request.address, "its headers are longer than \(Self.mostHeaderBytes) bytes"))
    }
    if isCut {
      throw RemoteFailure.noAnswer(request.address, INGOT_FETCH_CUT, "its headers have no end", timeout: timeout)
    }
    if outcome == INGOT_FETCH_DONE || outcome == INGOT_FETCH_STOPPED { return exchange.head }
    throw RemoteFailure.noAnswer(request.address, outcome, message, timeout: timeout)
  }

  private func handle() throws(FetchRefusal) -> UnsafeMutableRawPointer {
    if let handle = unsafe idle.withLock({ unsafe $0.handles.popLast() }) { return unsafe handle }
    var answer = ingot_fetch_answer()
    guard let handle = unsafe ingot_fetch_open(&answer) else {
      let message = unsafe withUnsafeBytes(of: &answer.message) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw FetchRefusal(RemoteFailure.noLibrary(message))
    }
    return unsafe handle
  }
}
