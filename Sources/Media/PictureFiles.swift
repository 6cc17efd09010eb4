import Arrays

/// Finds picture files.
public enum PictureFiles {
  private static let suffixes: Set<String> = [
    "jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic", "heif",
  ]

  /// Whether a name ends like a picture's.
  package static func isPictureName(_ name: String) -> Bool {
    name.contains(".") && suffixes.contains(name.split(separator: ".").last?.lowercased() ?? "")
  }

  /// Files as they are given, and all pictures in folders and those below, by their names' endings, sorted.
  /// - Throws: `Failure` of kind `noInput` when a folder holds no picture, `badData` when there are too many.
  public static func find(_ paths: [String]) throws(Failure) -> [String] {
    var out: [String] = []
    for path in paths {
      // What isn't there, or no picture, costs itself only.
      guard try Paths.isFolder(path) else {
        out.append(path)
        continue
      }
      let count = out.count
      var seen: Set<Paths.Identity?> = [try Paths.identity(path)]
      try add(path, &seen, to: &out)
      if out.count == count {
        throw Failure(
          .noInput, file: path, "holds no pictures", hint: "pictures end in .jpg, .png, .webp, .bmp, .gif or .tif")
      }
    }
    return out
  }

  /// - Parameter seen: folders that were looked into: links may lead to them again, without end.
  private static func add(
    _ folder: String, _ seen: inout Set<Paths.Identity?>, to out: inout [String]
  ) throws(Failure) {
    for name in try Paths.names(in: folder) where !name.hasPrefix(".") {
      let path = Paths.join(folder, name)
      if try Paths.isFolder(path) {
        if seen.insert(try Paths.identity(path)).inserted { try add(path, &seen, to: &out) }
      } else if suffixes.contains(name.split(separator: ".").last?.lowercased() ?? "") {
        out.append(path)
      }
      let most = Limit.images.value
      guard out.count <= most else { throw Limit.images.failure(file: folder, "holds more than \(most) pictures") }
    }
  }
}
