import Arrays
import Families
import NetFile

/// What there is of some families, for people and as JSON (schemas/reports/list.schema.json).
public struct CatalogueReport: Sendable {
  private let catalogues: [Catalogue]
  private let shelf: Shelf
  /// Values of an open axis that are told in its line.
  private static let mostValues = 8

  public init(_ catalogues: [Catalogue], shelf: Shelf) {
    self.catalogues = catalogues
    self.shelf = shelf
  }

  /// - Parameter listsEvery: also combinations that nobody published and that aren't on the shelf, which are many.
  public func text(listsEvery: Bool) -> String {
    catalogues.map { lines($0, listsEvery).joined(separator: "\n") }.joined(separator: "\n\n")
  }

  private func lines(_ catalogue: Catalogue, _ listsEvery: Bool) -> [String] {
    var lines = ["\(catalogue.family.name): \(catalogue.family.title)"]
    var axes = TextTable([.left, .left, .left], indent: 2)
    for axis in catalogue.family.axes {
      // Of names that what is published has, some will do: all are told below.
      let isLong = axis.isOpen && axis.values.count > Self.mostValues
      let told = isLong ? axis.values.prefix(Self.mostValues / 2) : axis.values[...]
      let values = told.map { "\($0)" + ($0 == axis.defaultValue ? "*" : "") }.joined(separator: ", ")
      axes.add(axis.name, values + (axis.isOpen ? ", …" : ""), axis.about)
    }
    lines += axes.lines + ["  * default"]
    lines += onShelf(catalogue) + published(catalogue)
    let rest = catalogue.items.filter { if case .uninitialized = $0.status { true } else { false } }
    if listsEvery {
      lines +=
        ["", "without published weights (`ingot create` makes them):"] + rest.map { "  \(spaced($0.combination))" }
    } else if !rest.isEmpty {
      lines += [
        "",
        "\(counted(rest.count, "further combination")) without published weights (--all lists them; `ingot create` makes them)",
      ]
    }
    return lines
  }

  private func onShelf(_ catalogue: Catalogue) -> [String] {
    var table = TextTable([.left, .right, .right], indent: 2)
    for item in catalogue.items {
      guard case .onShelf(_, .success(let net)) = item.status else { continue }
      let header = net.header
      table.add(
        spaced(item.combination),
        header.isInitialized ? "\(grouped(header.arrays.reduce(0) { $0 + $1.shape.elements })) elements" : "no weights",
        sized(net.file.size))
    }
    var lines = ["", "on the shelf \(printable(shelf.folder)):"]
    lines += table.isEmpty ? ["  nothing yet"] : table.lines
    for file in catalogue.unreadable { lines.append("  unreadable: \(file.failure.inFile(file.path))") }
    return lines
  }

  private func published(_ catalogue: Catalogue) -> [String] {
    var table = TextTable([.left, .left, .left, .left, .left], indent: 2)
    for publication in catalogue.family.published {
      let missing = catalogue.items.contains { item in
        if case .published = item.status { item.combination.matches(publication.parameters) } else { false }
      }
      guard missing else { continue }
      let parameters = publication.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      let weights =
        publication.files.first.map { file in file.name + (file.bytes.map { " (\(sized($0)))" } ?? "") } ?? ""
      table.add(
        parameters, publication.repository, weights, publication.licence,
        catalogue.cached[publication.repository] == nil ? "" : "in the cache")
    }
    return table.isEmpty ? [] : ["", "published, not on the shelf:"] + table.lines
  }

  private func spaced(_ combination: Combination) -> String {
    combination.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
  }

  public var json: JSONValue {
    .object(["shelf": .string(shelf.folder), "families": .array(catalogues.map(familyJSON))])
  }

  private func familyJSON(_ catalogue: Catalogue) -> JSONValue {
    .object([
      "family": .string(catalogue.family.name),
      "title": .string(catalogue.family.title),
      "axes": .array(
        catalogue.family.axes.map { axis in
          .object([
            "name": .string(axis.name), "values": .array(axis.values.map(\.json)), "default": axis.defaultValue.json,
            "open": .boolean(axis.isOpen),
          ])
        }),
      "nets": .array(catalogue.items.map { itemJSON($0, cached: catalogue.cached) }),
      "unreadable": .array(
        catalogue.unreadable.map { .object(["file": .string($0.path), "error": .string($0.failure.description)]) }),
    ])
  }

  private func itemJSON(_ item: Catalogue.Item, cached: [String: String]) -> JSONValue {
    var file: JSONValue = .null
    var bytes: JSONValue?
    var published: JSONValue?
    switch item.status {
    case .onShelf(let path, let net):
      file = .string(path)
      bytes = (try? net.get()).map { .integer($0.file.size) }
    case .published(let publication):
      published = .object([
        "repository": .string(publication.repository), "revision": publication.revision.map { .string($0) },
        "cached": cached[publication.repository].map { .string($0) },
        "licence": .string(publication.licence), "note": publication.note.map { .string($0) },
        "files": .array(
          publication.files.map { file in
            .object([
              "name": .string(file.name), "bytes": file.bytes.map { .integer($0) },
              "sha256": file.sha256.map { .string($0.description) },
            ])
          }),
      ])
    case .uninitialized: break
    }
    return .object([
      "parameters": JSONValue(.object(item.combination.json)), "status": .string(item.status.word), "file": file,
      "bytes": bytes, "published": published,
    ])
  }
}
