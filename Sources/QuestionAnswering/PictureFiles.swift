import Arrays

/// Finds picture files.
public enum PictureFiles {
  private static let suffixes: Set<String> = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
  private static let deepest = 16

  /// Files as they are given, and all pictures in folders and those below, by their names' endings, sorted.
  /// - Throws: `Failure` of kind `noInput` when a path doesn't exist or a folder holds no picture, `badData` when there are
  ///   too many.
  public static func find(_ paths: [String]) throws(Failure) -> [String] {
    var out: [String] = []
    for path in paths {
      guard try Paths.exists(path) else { throw Failure(.noInput, file: path, "no such file or folder") }
      guard try Paths.isFolder(path) else {
        out.append(path)
        continue
      }
      let count = out.count
      try add(path, depth: 0, to: &out)
      if out.count == count {
        throw Failure(
          .noInput, file: path, "holds no pictures", hint: "pictures end in .jpg, .png, .webp, .bmp, .gif or .tif")
      }
    }
    return out
  }

  private static func add(_ folder: String, depth: Int, to out: inout [String]) throws(Failure) {
    for name in try Paths.names(in: folder) where !name.hasPrefix(".") {
      let path = Paths.join(folder, name)
      if try Paths.isFolder(path) {
        if depth < deepest { try add(path, depth: depth + 1, to: &out) }
      } else if suffixes.contains(name.split(separator: ".").last?.lowercased() ?? "") {
        out.append(path)
      }
      let most = Limit.images.value
      guard out.count <= most else { throw Limit.images.failure(file: folder, "holds more than \(most) pictures") }
    }
  }
}
