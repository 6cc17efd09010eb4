import Arrays

/// Files beside an ONNX file that hold the data of its tensors. They lie in its own folder or below, whatever links there
/// are; or, as in the hub client's cache, where links lead both the model and its data into one folder.
struct ONNXExternalFiles {
  private(set) var files: [any Source]
  private var places: [String: Int] = [:]

  init(_ model: any Source) { files = [model] }

  /// Where a tensor's data are.
  /// - Parameter entries: `location`, `offset`, `length`, and others that say nothing of it.
  /// - Throws: `Failure` of kind `badData` when it is no such place, or `noInput` when there is no such file.
  mutating func place(_ entries: [String: String], bytes: Int) throws(Failure) -> (file: Int, start: Int) {
    guard let location = entries["location"] else { throw Failure(.badData, "its external_data has no location") }
    let index = try file(location)
    let size = files[index].size
    let start = try number(entries, "offset") ?? 0
    let length = try number(entries, "length")
    guard start <= size, (length ?? bytes) <= size - start else {
      throw Failure(
        .badData, "its \(byteCount(length ?? bytes)) from \(start) on go past the end of \(location), of \(size) bytes",
        hint: "the files are not of one model, or one is not whole: fetch both again")
    }
    guard (length ?? size - start) == bytes else {
      throw Failure(
        .badData, "has \(byteCount(length ?? size - start)) in \(location); its shape and type take \(bytes)")
    }
    return (index, start)
  }

  private func number(_ entries: [String: String], _ key: String) throws(Failure) -> Int? {
    guard let text = entries[key] else { return nil }
    guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let value = Int(text)
    else { throw Failure(.badData, "its external_data's \(key) \"\(shortened(text, to: 40))\" is no number of bytes") }
    return value
  }

  private mutating func file(_ location: String) throws(Failure) -> Int {
    if let known = places[location] { return known }
    let shown = "external_data's location \"\(shortened(location, to: 80))\""
    // By bytes: to a String, a slash and a combining mark after it are one character, and no slash.
    let parts = location.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard location.utf8.count <= mostONNXName,
      !parts.contains(where: { $0.isEmpty || $0.elementsEqual("..".utf8) }),
      !location.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\\") || $0 == 0x7f })
    else {
      throw Failure(
        .badData, "its \(shown) is no path in the file's own folder",
        hint: "a model may name files of its own folder only: don't trust it")
    }
    let other: any Source
    do throws(Failure) { other = try files[0].neighbour(location, followsLinks: false) } catch {
      if error.kind == .noInput {
        throw error.hinting("\(files[0].path) names it for the data of its arrays: fetch it too")
      }
      guard error.kind == .badData else { throw error }
      throw Failure(
        .badData, "its \(shown) leads out of the file's own folder by a link",
        hint: "a model may name files of its own folder only: don't trust it, or put the file itself there")
    }
    try Limit.shards.check(files.count, "files beside it")
    files.append(other)
    places[location] = files.count - 1
    return files.count - 1
  }
}
