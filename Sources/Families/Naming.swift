import Arrays
import Checkpoints

/// How a checkpoint names the arrays of a layout: the layout's names, maybe with words around them that wrappers add.
///
/// `torch.nn.DataParallel` puts `module.` in front, `torch.compile` `_orig_mod.`, PEFT `base_model.model.`, Lightning
/// whatever its module calls the net; dictionaries around a state dict become prefixes when the file is read.
struct Naming {
  let family: Family
  let layout: Layout
  /// By array of the checkpoint: its name in the layout's rules; nil for arrays outside the net.
  let ruleNames: [String?]
  /// Arrays of further copies of the net, such as the running mean of a training.
  let copies: Set<Int>
  /// What was dropped and left out, in words; empty where names are the layout's own.
  let notes: [String]

  /// Words that wrappers put anywhere into names; no layout has them.
  private static let wrapperWords: Set<Substring> = [
    "_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
  ]

  /// Prefixes that say which of several copies of a net is the trained one, the likeliest first. A running mean beside it
  /// isn't taken without a word.
  private static let usualPrefixes = [
    "", "state_dict.", "model.", "model_state_dict.", "model_state.", "params.", "net.", "network.", "weights.",
    "base_model.model.",
  ]

  /// - Returns: nil when the arrays are of no known layout.
  /// - Throws: `Failure` of kind `badData` when several copies of a net are in the checkpoint and none is the likeliest.
  static func recognize(_ checkpoint: any Checkpoint) throws(Failure) -> Naming? {
    let published = checkpoint.arrays.map(\.name)
    // Names as they stand come first: nothing is dropped where nothing has to be.
    let whole = Set(published)
    let type = try modelType(checkpoint)
    let fitting = candidates { family, layout in
      guard !layout.isAlone || family.isOf(type) else { return false }
      let names = layout.spelling == nil ? whole : Set(published.map(layout.ruleName))
      return names.isSuperset(of: layout.recognizedBy) && (!layout.isAlone || names.allSatisfy(layout.holds))
    }
    if let (family, layout) = likeliest(of: fitting) {
      return Naming(family: family, layout: layout, ruleNames: published.map(layout.ruleName), notes: [])
    }
    return try recognizeWrapped(published, type)
  }

  /// What config.json calls the net; nil where it doesn't, or is damaged, which is told by whoever needs it.
  private static func modelType(_ checkpoint: any Checkpoint) throws(Failure) -> String? {
    let config = try ifFound { () throws(Failure) in try SmallFiles(folder: checkpoint.folder).json("config.json") }
    guard case .string(let type)? = config?["model_type"]?.content else { return nil }
    return type
  }

  private static func candidates(
    _ fits: (Family, Layout) -> Bool
  ) -> [(family: Family, layout: Layout)] {
    Family.known.flatMap { family in
      family.layouts.filter { fits(family, $0) }.map { (family: family, layout: $0) }
    }
  }

  /// The first one, unless another bears its marks and more: a net that captions has arrays of one that answers questions,
  /// which has further ones.
  private static func likeliest(
    of candidates: [(family: Family, layout: Layout)]
  ) -> (family: Family, layout: Layout)? {
    candidates.first { candidate in
      let marks = Set(candidate.layout.recognizedBy)
      return !candidates.contains { Set($0.layout.recognizedBy).isStrictSuperset(of: marks) }
    }
  }

  private static func recognizeWrapped(_ published: [String], _ type: String?) throws(Failure) -> Naming? {
    let fitting = candidates { family, layout in
      guard !layout.isAlone || family.isOf(type) else { return false }
      let (_, names, prefixes) = wrapped(published, in: layout)
      guard layout.isAlone else { return !prefixes.isEmpty }
      return prefixes.count == 1
        && names.allSatisfy { name in
          name.hasPrefix(prefixes[0]) && layout.holds(String(name.dropFirst(prefixes[0].count)))
        }
    }
    guard let (family, layout) = likeliest(of: fitting) else { return nil }
    let (bare, _, prefixes) = wrapped(published, in: layout)
    let prefix = try chosen(of: prefixes.sorted())
    return Naming(family, layout, published, bare, prefix, others: prefixes.filter { $0 != prefix }.sorted())
  }

