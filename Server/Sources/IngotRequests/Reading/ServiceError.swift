import Ingot

/// Why a request isn't answered as it was meant: what the client is told, in the form of the interface that it speaks.
/// Nothing of this machine is in it: no path, no address.
package struct ServiceError: Error {
  /// Statuses of HTTP that errors have here (RFC 9110).
  package enum Status: Int, Sendable {
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case contentTooLarge = 413
    case unsupportedMediaType = 415
    case internalServerError = 500
    case notImplemented = 501
    case serviceUnavailable = 503
  }

  package var status: Status
  package var message: String
  /// The member of the request that it is about, as OpenAI's clients show it: `messages[0].content`.
  package var parameter: String?
  /// A word for programs.
  package var code: String?
  /// Seconds after which it may be worth another try.
  package var retryAfter: Int?
  /// Methods that are possible, where the method is what is wrong.
  package var allowed: [String] = []
  /// What is told to the log, and to nobody else.
  package var detail: String?

  package init(
    _ status: Status, _ message: String, parameter: String? = nil, code: String? = nil,
    retryAfter: Int? = nil, detail: String? = nil
  ) {
    (self.status, self.message, self.parameter) = (status, message, parameter)
    (self.code, self.retryAfter, self.detail) = (code, retryAfter, detail)
  }

  package static func badRequest(_ message: String, _ parameter: String? = nil, code: String? = nil) -> ServiceError {
    ServiceError(.badRequest, message, parameter: parameter, code: code)
  }

  /// A member whose value can't be obeyed: better than an answer that is not what was asked for.
  package static func unsupported(_ parameter: String, _ why: String) -> ServiceError {
    ServiceError(.badRequest, "\(parameter) is not supported: \(why)", parameter: parameter, code: "unsupported_value")
  }

  package static func overloaded(retryAfter: Int) -> ServiceError {
    ServiceError(
      .serviceUnavailable, "the server is busy: as many requests wait as may", code: "overloaded",
      retryAfter: max(1, retryAfter))
  }

  /// A failure of a library about something that the client sent.
  /// - Parameter what: it is about.
  package init(_ failure: Failure, of what: String, parameter: String? = nil) {
    switch failure.kind {
    case .usage, .badData, .noInput, .mismatch:
      let place = failure.place.map { "\($0): " } ?? ""
      self.init(.badRequest, "\(what): \(place)\(failure.reason)", parameter: parameter, code: "invalid_value")
    case .unavailable, .cannotCreate, .io:
      self.init(.internalServerError, "\(what) can't be read here", parameter: parameter, detail: "\(failure)")
    }
  }

  /// A failure of nets that were to be run: about what was asked where it is of that kind, else nothing that the client
  /// could mend.
  package init(running failure: Failure) {
    if failure.kind == .usage {
      self.init(.badRequest, failure.reason, code: "invalid_value")
    } else {
      self.init(.internalServerError, "the net can't be run; the server's log says why", detail: "\(failure)")
    }
  }
}

/// The beginning of what a client sent, to be told back to it: so many bytes of it, since a single character may have any
/// number of them.
package func excerpt(_ text: String, _ most: Int = 40) -> String {
  text.utf8.count <= most ? text : String(decoding: text.utf8.prefix(most), as: UTF8.self) + "…"
}
