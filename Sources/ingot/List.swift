import ArgumentParser
import Arrays
import Families
import Reports

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows families, their parameters, and for each combination whether it is on the shelf or published.")

  @Argument(help: "A family; all of them when left out.", completion: .families)
  var family: String?

  @Flag(help: "Also list every combination without published weights.")
  var all = false

  @OptionGroup var shelfOptions: ShelfOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let shelf = shelfOptions.chosen
    let families = if let family { [try Family.named(family)] } else { Family.known + [.plain] }
    let catalogues = try families.map { family throws(Failure) in try Catalogue(family, shelf: shelf) }
      // Plain nets are listed where there are any.
      .filter { $0.family.name != Family.plain.name || family != nil || !$0.items.isEmpty || !$0.unreadable.isEmpty }
    let report = CatalogueReport(catalogues, shelf: shelf)
    try output.print(json: report.json, text: report.text(listsEvery: all))
  }
}
