import Arrays

/// A folder that an export writes: weights and small files, all of which appear or none; those of folders in it, which
/// sentence-transformers has, appear before.
package struct ExportFolder {
  let path: String
  /// Names and texts.
  let smallFiles: [(name: String, text: String)]
  /// Whether files of the same names may be there already.
  let replacing: Bool

  package init(path: String, smallFiles: [(name: String, text: String)], replacing: Bool) {
    (self.path, self.smallFiles, self.replacing) = (path, smallFiles, replacing)
  }

  /// - Returns: the path of the weights.
  /// - Throws: `Failure` of kind `cannotCreate` when files would be lost, `usage`.
  func prepared(_ weights: String) throws(Failure) -> String { try prepared([weights])[0] }

  /// - Parameter files: names of those that are no small files.
  /// - Returns: their paths.
  /// - Throws: `Failure` of kind `cannotCreate` when files would be lost, `usage`.
  package func prepared(_ files: [String]) throws(Failure) -> [String] {
    guard !path.isEmpty else { throw Failure(.usage, "the folder's name is empty", hint: "name a folder to write") }
    let paths = files.map { Paths.join(path, $0) }
    try checkNothingIsLost(paths + smallFiles.map { Paths.join(path, $0.name) })
    return paths
  }

  private func checkNothingIsLost(_ paths: [String]) throws(Failure) {
    if replacing { return }
    for path in paths where try Paths.exists(path) {
      throw Failure(.cannotCreate, file: path, "is there already", hint: "name an empty folder, or use --force")
    }
  }

  /// Puts the weights, which are written, and the small files in their places, all or none.
  func commit(_ weights: OutputFile) throws(Failure) { try commit([weights]) }

  /// The same of several files.
  package func commit(_ written: [OutputFile]) throws(Failure) {
    let files = try writtenSmallFiles() + written
    let groups = Dictionary(grouping: files) { Paths.folder(of: $0.path) }
    // The longer paths are those of folders within.
    for group in groups.sorted(by: { ($1.key.utf8.count, $0.key) < ($0.key.utf8.count, $1.key) }) {
      try OutputFile.commit(group.value) { () throws(Failure) in try checkNothingIsLost(group.value.map(\.path)) }
    }
  }

  /// The small files, written but not yet in their places: everything is ready before anything is replaced.
  private func writtenSmallFiles() throws(Failure) -> [OutputFile] {
    var outputs: [OutputFile] = []
    for file in smallFiles {
      let output = try OutputFile(Paths.join(path, file.name))
      let bytes = Array(file.text.utf8)
      try output.write(bytes.rawSpan, at: 0)
      try output.flush()
      outputs.append(output)
    }
    return outputs
  }
}
