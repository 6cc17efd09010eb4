import Arrays

/// How a data set names an image: by a number, as COCO does, or by a name.
public enum ImageReference: Sendable, Hashable, CustomStringConvertible {
  case number(Int)
  case name(String)

  /// - Throws: `Failure` of kind `badData` when it is neither.
  init(_ value: JSONValue) throws(Failure) {
    switch value.content {
    case .integer: self = .number(try value.size())
    case .string(let text):
      guard !text.isEmpty else { throw value.failure("is empty") }
      guard !text.utf8.contains(0) else { throw value.failure("holds a zero byte") }
      self = .name(text)
    default: throw value.failure("a number or a string is needed, not \(value.kind)")
    }
  }

  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .name(let name): shortened(name, to: 100)
    }
  }
}

/// Names of COCO's images, from their numbers.
public enum COCOImages {
  /// The names that an image may have, in the order in which they are tried: of the questions' part of COCO, of others, with
  /// leading zeros (COCO 2017), without. Some have folders of the parts.
  static func names(of image: Int, subset: String?) -> [String] {
    let digits = String(image)
    let padded = String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
    var subsets = ["val2014", "train2014", "test2015"]
    if let subset {
      // The questions of test-dev2015 are about images of test2015.
      let named = subset.hasPrefix("test-dev") ? [subset, "test\(subset.dropFirst(8))"] : [subset]
      subsets = named
    }
    var out: [String] = []
    for subset in subsets { out += ["COCO_\(subset)_\(padded).jpg", "\(subset)/COCO_\(subset)_\(padded).jpg"] }
    out += ["\(padded).jpg", "\(digits).jpg", "\(digits).png"]
    for part in ["val2017", "train2017", "test2017"] { out.append("\(part)/\(padded).jpg") }
    return out
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 > 0x20 && $0 < 0x7f }
  }
}

/// Finds images in the data set's folder. What isn't there costs the questions about it, not all others.
public struct ImageFinder {
  public let folder: String
  private var found: [String: Result<String, Failure>] = [:]

  /// - Throws: `Failure` of kind `noInput` when there is no such folder.
  public init(folder: String) throws(Failure) {
    self.folder = folder
    guard try Paths.isFolder(folder) else {
      throw Failure(
        .noInput, file: folder, "there is no such folder", hint: "the images' folder is needed: --images DIR")
    }
  }

  /// The path of an image, or why there is none.
  /// - Parameters:
  ///   - names: that it may have in the folder, in the order in which they are tried; at least one.
  ///   - what: it is called, when it isn't there.
  /// - Throws: `Failure` of kind `io` when it can't be said whether a file is there.
  public mutating func find(_ names: [String], _ what: String) throws(Failure) -> Result<String, Failure> {
    if let known = found[names[0]] { return known }
    var result: Result<String, Failure>?
    for name in names {
      let path = path(of: name)
      if try Paths.exists(path) {
        result = .success(path)
        break
      }
    }
    let told = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
    let final =
      result
      ?? .failure(
        Failure(
          .noInput, file: folder, "has no image \(what)" + (names.count > 1 ? ": none of \(told)" : ""),
          hint: "--images DIR names the folder that the images are in"))
    found[names[0]] = final
    return final
  }

  /// By bytes: to a String, a stroke and a combining mark after it are one character, and no stroke.
  func path(of name: String) -> String {
    name.utf8.first == UInt8(ascii: "/") ? name : Paths.join(folder, name)
  }

  /// As data sets without numbers name images: by a name that may lack its ending, and may begin with a folder that is not
  /// there, or with Windows' strokes between.
  static func names(like name: String, folders: [String] = []) -> [String] {
    let plain = name.replacing("\\", with: "/")
    var stems = [name]
    for candidate in [plain, Paths.name(plain)] where !stems.contains(candidate) && !candidate.isEmpty {
      stems.append(candidate)
    }
    stems += folders.map { "\($0)/\(name)" }
    let endings = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
    if endings.contains(name.split(separator: ".").last?.lowercased() ?? "") { return stems }
    return stems.flatMap { stem in ["jpg", "jpeg", "png"].map { "\(stem).\($0)" } } + stems
  }
}
