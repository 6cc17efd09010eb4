import Arrays
import Checkpoints

/// Under which licence weights are published, as their publisher says it.
public struct Licence: Equatable, Sendable {
  /// The identifier in SPDX's list of licences, where it is in that.
  public let identifier: String?
  /// As it is told.
  public let told: String

  /// - Parameter told: as the hub's model cards name licences, or by SPDX's identifier, in whatever case.
  public init(_ told: String) {
    self.told = told
    identifier = Licence.identifiers[told.lowercased()]
  }

  /// Those that the hub knows and SPDX lists, by their names in lower case.
  private static let identifiers = Dictionary(
    uniqueKeysWithValues: [
      "AFL-3.0", "AGPL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear",
      "BSL-1.0",
      "C-UDA-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0",
      "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
      "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0",
      "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "GPL-2.0", "GPL-3.0", "ISC", "LGPL-2.1", "LGPL-3.0",
      "LPPL-1.3c", "MIT", "MPL-2.0", "MS-PL", "NCSA", "ODbL-1.0", "OFL-1.1", "OSL-3.0", "PDDL-1.0", "PostgreSQL",
      "Unlicense", "WTFPL", "Zlib",
    ].map { ($0.lowercased(), $0) })

  /// What the model card of a repository or a folder says at its beginning, between two lines of three hyphens; nil where
  /// it says nothing.
  /// - Throws: `Failure` of kind `io` or `unavailable` when that can't be said.
  static func told(by folder: any SourceFolder) throws(Failure) -> Licence? {
    let bytes = try ifFound { () throws(Failure) in try folder.contents(of: "README.md", limit: .configBytes) }
    guard let bytes else { return nil }
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      $0.last == 0x0d ? $0.dropLast() : $0
    }
    guard lines.first?.elementsEqual("---".utf8) == true else { return nil }
    lines.removeFirst()
    var values: [String: String] = [:]
    for line in lines.prefix(2000) {
      if line.elementsEqual("---".utf8) { break }
      for key in ["license", "license_name"] where line.starts(with: "\(key):".utf8) {
        guard let text = try? readText(line.dropFirst(key.utf8.count + 1)) else { continue }
        // Without a comment behind it, spaces around it and quotation marks.
        let value = text.prefix { $0 != "#" }.filter { !"\"' \t".contains($0) }
        if !value.isEmpty { values[key] = shortened(value, to: 200) }
      }
    }
    // The hub's `other` is told by its name.
    guard let told = values["license"] else { return nil }
    return Licence(told == "other" ? values["license_name"] ?? told : told)
  }
}

extension Inspection {
  /// The licence of the weights: that of a published file which they are, or are made of, by its SHA-256; else what the file's
  /// metadata, or the model card beside it, says. nil where nothing does.
  /// - Parameter digests: of a checkpoint's files.
  /// - Throws: `Failure` of kind `io` or `unavailable` when the model card can't be read.
  public func licence(_ digests: [Digest]) throws(Failure) -> Licence? {
    switch subject {
    case .combination: return nil
    case .netFile(let net):
      let sources = net.header.provenance.sources.map(\.sha256)
      return publication(of: sources).map { Licence($0.licence) }
    case .checkpoint(let checkpoint):
      if let publication = publication(of: digests) { return Licence(publication.licence) }
      if let told = checkpoint.metadata.first(where: { ["general.license", "license"].contains($0.name) }) {
        return Licence(shortened(told.value, to: 200))
      }
      // What stands beside a single file needn't be about it.
      let folder = try checkpoint.folder
      let isWhole = try folder.isRemote ? true : Paths.isFolder(checkpoint.path)
      return isWhole ? try Licence.told(by: folder) : nil
    }
  }

  /// Where weights are published of which these files are.
  public func publication(of digests: [Digest]) -> Family.Publication? {
    for digest in digests {
      if let found = family?.publishedFile(digest) { return found.publication }
    }
    return nil
  }
}
