import Arrays
import Remote

/// What a pull fetched, or would fetch, for people and as JSON (schemas/reports/pull.schema.json).
package struct PullReport: Sendable {
  private let pull: Pull
  private let left: [(path: String, size: Int)]
  private let isPlanned: Bool
  private let place: String

  package init(_ pull: Pull, left: [(path: String, size: Int)], isPlanned: Bool, place: String) {
    (self.pull, self.left, self.isPlanned, self.place) = (pull, left, isPlanned, place)
  }

  /// What will be fetched, in a line.
  package static func plan(_ pull: Pull) -> String {
    let missing = pull.items.filter { !$0.isThere }
    let largest = missing.max { $0.size < $1.size }.map { ", the largest \(printable($0.path))" } ?? ""
    return "\(missing.count) \(missing.count == 1 ? "file" : "files") to fetch, \(sized(pull.bytesToFetch))\(largest)"
  }

  package var text: String {
    guard isPlanned else { return place }
    var table = TextTable([.left, .right, .left], indent: 2)
    let shown = pull.items.count > 24 ? Array(pull.items.sorted { $0.size > $1.size }.prefix(20)) : pull.items
    for item in shown { table.add(printable(item.path), sized(item.size), item.isThere ? "in the cache" : "") }
    var lines = [Self.plan(pull) + ":"] + table.lines
    if shown.count < pull.items.count { lines.append("  … and \(pull.items.count - shown.count) more, smaller ones") }
    if !left.isEmpty {
      let largest = left.sorted { $0.size > $1.size }.prefix(4).map { "\(printable($0.path)) (\(sized($0.size)))" }
      lines.append(
        "left: \(left.count) \(left.count == 1 ? "file" : "files"), \(sized(left.reduce(0) { $0 + $1.size })): \(largest.joined(separator: ", "))"
          + (left.count > 4 ? ", …" : ""))
    }
    return lines.joined(separator: "\n")
  }

  package var json: JSONValue {
    .object([
      "place": .string(place), "commit": .string(pull.commit), "dryRun": .boolean(isPlanned),
      "files": .array(
        pull.items.map { item in
          .object([
            "path": .string(item.path), "bytes": .integer(item.size), "wasThere": .boolean(item.isThere),
          ])
        }),
      "left": .array(left.map { .object(["path": .string($0.path), "bytes": .integer($0.size)]) }),
      "fetched": fetchedJSON(pull.fetched),
    ])
  }
}

/// What was fetched from addresses.
func fetchedJSON(_ tally: FetchTally) -> JSONValue {
  .object([
    "requests": .integer(tally.requests), "redirects": .integer(tally.redirects), "bytes": .integer(tally.bytes),
  ])
}
