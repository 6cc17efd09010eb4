import Arrays
import NetFile

/// A vocabulary as files have it, token by token with its id.
struct TokenTable {
  private var tokens: [Int: String] = [:]
  private(set) var ids: [TokenBytes: Int] = [:]

  /// - Throws: `Failure` of kind `badData` when the token has another id already, or the id another token.
  mutating func add(_ token: String, id: JSONValue) throws(Failure) {
    let number = try id.size()
    let other = tokens.updateValue(token, forKey: number)
    let before = ids.updateValue(number, forKey: TokenBytes(token))
    guard other?.isSameBytes(as: token) ?? true, before == nil || before == number else {
      throw id.failure(
        "token \(number) is \"\(shortened(token, to: 40))\", but two tokens have that id, or this token two")
    }
    guard tokens.count <= Limit.vocabulary.value else {
      throw Limit.vocabulary.failure("has more than \(Limit.vocabulary.value) tokens")
    }
  }

  /// By id.
  /// - Throws: `Failure` of kind `badData` when ids are left out.
  func list(_ json: JSONValue) throws(Failure) -> [String] {
    guard tokens.keys.allSatisfy({ $0 < tokens.count }) else { throw json.failure("token ids are not 0, 1, 2, …") }
    return (0..<tokens.count).compactMap { tokens[$0] }
  }
}
