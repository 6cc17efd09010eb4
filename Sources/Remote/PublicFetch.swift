import Arrays

/// Fetches what a stranger named by its address: from hosts that were listed, and only where their names lead to addresses of
/// the world. Private networks, this machine and whatever else is nobody's are never connected to, whatever a name server
/// says: it is looked at where the connection is made.
public enum PublicFetch {
  private static let mostRedirects = 3

  /// A whole file.
  /// - Parameters:
  ///   - hosts: names, `example.org`, or with a port that isn't the usual one, `example.org:8080`.
  ///   - seconds: in which it must have come.
  /// - Throws: `Failure` of kind `usage` for what is no address or is of another host, `badData` for more bytes than the
  ///   limit, `noInput` or `unavailable` where it isn't given.
  public static func bytes(
    of text: String, from hosts: [String], limit: Limit, seconds: Int
  ) throws(Failure) -> [UInt8] {
    var address = try WebAddress(text)
    let most = limit.value
    for _ in 0...mostRedirects {
      let usual = address.port == (address.scheme == "https" ? 443 : 80)
      guard hosts.contains(usual ? address.host : "\(address.host):\(address.port)") else {
        throw Failure(.usage, "is of a host that pictures are not fetched from", hint: "--allow-fetch HOST allows one")
      }
      var bytes: [UInt8] = []
      var isTooLong = false
      let head: AnswerHead
      do throws(FetchRefusal) {
        head = try unsafe Connections.shared.perform(
          FetchRequest(address: address, headers: [("Accept-Encoding", "identity")]), timeout: seconds,
          publicOnly: true
        ) { head, piece in
          if (300...399).contains(head.status) { return true }
          isTooLong = bytes.count + piece.count > most
          if !isTooLong { unsafe bytes.append(contentsOf: piece) }
          return !isTooLong
        }
      } catch {
        throw Failure(.unavailable, "can't be fetched")
      }
      if isTooLong { throw limit.failure("has more than \(most) bytes") }
      if (300...399).contains(head.status), let location = head["location"] {
        address = try address.following(location)
        continue
      }
      guard (200...299).contains(head.status) else {
        throw Failure(.noInput, "is not given: the host answers with status \(head.status)")
      }
      return bytes
    }
    throw Failure(.unavailable, "leads on and on")
  }
}
