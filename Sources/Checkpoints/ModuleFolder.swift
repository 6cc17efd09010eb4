import Arrays

/// A repository of sentence-transformers, whose modules.json names the folders of its modules. Releases before 2.0 kept the
/// weights in one of these, 0_Transformer.
package enum ModuleFolder {
  /// The folder of the first module, which has the weights; nil where there is no modules.json, or that is the repository's
  /// folder itself.
  /// - Throws: `Failure` of kind `io` when that can't be read.
  package static func first(of path: String) throws(Failure) -> String? {
    let file = Paths.join(path, "modules.json")
    guard try Paths.isRegularFile(file) else { return nil }
    let first = try ifFound { () throws(Failure) in
      try JSONValue(parsing: contents(of: file, limit: .configBytes), rules: .lenient).array().first?["path"]?.string()
    }
    guard let name = first else { return nil }
    // A single name, so that nothing leads out of the folder.
    guard !name.isEmpty, !name.contains("/"), name != ".", name != "..", !name.utf8.contains(0) else { return nil }
    let folder = Paths.join(path, name)
    return try Paths.isFolder(folder) ? folder : nil
  }
}
