import Arrays
import Checkpoints

/// The configuration and tokenizer files beside a checkpoint's weights, read when asked for and remembered, so that a
/// conversion can say which of them it used.
package final class SmallFiles {
  let folder: any SourceFolder
  /// The repository's folder: that of modules.json, where sentence-transformers keeps the weights in a folder of it; else
  /// the weights' own.
  private let repository: any SourceFolder
  private var read: [(name: String, bytes: [UInt8]?)] = []

  /// - Throws: `Failure` of kind `io` when the modules.json of the folder above can't be read.
  init(folder: any SourceFolder) throws(Failure) {
    self.folder = folder
    let above = try folder.parent
    if let above, try ModuleFolder.isFirst(folder, of: above) { repository = above } else { repository = folder }
  }

  /// Files that are read already; nil: there is none of that name.
  package init(folder: String, read: [(name: String, bytes: [UInt8]?)]) {
    self.folder = LocalFolder(folder)
    repository = self.folder
    self.read = read
  }

  /// The bytes of a file; nil when there is none of that name.
  func bytes(_ name: String) throws(Failure) -> [UInt8]? { try bytes(name, in: folder) }

  private func bytes(_ name: String, in folder: any SourceFolder) throws(Failure) -> [UInt8]? {
    if let known = read.first(where: { $0.name == name }) { return known.bytes }
    let bytes = try folder.contents(of: name, limit: .configBytes)
    read.append((name, bytes))
    return bytes
  }

  /// A JSON file, read leniently: a published one has a key twice.
  func json(_ name: String) throws(Failure) -> JSONValue? {
    guard let bytes = try bytes(name) else { return nil }
    do throws(Failure) {
      return try parsed(bytes) { json throws(Failure) in _ = try json.object() }
    } catch {
      throw error.inFile(path(name)).hinting("fetch the file again, or remove it to go without")
    }
  }

  private func parsed(
    _ bytes: [UInt8], _ check: (JSONValue) throws(Failure) -> Void
  ) throws(Failure) -> JSONValue {
    let json = try JSONValue(parsing: bytes, rules: .lenient)
    try check(json)
    return json
  }

  func path(_ name: String) -> String { folder.path(of: name) }

  /// The name of the repository's folder; nil where it has none.
  var repositoryName: String? {
    var path = repository.path
    if repository.isRemote { return Paths.name(path).split(separator: "@").first.map(String.init) }
    if ["", ".", ".."].contains(Paths.name(path)) { path = Paths.resolved(path) ?? path }
    // Of a hub's cache, a folder above that of the revision has it: models--org--name/snapshots/REVISION.
    let above = Paths.folder(of: path)
    let cache = Paths.name(Paths.folder(of: above))
    if Paths.name(above) == "snapshots", cache.hasPrefix("models--") {
      return cache.split(separator: "--").last.map { String($0) }
    }
    return Paths.name(path)
  }

  // MARK: Files of the repository, which may be those of the weights' folder

  func repositoryPath(_ name: String) -> String { repository.path(of: name) }

  func repositoryJSON(_ name: String) throws(Failure) -> JSONValue? {
    try repositoryValue(name) { json throws(Failure) in _ = try json.object() }
  }

  func repositoryArray(_ name: String) throws(Failure) -> [JSONValue]? {
    try repositoryValue(name) { json throws(Failure) in _ = try json.array() }?.array()
  }

  private func repositoryValue(
    _ name: String, _ check: (JSONValue) throws(Failure) -> Void
  ) throws(Failure) -> JSONValue? {
    guard let bytes = try bytes(name, in: repository) else { return nil }
    do throws(Failure) {
      return try parsed(bytes, check)
    } catch {
      throw error.inFile(repositoryPath(name)).hinting("fetch the file again")
    }
  }

  /// The files that were there, in the order in which they were asked for.
  var used: [(name: String, bytes: [UInt8])] { read.compactMap { file in file.bytes.map { (file.name, $0) } } }
}

extension JSONValue {
  /// The value at a dotted path of object members.
  package subscript(path path: String) -> JSONValue? {
    path.split(separator: ".").reduce(self) { value, key in value?[String(key)] }
  }

  /// A profile for images of another side, with which lengths that pictures are brought to and cropped to go in proportion.
  package func settingImageSide(_ side: JSONValue) -> JSONValue {
    var out = self
    let path = "image.resize"
    if let resize = self[path: path], case .integer(let old)? = self[path: "image.side"]?.content, old > 0,
      case .integer(let new) = side.content
    {
      for key in ["shortestEdge", "height", "width", "crop.height", "crop.width"] {
        guard case .integer(let length)? = resize[path: key]?.content else { continue }
        let scaled = ImagePreparation.length(length, from: old, to: new)
        out = out.setting((path + "." + key).split(separator: "."), to: .integer(scaled))
      }
    }
    return out.setting(["image", "side"], to: side)
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