  /// Names without the words of wrappers, in their order and as a set, and the prefixes before which a layout's marks stand.
  private static func wrapped(
    _ published: [String], in layout: Layout
  ) -> (bare: [String], names: Set<String>, prefixes: [String]) {
    guard let anchor = layout.recognizedBy.first else { return ([], [], []) }
    let bare = published.map { withoutWrapperWords(layout.ruleName($0)) }
    let names = Set(bare)
    var prefixes: [String] = []
    for name in names where name == anchor || name.hasSuffix("." + anchor) {
      let prefix = String(name.dropLast(anchor.count))
      if layout.recognizedBy.allSatisfy({ names.contains(prefix + $0) }) { prefixes.append(prefix) }
    }
    return (bare, names, prefixes)
  }

  /// The prefix of the copy that is meant.
  private static func chosen(of prefixes: [String]) throws(Failure) -> String {
    if prefixes.count == 1 { return prefixes[0] }
    if let usual = usualPrefixes.first(where: prefixes.contains) { return usual }
    let list = prefixes.prefix(4).map { "\"\(shortened($0, to: 60))\"" }.joined(separator: ", ")
    throw Failure(
      .badData, "holds \(prefixes.count) copies of the net, whose names begin with \(list)",
      hint: "save the one that is meant alone, for example with torch.save(copy.state_dict(), …)")
  }

  private static func withoutWrapperWords(_ name: String) -> String {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    guard words.contains(where: wrapperWords.contains) else { return name }
    return words.filter { !wrapperWords.contains($0) }.joined(separator: ".")
  }

  private init(family: Family, layout: Layout, ruleNames: [String?], notes: [String]) {
    self.family = family
    self.layout = layout
    self.ruleNames = ruleNames
    self.notes = notes
    copies = []
  }

  /// - Parameters:
  ///   - bare: the names without wrappers' words.
  ///   - others: prefixes of further copies of the net.
  private init(
    _ family: Family, _ layout: Layout, _ published: [String], _ bare: [String], _ prefix: String, others: [String]
  ) {
    self.family = family
    self.layout = layout
    // Each word once, in the order of the first array that has it.
    var words: [Substring] = []
    for name in published {
      for word in layout.ruleName(name).split(separator: ".") where Naming.wrapperWords.contains(word) {
        if !words.contains(word) { words.append(word) }
      }
    }
    var ruleNames: [String?] = []
    var copied: Set<Int> = []
    for (index, name) in bare.enumerated() {
      // The longest prefix that fits says where an array belongs: "model." begins "model.ema.vit…" too.
      let own = name.hasPrefix(prefix) ? prefix.utf8.count : -1
      if others.contains(where: { $0.utf8.count > own && name.hasPrefix($0) }) {
        copied.insert(index)
        ruleNames.append(nil)
      } else {
        ruleNames.append(own >= 0 ? String(name.dropFirst(prefix.count)) : nil)
      }
    }
    self.ruleNames = ruleNames
    copies = copied
    var dropped = words.map { "\"\($0)\"" }
    if !prefix.isEmpty { dropped.append("\"\(shortened(prefix, to: 60))\"") }
    var notes = ["names in layout \(layout.name) but for \(dropped.joined(separator: " and ")), which is left off them"]
    if !others.isEmpty {
      let list = others.prefix(4).map { "\"\(shortened($0, to: 60))\"" }.joined(separator: ", ")
      notes.append(
        "the net is there \(others.count + 1) times: the arrays of \"\(prefix)\" are taken, the \(copied.count) of \(list) left out"
      )
    }
    self.notes = notes
  }
}

extension Family {
  /// Whether a net may be of the family by its model_type, of which nothing may be known: names that nets of several kinds
  /// have don't tell.
  fileprivate func isOf(_ type: String?) -> Bool { type.map(modelTypes.contains) ?? true }

  /// The family and layout whose marks a checkpoint's arrays bear; nil if none's, or where it can't be told which copy of
  /// a net is meant.
  /// - Throws: `Failure` of kind `io` when the files beside it can't be read.
  public static func recognize(_ checkpoint: any Checkpoint) throws(Failure) -> (family: Family, layout: Layout)? {
    try ifFound { () throws(Failure) in try Naming.recognize(checkpoint) }.map { ($0.family, $0.layout) }
  }
}
