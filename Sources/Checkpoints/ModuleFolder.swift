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

  private static func name(in folder: any SourceFolder) throws(Failure) -> String? {
    let first = try ifFound { () throws(Failure) -> String? in
      guard let bytes = try folder.contents(of: "modules.json", limit: .configBytes) else { return nil }
      return try JSONValue(parsing: bytes, rules: .lenient).array().first?["path"]?.string()
    }
    // A single name, so that nothing leads out of the folder.
    guard let first, !first.isEmpty, !first.contains("/"), first != ".", first != "..", !first.utf8.contains(0) else {
      return nil
    }
    return first
  }
}
