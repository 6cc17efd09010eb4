import Arrays
import NetFile

/// A folder of net files. Its catalogue is what the files' own headers say; there is no other record that could disagree.
public struct Shelf: Sendable {
  public let folder: String

  public init(_ folder: String) {
    self.folder = folder
  }

  /// The folder given, else `$INGOT_SHELF`, else `weights/shelf`.
  public static func chosen(_ folder: String?) -> Shelf {
    Shelf(
      (folder.map { $0.isEmpty ? "." : $0 }) ?? Paths.environment("INGOT_SHELF").flatMap { $0.isEmpty ? nil : $0 }
        ?? "weights/shelf")
  }

  static let suffix = ".ingot"

  /// Where a combination's net file stands: `<shelf>/<family>/<Axis>=<value>,….ingot`.
  public func path(_ family: Family, _ combination: Combination) -> String {
    Paths.join(Paths.join(folder, family.name), family.written(combination).description + Shelf.suffix)
  }

  /// Opens nets of a family that belong together, of one combination but for the part, while nobody replaces some of them.
  /// - Throws: `Failure` of kind `noInput` when one isn't on the shelf, what opening throws, `cannotCreate` when nets were
  ///   left half replaced by a process that was killed, and this one may not put them back.
  public func nets(
    _ kinds: [Family.NetKind], of family: Family, _ combination: Combination
  ) throws(Failure) -> [NetFile] {
    try OutputFile.together(in: Paths.join(folder, family.name)) { () throws(Failure) in
      var files: [NetFile] = []
      for kind in kinds {
        var combination = combination
        if let axis = family.netAxis { combination[axis.name] = .word(kind.name) }
        files.append(try NetSelection.combination(family, combination).file(on: self))
      }
      return files
    }
  }

  /// The error of a net that isn't on the shelf; its hint says how to come by it.
  public func missing(_ family: Family, _ combination: Combination) -> Failure {
    let open = family.axes.filter { $0.isOpen }.map(\.name)
    var there: [String] = []
    var hasOtherPrecision = false
    for item in (try? items(of: family)) ?? [] {
      guard case .success(let net) = item.net, let found = try? family.combination(ofHeader: net.header) else {
        continue
      }
      for name in open {
        guard let value = found[name], value != combination[name] else { continue }
        let argument = "--set \(name)=\(value)"
        if !there.contains(argument) { there.append(argument) }
      }
      hasOtherPrecision = hasOtherPrecision || family.areSameButPrecision(found, combination)
    }
    let hint =
      if hasOtherPrecision {
        "on this shelf it is of another precision: `ingot quantize` makes int8, float16 and bfloat16 of float nets"
      } else if !there.isEmpty {
        "on this shelf there is \(there.joined(separator: ", "))"
      } else if let publication = family.publication(of: combination) {
        publication.address.map { "run `ingot convert \($0)`" }
          ?? (publication.repository.hasPrefix("weights/")
            ? "run `ingot convert \(publication.repository)`"
            : "download \(publication.repository) and run `ingot convert` on it")
      } else {
        "make it by `ingot convert`; `ingot list` shows what is there"
      }
    return Failure(.noInput, file: path(family, combination), "this net is not on the shelf", hint: hint)
  }

  /// The net file with a head of some SHA-256, among those of a family, or of all that are known.
  /// - Throws: `Failure` of kind `noInput` when there is none, `io` when the shelf can't be read.
  public func net(withDigest digest: Digest, families: [Family] = Family.known) throws(Failure) -> NetFile {
    for family in families {
      for item in try items(of: family) {
        if case .success(let net) = item.net, net.digest == digest { return net }
      }
    }
    throw Failure(
      .noInput, file: folder, "holds no net whose head has the SHA-256 \(digest)",
      hint: "convert the same checkpoint by the same version, or name the net files")
  }

  /// One file on the shelf, or what is wrong with it.
  public struct Item: Sendable {
    public let path: String
    public let net: Result<NetFile, Failure>
  }

  /// The files of a family, sorted by name, opened without reading their arrays.
  /// - Throws: `Failure` of kind `noInput` when the shelf is a file, `io` when the folder can't be listed.
  public func items(of family: Family) throws(Failure) -> [Item] {
    if try Paths.exists(folder), try !Paths.isFolder(folder) {
      throw Failure(
        .noInput, file: folder, "is a file where a shelf is needed", hint: "name the folder that holds the nets")
    }
    let folder = Paths.join(folder, family.name)
    return try Paths.names(in: folder).filter { $0.hasSuffix(Shelf.suffix) && !$0.hasPrefix(".") }.map { name in
      let path = Paths.join(folder, name)
      do throws(Failure) {
        return Item(path: path, net: .success(try NetFile(path)))
      } catch {
        return Item(path: path, net: .failure(error))
      }
    }
  }
}
