import Arrays

/// A JSON file that is one long array, or an object with one among its members, read item by item: all of VQA v2's
/// annotations as JSON values would take gigabytes.
struct LargeJSON {
  let path: String
  private let bytes: [UInt8]

  static let hint =
    "is it as it was downloaded? the forms that are read are told in docs/DATASETS.md; VQA v2's are those of "
    + "https://visualqa.org/download.html"

  /// Most members beside the list in a file of questions or annotations: they are compared with each other.
  static let mostOtherMembers = 100

  init(_ path: String) throws(Failure) { self.init(try DataFile(path)) }

  init(_ file: DataFile) {
    (path, bytes) = (file.path, file.bytes)
  }

  func located(_ failure: Failure) -> Failure {
    failure.inFile(path).hinting(Self.hint)
  }

  func locating<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    do throws(Failure) { return try body() } catch { throw located(error) }
  }

  /// What the file begins like.
  enum Shape: Equatable {
    case array
    /// Keys that it has, some of the first.
    case object([String])
    /// No JSON.
    case other
  }

  private static let lists: Set<String> = ["questions", "data", "annotations"]

  /// Tells how the file begins, without reading all of it; what is wrong in it is for the readers to say.
  var shape: Shape {
    var position = skippingSpace(0)
    guard position < bytes.count else { return .other }
    if bytes[position] == UInt8(ascii: "[") { return .array }
    guard bytes[position] == UInt8(ascii: "{") else { return .other }
    var keys: [String] = []
    _ = try? forEachElement(at: &position, of: ("{", "}"), "") { position throws(Failure) in
      keys.append(try value(at: &position).string())
      // The long lists tell, and aren't passed over.
      guard !Self.lists.contains(keys[keys.count - 1]) else { throw failure("", position) }
      position = skippingSpace(position)
      guard keys.count <= Self.mostOtherMembers, take(":", at: &position) else { throw failure("", position) }
      position = end(of: skippingSpace(position))
    }
    return .object(keys)
  }

  /// The first item of the array that the file is; nil where there is none.
  func firstItem() throws(Failure) -> JSONValue? {
    try locating { () throws(Failure) in
      var position = skippingSpace(0)
      guard take("[", at: &position) else { return nil }
      position = skippingSpace(position)
      if position < bytes.count, bytes[position] == UInt8(ascii: "]") { return nil }
      return try value(at: &position)
    }
  }

  /// Calls `body` with each key and value of the object that the file is. That a key is there twice is for `body` to see.
  func forEachMember(_ body: (_ key: JSONValue, _ value: JSONValue) throws(Failure) -> Void) throws(Failure) {
    try locating { () throws(Failure) in
      var position = skippingSpace(0)
      try forEachElement(at: &position, of: ("{", "}"), "an object") { position throws(Failure) in
        let key = try value(at: &position)
        position = skippingSpace(position)
        guard take(":", at: &position) else { throw failure("':' expected after a key", position) }
        position = skippingSpace(position)
        try body(key, try value(at: &position))
      }
      try checkIsEnd(position)
    }
  }

  private func checkIsEnd(_ position: Int) throws(Failure) {
    guard skippingSpace(position) == bytes.count else {
      throw failure("text after the end of the JSON value", skippingSpace(position))
    }
  }

  /// Calls `body` with each item of the array called `name`, or of that which is the whole file.
  /// - Returns: the other members.
  func forEach(
    _ name: String?, _ body: (JSONValue) throws(Failure) -> Void
  ) throws(Failure) -> [JSONMember] {
    try locating { () throws(Failure) in
      var position = skippingSpace(0)
      var members: [JSONMember] = []
      if let name {
        var isFound = false
        try forEachElement(at: &position, of: ("{", "}"), "an object with \"\(name)\"") { position throws(Failure) in
          let key = try value(at: &position)
          let text = try key.string()
          guard !members.contains(where: { $0.key == text }), !(isFound && text == name) else {
            throw key.failure("duplicate key \"\(shortened(text, to: 40))\"")
          }
          position = skippingSpace(position)
          guard take(":", at: &position) else { throw failure("':' expected after a key", position) }
          position = skippingSpace(position)
          if text == name {
            isFound = true
            try items(at: &position, body)
          } else {
            guard members.count < Self.mostOtherMembers else {
              throw key.failure("more than \(Self.mostOtherMembers) members")
            }
            members.append(JSONMember(text, try value(at: &position)))
          }
        }
        guard isFound else { throw failure("has no member \"\(name)\"", 0) }
      } else {
        try items(at: &position, body)
      }
      try checkIsEnd(position)
      return members
    }
  }

  private func items(at position: inout Int, _ body: (JSONValue) throws(Failure) -> Void) throws(Failure) {
    try forEachElement(at: &position, of: ("[", "]"), "an array") { position throws(Failure) in
      try body(try value(at: &position))
    }
  }

  private typealias Brackets = (open: Unicode.Scalar, close: Unicode.Scalar)

  /// Passes over an array or object, whose elements `body` passes over.
  private func forEachElement(
    at position: inout Int, of brackets: Brackets, _ what: String, _ body: (inout Int) throws(Failure) -> Void
  ) throws(Failure) {
    guard take(brackets.open, at: &position) else { throw failure("\(what) is needed", position) }
    position = skippingSpace(position)
    if take(brackets.close, at: &position) { return }
    while true {
      position = skippingSpace(position)
      try body(&position)
      position = skippingSpace(position)
      if take(brackets.close, at: &position) { return }
      guard take(",", at: &position) else {
        let isAtEnd = position == bytes.count
        throw failure(isAtEnd ? "the JSON text ends early" : "',' or '\(brackets.close)' expected", position)
      }
    }
  }

  /// Reads one value; how it is written is checked by the parser of its bytes.
  private func value(at position: inout Int) throws(Failure) -> JSONValue {
    let start = position
    position = end(of: start)
    guard position > start else {
      throw failure(start == bytes.count ? "the JSON text ends early" : "a JSON value is needed", start)
    }
    return try JSONValue(parsing: Array(bytes[start..<position]), base: start)
  }

  /// Where the value that begins at `start` ends, if it is well formed.
  private func end(of start: Int) -> Int {
    var (position, depth) = (start, 0)
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
          position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if depth == 0 { return position }
        depth -= 1
      case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0a, 0x0d, 0x09:
        if depth == 0 { return position }
        position += 1
        continue
      default:
        position += 1
        continue
      }
      position += 1
      if depth == 0 { break }
    }
    return min(position, bytes.count)
  }

  private func skippingSpace(_ start: Int) -> Int {
    var position = start
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { break }
      position += 1
    }
    return position
  }

  private func take(_ scalar: Unicode.Scalar, at position: inout Int) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private func failure(_ reason: String, _ offset: Int) -> Failure {
    Failure(.badData, place: "byte \(offset)", reason)
  }
}
