import ArgumentParser
import Arrays
import Families

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
    try Console.print(json ? value().prettyText : text())
  }
}
