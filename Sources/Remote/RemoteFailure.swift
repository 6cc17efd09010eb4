import Arrays
import CFetch

/// Why a request failed, and whether it might not fail a second time.
struct FetchRefusal: Error {
  let failure: Failure
  let mayPass: Bool

  init(_ failure: Failure, mayPass: Bool = false) { (self.failure, self.mayPass) = (failure, mayPass) }
}

/// Failures of addresses, each with what helps.
enum RemoteFailure {
  static func noLibrary(_ message: String) -> Failure {
    Failure(
      .unavailable, "addresses need libcurl, which can't be loaded: \(message)",
      hint:
        "install it (Debian: apt install libcurl4, from Debian 13 on libcurl4t64), or fetch the files by another program and name them here"
    )
  }

  static func offline(_ address: WebAddress) -> Failure {
    Failure(
      .unavailable, file: told(address), "is not asked: $HF_HUB_OFFLINE says that no address may be",
      hint: "unset HF_HUB_OFFLINE, or name files that are here")
  }

  /// An answer that is none, or not what was asked for.
  static func malformed(_ address: WebAddress, _ reason: String, hint: String? = nil) -> Failure {
    Failure(
      .unavailable, file: told(address), reason,
      hint: hint ?? "try again; if it stays so, the server, or a proxy before it, is at fault")
  }

  static func noAnswer(
    _ address: WebAddress, _ outcome: ingot_fetch_outcome, _ message: String, timeout: Int
  ) -> FetchRefusal {
    let (reason, hint): (String, String) =
      switch outcome {
      case INGOT_FETCH_UNREACHABLE:
        ("can't be reached: \(message)", "check the address, the network, and $https_proxy where one is needed")
      case INGOT_FETCH_TIMEOUT:
        ("gave less than a kilobyte a second for \(timeout) seconds", "try again, or be more patient by --timeout")
      case INGOT_FETCH_UNTRUSTED:
        (
          "can't show that it is \(address.host): \(message)",
          "don't trust it; where a proxy of your own stands between, name the file with its certificate in $SSL_CERT_FILE"
        )
      case INGOT_FETCH_MALFORMED:
        ("gave no answer of HTTP: \(message)", "check the address: something else listens there")
      case INGOT_FETCH_TOO_LONG:
        (
          "has a header that is longer than libcurl takes",
          "try again; if it stays so, the server, or a proxy before it, is at fault"
        )
      default: ("the connection was cut: \(message)", "try again")
      }
    let failure = Failure(.unavailable, file: told(address), reason, hint: hint)
    return FetchRefusal(failure, mayPass: outcome == INGOT_FETCH_CUT || outcome == INGOT_FETCH_TIMEOUT)
  }

  /// Of a status that isn't what is needed.
  static func status(_ head: AnswerHead, _ address: WebAddress, _ resource: FetchedResource) -> Failure {
    let name = resource.name
    let code = head["x-error-code"] ?? ""
    let said = head["x-error-message"].map { ": \(shortened($0, to: 200))" } ?? ""
    switch head.status {
    case 401, 403:
      if code == "GatedRepo" {
        let page = resource.page.map { "open \($0) in a browser, accept the conditions there" } ?? "ask its owner"
        return Failure(
          .unavailable, file: name, "is given only to those who accepted its conditions\(said)",
          hint: page + (resource.hasToken ? "; the token is of an account that hasn't" : ", then set HF_TOKEN"))
      }
      if resource.isHub, address.origin != resource.origin {
        // The hub gave its address: who asks has nothing to do with it.
        return Failure(
          .unavailable, file: name, "may not be read by whoever asks (status \(head.status))\(said)",
          hint: "try again later")
      }
      if resource.isHub, head.status == 403, code.isEmpty {
        return Failure(
          .unavailable, file: name, "may not be read by whoever asks (status 403)\(said)",
          hint: resource.page.map { "see \($0) in a browser" } ?? "ask its owner")
      }
      return Failure(
        .unavailable, file: name,
        resource.isHub && !resource.hasToken
          ? "there is no such repository, or it is private\(said)"
          : "may not be read by whoever asks (status \(head.status))\(said)",
        hint: resource.isHub
          ? (resource.hasToken
            ? "check the spelling, and whether the token in use may read it"
            : "check the spelling; where it is private, set HF_TOKEN")
          : "this server wants to know who asks, which can't be told here")
    case 404, 410:
      switch code {
      case "RepoNotFound":
        return Failure(
          .noInput, file: name, "there is no such repository\(said)",
          hint: "check the spelling" + (resource.hasToken ? ", and whether the token in use may read it" : ""))
      case "RevisionNotFound":
        return Failure(
          .noInput, file: name, "has no such revision\(said)",
          hint: "name a branch, a tag or a commit, or leave it out for main")
      default:
        return Failure(.noInput, file: name, "there is no such file\(said)", hint: "check the spelling")
      }
    case 416:
      return Failure(
        .unavailable, file: name, "became shorter while it was being read", hint: "run the command again")
    case 429:
      let wait = head["retry-after"].map { " (it says to wait: \(shortened($0, to: 40)))" } ?? ""
      return Failure(
        .unavailable, file: name, "the server takes no more requests for now\(wait)",
        hint: resource.isHub && !resource.hasToken
          ? "try again later; who sets HF_TOKEN may ask more often" : "try again later")
    case 500...599:
      return Failure(
        .unavailable, file: name, "the server fails (status \(head.status))\(said)", hint: "try again later")
    default:
      return Failure(
        .unavailable, file: name, "the server answers with status \(head.status)\(said)",
        hint: "check the address, by another program too")
    }
  }

  /// The address without what may be secret in it: signatures stand behind the question mark.
  static func told(_ address: WebAddress) -> String { shortened(address.origin + address.path, to: 300) }
}
