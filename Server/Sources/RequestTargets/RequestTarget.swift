import Ingot
import IngotRequests

/// A reader of what clients send, and what must hold whatever they send. `tools/fuzz/run` feeds it; the tests replay what that
/// found worth keeping.
package struct RequestTarget: Sendable, CustomStringConvertible {
  package let name: String
  private let body: @Sendable ([UInt8]) throws -> Void

  /// - Parameter body: reads the bytes, and throws `Broken` where what was read is not right.
  init(_ name: String, _ body: @escaping @Sendable ([UInt8]) throws -> Void) { (self.name, self.body) = (name, body) }

  package var description: String { name }

  /// Reads some bytes.
  /// - Returns: whether they were taken for a request.
  /// - Throws: `Broken` when the reader does not keep its word; whatever else it lets out.
  @discardableResult
  package func run(_ bytes: [UInt8]) throws -> Bool {
    do {
      try body(bytes)
      return true
    } catch let error as ServiceError {
      try Self.check(error)
      return false
    }
  }

  package static let all: [RequestTarget] = [bodies, inference, headers, pictures]

  /// A request that makes no sense is the client's fault, and it is told so in a few words in the form of its interface.
  private static func check(_ error: ServiceError) throws {
    try expect(error.status == .badRequest, "status \(error.status) for a request that makes no sense: \(error)")
    try expect(!error.message.isEmpty && error.message.utf8.count < 1000, "no sensible message: \(error.message)")
    try expect(error.detail == nil, "told to the log: \(error.detail ?? "")")
    for path in ["/v1/models", "/api/tags", "/v2", "/ingot"] {
      let body = Interface(path: path).body(error)
      let again = try sure("the error's body") { try JSONValue(parsing: Array(body.compactText.utf8)) }
      let told = again["error"]?["message"] ?? again["error"]
      try expect(told == .string(error.message), "another message in the error's body: \(error.message)")
    }
  }
}

/// What a reader promised and does not keep.
package struct Broken: Error, CustomStringConvertible {
  package let description: String
}

func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
  if !condition { throw Broken(description: what()) }
}

/// The result of what can't fail, as it only handles what was read before.
func sure<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch {
    throw Broken(description: "\(what): \(error)")
  }
}
