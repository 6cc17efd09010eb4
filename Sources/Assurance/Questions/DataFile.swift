import Arrays
import Checkpoints

/// A file of a data set as it is downloaded: plain, packed by gzip, or in a zip archive; text in any encoding of Unicode.
/// Unpacked it is held in memory, within the limit `questions-bytes`.
struct DataFile {
  /// As it was given.
  let path: String
  /// What tells its form by its ending: without `.gz`; of an archive, the name in it.
  let name: String
  /// UTF-8, without a mark before it.
  let bytes: [UInt8]

  /// - Parameters:
  ///   - path: of the file, or of a file in an archive: `Annotations.zip/val.json`.
  ///   - given: the name that tells its form, where its path doesn't.
  /// - Throws: `Failure` of kind `noInput`, `io`, or `badData` when it is damaged, too large, or an archive of several.
  init(_ path: String, named given: String? = nil) throws(Failure) {
    self.path = path
    do throws(Failure) {
      let (archive, member) = try Self.archive(of: path)
      let file = try InputFile(archive)
      let head = try file.bytes(min(file.size, 264), at: 0)
      if head.starts(with: [0x50, 0x4b, 3, 4]) || head.starts(with: [0x50, 0x4b, 5, 6]) {
        (name, bytes) = try Self.unzipped(file, member)
        return
      }
      guard member == nil else { throw Failure(.noInput, file: path, "no such file") }
      var content = try contents(of: path, limit: .questionsBytes)
      var name = given ?? Paths.name(path)
      if head.starts(with: [0x1f, 0x8b]) {
        content = try Inflation.gzip(content, limit: .questionsBytes)
        if name.lowercased().hasSuffix(".gz") { name = String(name.dropLast(3)) }
      }
      if content.count > 262, content[257..<262].elementsEqual("ustar".utf8) {
        throw Failure(.badData, "is a tar archive", hint: "unpack it first: tar -xf \(Paths.name(path))")
      }
      (self.name, bytes) = (name, try utf8Bytes(content))
    } catch {
      throw error.inFile(path)
    }
  }

  /// In small letters, without the full stop.
  var ending: String { name.split(separator: ".").dropFirst().last?.lowercased() ?? "" }

  // MARK: Archives

  /// An archive, and the name of a file in it where the path leads on.
  private static func archive(of path: String) throws(Failure) -> (path: String, member: String?) {
    if try Paths.exists(path) { return (path, nil) }
    let bytes = Array(path.utf8)
    guard
      let end = bytes.indices.first(where: { bytes[..<$0].suffix(4).elementsEqual(".zip".utf8) && bytes[$0] == 0x2f })
    else { return (path, nil) }
    let archive = String(decoding: bytes[..<end], as: UTF8.self)
    guard try Paths.exists(archive), try !Paths.isFolder(archive) else { return (path, nil) }
    return (archive, String(decoding: bytes[(end + 1)...], as: UTF8.self))
  }

  private static let endings: Set<String> = ["json", "jsonl", "ndjson", "csv", "tsv"]

  private static func unzipped(_ file: InputFile, _ member: String?) throws(Failure) -> (name: String, bytes: [UInt8]) {
    let archive = try ZipArchive(file, takesDeflated: true)
    // What macOS puts beside each file is none of them.
    let found = archive.entries.filter { entry in
      if let member { return entry.name.isSameBytes(as: member) }
      return !entry.name.hasPrefix("__MACOSX/") && !Paths.name(entry.name).hasPrefix(".")
        && endings.contains(entry.name.split(separator: ".").last?.lowercased() ?? "")
    }
    guard let entry = found.first else {
      if let member {
        throw Failure(
          .noInput, "the archive has no file \"\(shortened(member, to: 100))\"", hint: "`unzip -l` lists it")
      }
      throw Failure(.badData, "the archive has no .json, .jsonl, .csv or .tsv file", hint: "`unzip -l` lists it")
    }
    guard found.count == 1 else {
      let names = found.prefix(6).map(\.name).joined(separator: ", ") + (found.count > 6 ? ", …" : "")
      throw Failure(
        .badData, "the archive has \(found.count) such files: \(names)",
        hint: "name the one that is meant: \(file.path)/\(shortened(entry.name, to: 100))")
    }
    do throws(Failure) {
      return (Paths.name(entry.name), try utf8Bytes(archive.content(of: entry, limit: .questionsBytes)))
    } catch {
      var error = error
      error.place = ["zip entry \"\(shortened(entry.name, to: 100))\"", error.place].compactMap(\.self)
        .joined(separator: ", ")
      throw error
    }
  }
}
