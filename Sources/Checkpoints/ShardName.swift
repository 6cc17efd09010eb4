import Arrays

/// The name of one file of a checkpoint that is cut into several: `model-00001-of-00002.safetensors`.
struct ShardName: Hashable {
  let stem: Substring
  let number: Int
  let count: Int
  let ending: Substring

  init?(_ name: String) {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let parts = name[..<dot].split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of", let number = Self.digits(parts[parts.count - 3]),
      let count = Self.digits(parts[parts.count - 1]), (1...count).contains(number)
    else { return nil }
    stem = name[..<parts[parts.count - 3].startIndex]
    self.number = number
    self.count = count
    ending = name[dot...]
  }

  /// Whether both are files of one checkpoint.
  func isOfSame(_ other: ShardName) -> Bool { stem == other.stem && count == other.count && ending == other.ending }

  private static func digits(_ text: Substring) -> Int? {
    guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text).flatMap { $0 > 0 ? $0 : nil }
  }

  /// The files of the one cut checkpoint among some names, in order; nil when there is none, or more than one.
  /// - Throws: `Failure` of kind `noInput` when files of it are missing, `badData` when there are more than are read.
  static func set(of names: [String], in folder: String) throws(Failure) -> [String]? {
    var found: [Int: String] = [:]
    var first: ShardName?
    for name in names {
      guard let shard = ShardName(name) else { continue }
      if let first, !first.isOfSame(shard) { return nil }
      first = first ?? shard
      guard found.updateValue(name, forKey: shard.number) == nil else { return nil }
    }
    guard let first, let example = found.values.min() else { return nil }
    try Limit.shards.check(first.count, "files of weights", file: folder)
    if let missing = (1...first.count).first(where: { found[$0] == nil }) {
      throw Failure(
        .noInput, file: folder,
        "holds \(found.count) of a checkpoint's \(first.count) files: number \(missing) is missing",
        hint: "fetch all files that are named like \(example)")
    }
    return (1...first.count).compactMap { found[$0] }
  }
}
