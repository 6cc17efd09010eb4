import Arrays
import NetFile

/// Values of a net file's profile, checked: they come from strangers.
struct ProfileReader {
  /// Tokens: a net file can't have answers made without end.
  static let longestText = 1024

  private let file: String
  private let profile: JSONValue

  init(_ net: NetFile) {
    file = net.path
    profile = net.header.profile
  }

  subscript(_ path: String) -> JSONValue? { profile[path: path] }

  func failure(_ path: String, _ reason: String) -> Failure {
    Failure(
      .badData, file: file, place: "profile", "\(path) \(reason)",
      hint: "convert the checkpoint again, or correct its configuration")
  }

  private func value(_ path: String) throws(Failure) -> JSONValue {
    guard let value = self[path] else { throw failure(path, "is missing") }
    return value
  }

  func string(_ path: String) throws(Failure) -> String {
    guard case .string(let text) = try value(path).content else { throw failure(path, "is not a string") }
    return text
  }

  func integer(_ path: String, _ range: ClosedRange<Int>) throws(Failure) -> Int {
    guard case .integer(let number) = try value(path).content, range.contains(number) else {
      throw failure(path, "is not an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func integerOrNull(_ path: String, _ range: ClosedRange<Int>) throws(Failure) -> Int? {
    self[path]?.content ?? .null == .null ? nil : try integer(path, range)
  }

  func stringOrNull(_ path: String) throws(Failure) -> String? {
    self[path]?.content ?? .null == .null ? nil : try string(path)
  }

  func boolean(_ path: String) throws(Failure) -> Bool {
    guard case .boolean(let value) = try value(path).content else { throw failure(path, "is not true or false") }
    return value
  }
}
