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
        hint: "give a path, or parameters such as --set Part=TextEncoder; `ingot list` shows them")
    }
    let family = if let family { try Family.named(family) } else { try Family.meant(by: parameters) }
    self = .combination(family, try family.combination(setting: parameters))
  }

  /// The net file meant.
  /// - Throws: `Failure` of kind `noInput` when a combination isn't on the shelf.
  public func file(on shelf: Shelf) throws(Failure) -> NetFile {
    switch self {
    case .path(let path): return try NetFile(path)
    case .combination(let family, let combination):
      let path = shelf.path(family, combination)
      guard try Paths.exists(path) else { throw notOnShelf(family, combination, path) }
      return try NetFile(path)
    }
  }

  private func notOnShelf(_ family: Family, _ combination: Combination, _ path: String) -> Failure {
    let hint =
      family.publication(of: combination).map {
        "download it from \($0.repository) and run `ingot convert` on it"
      } ?? "`ingot list` shows what is there; `ingot create` makes nets without published weights"
    return Failure(.noInput, file: path, "this combination is not on the shelf", hint: hint)
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
