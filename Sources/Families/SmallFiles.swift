import Arrays

/// The configuration and tokenizer files beside a checkpoint's weights, read when asked for and remembered, so that a
/// conversion can say which of them it used.
package final class SmallFiles {
  private let folder: String
  private var read: [(name: String, bytes: [UInt8]?)] = []

  init(folder: String) {
    self.folder = folder
  }

  /// Files that are read already; nil: there is none of that name.
  package init(folder: String, read: [(name: String, bytes: [UInt8]?)]) {
    self.folder = folder
    self.read = read
  }

  /// The bytes of a file; nil when there is none of that name.
  func bytes(_ name: String) throws(Failure) -> [UInt8]? {
    if let known = read.first(where: { $0.name == name }) { return known.bytes }
    let path = path(name)
    let bytes = try Paths.exists(path) ? contents(of: path, limit: .configBytes) : nil
    read.append((name, bytes))
    return bytes
  }

  /// A JSON file, read leniently: a published one has a key twice.
  func json(_ name: String) throws(Failure) -> JSONValue? {
    guard let bytes = try bytes(name) else { return nil }
    do {
      let json = try JSONValue(parsing: bytes, rules: .lenient)
      _ = try json.object()
      return json
    } catch {
      throw error.inFile(path(name)).hinting("fetch the file again, or remove it to go without")
    }
  }

  func path(_ name: String) -> String { Paths.join(folder, name) }

  /// The files that were there, in the order in which they were asked for.
  var used: [(name: String, bytes: [UInt8])] { read.compactMap { file in file.bytes.map { (file.name, $0) } } }
}

extension JSONValue {
  /// The value at a dotted path of object members.
  package subscript(path path: String) -> JSONValue? {
    path.split(separator: ".").reduce(self) { value, key in value?[String(key)] }
  }

  /// The same value with the member at a dotted path set.
  package func setting(_ path: some Collection<Substring>, to value: JSONValue) -> JSONValue {
    guard let first = path.first else { return value }
    guard case .object(var members) = content else { return self }
    let inner = self[String(first)] ?? JSONValue(.object([]))
    let member = JSONMember(String(first), inner.setting(path.dropFirst(), to: value))
    if let index = members.firstIndex(where: { $0.key == first }) {
      members[index] = member
    } else {
      members.append(member)
    }
    return JSONValue(.object(members))
  }
}
