import Arrays

/// Finds the classes of a net that files of a data set name.
struct ClassNames {
  private let labels: [String]
  private var exact: [String: [Int]] = [:]
  /// Of the label as a whole, and of the words between its commas, as ImageNet's labels have synonyms: in small letters.
  private var alike: [String: [Int]] = [:]
  /// Whether a number names a class by its place: not where numbers are labels themselves.
  private let hasNumbers: Bool

  init(_ labels: [String]) {
    self.labels = labels
    hasNumbers = !labels.contains { Int($0) != nil }
    for (index, label) in labels.enumerated() {
      exact[label, default: []].append(index)
      for name in Set([label] + label.split(separator: ",").map(String.init)) {
        alike[Self.plain(name), default: []].append(index)
      }
    }
  }

  private static func plain(_ name: String) -> String {
    name.lowercased().split { $0 == "_" || $0.isWhitespace }.joined(separator: " ")
  }

  /// The class of a name: a label, one of its words, or its index.
  /// - Throws: `Failure` of kind `badData` when there is none, or when there are several.
  func index(of name: String) throws(Failure) -> Int {
    for found in [exact[name], alike[Self.plain(name)]] {
      guard let found else { continue }
      if found.count == 1 { return found[0] }
      let those = found.prefix(4).map(String.init).joined(separator: ", ")
      throw Failure(
        .badData, "several classes are called \"\(shortened(name, to: 60))\": \(those)",
        hint: hasNumbers ? "name them by their numbers" : "labels as a whole tell them apart")
    }
    if hasNumbers, let index = Int(name), labels.indices.contains(index) { return index }
    throw Failure(
      .badData, "the net has no class \"\(shortened(name, to: 60))\"",
      hint: "`ingot classify --top \(labels.count)` tells its classes; "
        + "--by-order takes folders in their order for classes 0, 1, …")
  }
}
