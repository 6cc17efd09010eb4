import Arrays
import Tasks

/// Vectors of pictures, for people, as JSON (schemas/reports/features.schema.json) and as CSV.
public struct FeatureReport {
  private let map: FeatureMap
  private let output: String

  private let failed: FailedInputs

  /// - Parameter failed: images that could not be read.
  public init(_ map: FeatureMap, output: String, failed: FailedInputs = FailedInputs()) {
    self.map = map
    self.output = output
    self.failed = failed
  }

  public var text: String {
    var lines = [
      "\(counted(map.points.count, map.kind.rawValue)), \(counted(map.vectors[0].count, "element")) each: \(printable(output))"
    ]
    guard let purity = map.purity else { return lines[0] }
    lines.append(
      "nearest neighbour is of the same class: \(percent(purity.share, 1)) (\(grouped(purity.same)) of "
        + "\(grouped(purity.pictures)))")
    var table = TextTable([.left, .right, .right], indent: 2)
    for name in map.classes {
      guard let one = map.classPurities[name] else { continue }
      table.add(name, percent(one.share, 1), "\(grouped(one.same)) of \(grouped(one.pictures))")
    }
    return (lines + table.lines).joined(separator: "\n")
  }

  private var noun: String { map.kind.rawValue }
  private var plural: String { noun + "s" }

  public var json: JSONValue {
    func purity(_ purity: FeatureMap.Purity) -> [JSONMember] {
      [
        JSONMember("share", .number(purity.share)), JSONMember("same", .integer(purity.same)),
        JSONMember(plural, .integer(purity.pictures)),
      ]
    }
    let classes = map.classes.compactMap { name in
      map.classPurities[name].map { JSONValue(.object([JSONMember("class", .string(name))] + purity($0))) }
    }
    return .object([
      "output": .string(output), plural: .integer(map.points.count), "elements": .integer(map.vectors[0].count),
      "variance": .array(map.variance.map { .number($0) }), "divergence": map.divergence.map { .number($0) },
      "purity": map.purity.map { JSONValue(.object(purity($0) + [JSONMember("classes", .array(classes))])) },
      "points": .array(
        map.points.map { point in
          .object([
            noun: .string(point.path), "class": point.name.map { .string($0) },
            "pca": .array(point.components.map { .number($0) }),
            "tsne": point.neighbourhood.map { .array($0.map { .number($0) }) },
            "neighbours": .array(
              point.neighbours.map {
                .object([noun: .string(map.points[$0.index].path), "cosine": .number($0.cosine)])
              }),
          ])
        }),
      "failed": failed.json,
    ])
  }

  /// A line per picture: image, class, places on the maps, and the vector's elements.
  public var csv: String {
    // By bytes: to a String, a comma or quote and a combining mark after it are one character, and another.
    func field(_ text: String) -> String {
      let bytes = Array(text.utf8)
      guard bytes.contains(where: ",\"\r\n".utf8.contains) else { return text }
      return "\"" + String(decoding: bytes.replacing("\"".utf8, with: "\"\"".utf8), as: UTF8.self) + "\""
    }
    let head = [noun, "class", "pca1", "pca2", "tsne1", "tsne2"] + map.vectors[0].indices.map { "v\($0)" }
    var lines = [head.joined(separator: ",")]
    for (point, vector) in zip(map.points, map.vectors) {
      let places = (point.components + (point.neighbourhood ?? [])).map { "\($0)" }
      let cells = [field(point.path), field(point.name ?? "")] + places + (point.neighbourhood == nil ? ["", ""] : [])
      lines.append((cells + vector.map { "\($0)" }).joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes `csv`.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func writeCSV(to output: OutputFile) throws(Failure) {
    let bytes = Array(csv.utf8)
    try output.write(bytes.rawSpan, at: 0)
    try output.flush()
    try output.commit()
  }
}
