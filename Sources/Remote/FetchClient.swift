import Arrays
import Glibc
import Synchronization

/// What a request is for, for messages.
struct FetchedResource: Sendable {
  /// How the user knows it.
  var name: String
  /// Where a browser shows it.
  var page: String?
  var isHub = false
  /// Of the hub.
  var origin: String?
  var hasToken = false
}

/// Asks addresses: follows redirects, tries again where that may help, sends a token to the hub alone, counts what comes.
final class FetchClient: Sendable {
  static let userAgent = "ingot"
  static let mostRedirects = 10
  /// Of texts, such as lists of files.
  static let mostText = 32 << 20

  private let settings: FetchSettings
  /// Sent with requests to this origin only.
  private let token: (origin: String, value: String)?
  private let counted = Mutex(FetchTally())

  init(settings: FetchSettings = .current, token: (origin: String, value: String)? = nil) {
    (self.settings, self.token) = (settings, token)
  }

  var tally: FetchTally { counted.withLock { $0 } }

  /// A whole answer.
  struct Answer {
    var head: AnswerHead
    /// The head of the first answer, where that was a redirect; else the same.
    var first: AnswerHead
    /// Where the body came from in the end.
    var address: WebAddress
    var body: [UInt8]
  }

  /// Gets a text, or bytes of a range.
  /// - Parameters:
  ///   - most: bytes that are taken of the body.
  ///   - accepted: statuses that are no failure besides those of success.
  ///   - attempts: how often it is made at most; nil: as the settings say.
  /// - Throws: `Failure` of kind `unavailable` or `noInput`.
  func get(
    _ request: FetchRequest, _ resource: FetchedResource, most: Int, accepting accepted: Set<Int> = [],
    attempts: Int? = nil
  ) throws(Failure) -> Answer {
    var (wait, attempt) = (settings.backoff, 1)
    while true {
      let refusal: FetchRefusal
      var told: Double?
      do throws(FetchRefusal) {
        let answer = try once(request, resource, most: most)
        let status = answer.head.status
        if (200...299).contains(status) || accepted.contains(status) { return answer }
        told = answer.head["retry-after"].flatMap { RetryAfter.seconds($0) }
        let mayPass = status == 429 || (500...599).contains(status) && status != 501
        refusal = FetchRefusal(RemoteFailure.status(answer.head, answer.address, resource), mayPass: mayPass)
      } catch {
        refusal = error
      }
      guard refusal.mayPass, attempt < attempts ?? settings.attempts, told ?? 0 <= settings.longestWait else {
        throw refusal.failure
      }
      let seconds = max(wait, told ?? 0)
      settings.waiting(seconds, refusal.failure)
      usleep(UInt32(seconds * 1e6))
      wait *= 2
      attempt += 1
    }
  }

  private func once(_ request: FetchRequest, _ resource: FetchedResource, most: Int) throws(FetchRefusal) -> Answer {
    var request = request
    var first: AnswerHead?
    for _ in 0...Self.mostRedirects {
      var sent = request
      sent.headers.append(("Accept-Encoding", "identity"))
      if let token, token.origin == request.address.origin,
        request.address.scheme == "https" || request.address.isLoopback
      {
        sent.headers.append(("Authorization", "Bearer \(token.value)"))
      }
      let body = Body(most: most, expected: request.range?.count ?? 0)
      let head = try unsafe Connections.shared.perform(sent, timeout: settings.timeout) { head, bytes in
        unsafe body.add(bytes, isRedirect: (300...399).contains(head.status))
      }
      counted.withLock { tally in
        tally.bytes += body.bytes.count
        if (300...399).contains(head.status) { tally.redirects += 1 } else { tally.requests += 1 }
      }
      guard (300...399).contains(head.status), head.status != 304, let location = head["location"] else {
        if let wrong = Self.flaw(of: head, request, isTooLong: body.isTooLong, most: most) { throw FetchRefusal(wrong) }
        return Answer(head: head, first: first ?? head, address: request.address, body: body.bytes)
      }
      let target: WebAddress
      do { target = try request.address.following(location) } catch {
        throw FetchRefusal(
          RemoteFailure.malformed(request.address, "leads to what is no address: \(Self.told(location))"))
      }
      guard target.scheme == "https" || request.address.scheme == "http" else {
        throw FetchRefusal(
          RemoteFailure.malformed(
            request.address, "leads to \(RemoteFailure.told(target)), whose answer anybody between could change"))
      }
      first = first ?? head
      request.address = target
    }
    throw FetchRefusal(
      RemoteFailure.malformed(request.address, "leads on and on: more than \(Self.mostRedirects) redirects"))
  }

  /// Where an answer leads, without a password.
  private static func told(_ location: String) -> String {
    location.contains("@") ? "one with a name or a password in it" : shortened(location, to: 100)
  }

  /// What is wrong with an answer that should have been taken.
  private static func flaw(of head: AnswerHead, _ request: FetchRequest, isTooLong: Bool, most: Int) -> Failure? {
    guard (200...299).contains(head.status) else { return nil }
    if let encoding = head["content-encoding"], encoding.lowercased() != "identity" {
      return RemoteFailure.malformed(
        request.address, "packs its answer (\(shortened(encoding, to: 20))), which it was asked not to")
    }
    guard isTooLong else { return nil }
    if request.range != nil, head.status == 200 {
      return RemoteFailure.malformed(
        request.address, "doesn't give parts of files: its server ignores ranges",
        hint: "fetch the whole file by another program, and name it here")
    }
    return RemoteFailure.malformed(request.address, "gives more than the \(most) bytes that were asked for")
  }

  /// Collects a body, up to a length.
  private final class Body {
    private(set) var bytes: [UInt8] = []
    private(set) var isTooLong = false
    private let most: Int

    /// - Parameter expected: bytes that are likely to come.
    init(most: Int, expected: Int) {
      self.most = most
      bytes.reserveCapacity(min(most, expected))
    }

    func add(_ piece: UnsafeRawBufferPointer, isRedirect: Bool) -> Bool {
      // What a redirect says to people is of no use.
      if isRedirect { return true }
      guard bytes.count + piece.count <= most else {
        isTooLong = true
        return false
      }
      unsafe bytes.append(contentsOf: piece)
      return true
    }
  }
}
