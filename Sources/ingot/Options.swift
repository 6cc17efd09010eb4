import ArgumentParser
import Arrays
import Families
import NetFile

/// Which net, of which shelf.
struct SelectionOptions: ParsableArguments {
  @Option(name: .customLong("set"), help: .init("A parameter of the net; repeatable.", valueName: "name=value"))
  var parameters: [String] = []

  @Option(help: "The family that the parameters are of.")
  var family: String?

  @OptionGroup var shelfOptions: ShelfOptions

  func parsedParameters() throws(Failure) -> [Combination.Parameter] {
    var out: [Combination.Parameter] = []
    for argument in parameters { out.append(try Combination.Parameter(argument: argument)) }
    return out
  }

  func selection(path: String?) throws(Failure) -> NetSelection {
    try NetSelection(path: path, family: family, parameters: parsedParameters())
  }

  /// The net that parameters name. Where they name no part, it is the first one that is fit.
  func net(path: String? = nil, fit: (Family.NetKind) -> Bool) throws(Failure) -> NetFile {
    let selected = try selection(path: path)
    guard case .combination(let family, var combination) = selected, try !namesPart(of: family),
      let axis = family.netAxis,
      let kind = family.nets.first(where: fit)
    else { return try selected.file(on: shelfOptions.chosen) }
    combination[axis.name] = .word(kind.name)
    return try NetSelection.combination(family, combination).file(on: shelfOptions.chosen)
  }

  /// The nets that parameters name: where they name no part, all parts.
  /// - Throws: `Failure` of kind `noInput` when one isn't on the shelf.
  func nets() throws(Failure) -> [NetFile] {
    let shelf = shelfOptions.chosen
    let selected = try selection(path: nil)
    guard case .combination(let family, var combination) = selected, try !namesPart(of: family),
      let axis = family.netAxis
    else { return [try selected.file(on: shelf)] }
    return try shelf.together(family) { () throws(Failure) in
      var nets: [NetFile] = []
      for kind in family.nets {
        combination[axis.name] = .word(kind.name)
        nets.append(try NetSelection.combination(family, combination).file(on: shelf))
      }
      return nets
    }
  }

  func namesPart(of family: Family) throws(Failure) -> Bool {
    try parsedParameters().contains { $0.name == family.netAxis?.name }
  }

  func givenFamily() throws(Failure) -> Family? {
    if let family { try Family.named(family) } else { nil }
  }
}

struct ShelfOptions: ParsableArguments {
  @Option(help: .init("Folder of net files. (default: $INGOT_SHELF, else weights/shelf)", valueName: "dir"))
  var shelf: String?

  var chosen: Shelf { .chosen(shelf) }
}

struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output and nothing else there.")
  var json = false

  func print(json value: @autoclosure () -> JSONValue, text: @autoclosure () -> String) throws(Failure) {
    try Console.print(json ? printableJSON(value().prettyText) : text())
  }
}
