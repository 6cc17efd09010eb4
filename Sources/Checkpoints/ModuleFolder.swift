import Arrays

/// A repository of sentence-transformers, whose modules.json names the folders of its modules. Releases before 2.0 kept the
/// weights in one of these, 0_Transformer.
package enum ModuleFolder {
  /// The folder of the first module, which has the weights; nil where there is no modules.json, or that is the repository's
  /// folder itself.
  /// - Throws: `Failure` of kind `io` or `unavailable` when that can't be read.
  package static func first(of folder: any SourceFolder) throws(Failure) -> (any SourceFolder)? {
    try name(in: folder).flatMap { name throws(Failure) in try folder.folder(name) }
  }

  /// Whether the folder is that of the first module of the one above.
  package static func isFirst(_ folder: any SourceFolder, of above: any SourceFolder) throws(Failure) -> Bool {
    guard let first = try first(of: above) else { return false }
    return Paths.name(first.path) == Paths.name(Paths.resolved(folder.path) ?? folder.path)
  }

  /// What modules.json says of the folders of all modules, in their order; empty: the repository's own.
  static func names(in folder: any SourceFolder) throws(Failure) -> [String] {
    let found = try ifFound { () throws(Failure) -> [String]? in
      guard let bytes = try folder.contents(of: "modules.json", limit: .configBytes) else { return nil }
      var names: [String] = []
      for module in try JSONValue(parsing: bytes, rules: .lenient).array() {
        names.append(try module["path"]?.string() ?? "")
      }
      return names
    }
    return found ?? []
  }

  /// A single name, so that nothing leads out of the folder.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("/") && name != "." && name != ".." && !name.utf8.contains(0)
  }

  private static func name(in folder: any SourceFolder) throws(Failure) -> String? {
    try names(in: folder).first.flatMap { isName($0) ? $0 : nil }
  }
}
