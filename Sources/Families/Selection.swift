import Arrays
import NetFile

/// Which net a command is about: a file, or a combination that may be on the shelf.
public enum NetSelection: Sendable {
  case path(String)
  case combination(Family, Combination)

  /// - Parameters:
  ///   - path: of a net file or checkpoint.
  ///   - family: name of a family; nil: the first with all the parameters' axes.
  ///   - parameters: values that are set; the other axes take their defaults.
  /// - Throws: `Failure` of kind `usage` when both or neither are given, or make no sense.
  public init(path: String?, family: String?, parameters: [Combination.Parameter]) throws(Failure) {
    if let path {
      guard parameters.isEmpty, family == nil else {
        throw Failure(.usage, "a path and parameters are both given", hint: "name the net by one of them")
      }
      self = .path(path)
      return
    }
    guard !parameters.isEmpty || family != nil else {
      throw Failure(
        .usage, "no net is named",
        hint: "name it by parameters, such as --set Release=demo, or by its path; `ingot list` shows both")
    }
    let family = if let family { try Family.named(family) } else { try Family.meant(by: parameters) }
    self = .combination(family, try family.combination(setting: parameters))
  }

  /// The net file meant.
  /// - Throws: `Failure` of kind `noInput` when a combination isn't on the shelf.
  public func file(on shelf: Shelf) throws(Failure) -> NetFile {
    switch self {
    case .path(let path): return try Self.file(at: path)
    case .combination(let family, let combination):
      let path = shelf.path(family, combination)
      guard try Paths.exists(path) else { throw shelf.missing(family, combination) }
      return try NetFile(path)
    }
  }

  /// The net file at a path that a user gave.
  /// - Throws: `Failure` of kind `noInput` when it is a folder, as a checkpoint may be; and what opening throws.
  public static func file(at path: String) throws(Failure) -> NetFile {
    guard try !Paths.isFolder(path) else {
      throw Failure(
        .noInput, file: path, "is a folder where a net file is needed",
        hint: "name a file that ends in .ingot; `ingot convert` makes them from a checkpoint")
    }
    return try NetFile(path)
  }
}

extension Combination.Parameter {
  /// `NAME=VALUE`, as on a command line.
  /// - Throws: `Failure` of kind `usage`.
  public init(argument: String) throws(Failure) {
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw Failure(.usage, "\"\(argument)\" is not NAME=VALUE", hint: "for example --set Part=TextEncoder")
    }
    self.init(String(argument[..<equals]), ParameterValue(text: String(argument[argument.index(after: equals)...])))
  }
}
