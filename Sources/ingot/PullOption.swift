import ArgumentParser
import Arrays
import Families
import Remote
import Reports

/// Whether published weights are fetched for a net that isn't on the shelf.
struct PullOption: ParsableArguments {
  @Flag(help: "Where the net isn't on the shelf, fetch the weights that are published of it, and convert them.")
  var pull = false

  @OptionGroup var fetching: FetchOptions

  /// Opens nets of a shelf by `body`; where one isn't there and may be fetched, it is, and `body` runs again.
  /// - Throws: what `body`, fetching and converting throw.
  func opening<Nets>(on shelf: Shelf, _ body: () throws -> Nets) throws -> Nets {
    do { return try body() } catch let failure as Failure {
      guard pull, failure.kind == .noInput, let file = failure.file, let wanted = Self.published(file, on: shelf)
      else { throw failure }
      try wanted.bring(to: shelf)
      return try body()
    }
  }

  /// The published net whose place on a shelf that is.
  private static func published(_ path: String, on shelf: Shelf) -> PublishedNet? {
    for family in Family.known {
      for combination in family.combinations where shelf.path(family, combination) == path {
        guard let publication = family.publication(of: combination), let address = publication.address else { continue }
        return PublishedNet(
          family: family, combination: combination, address: address, licence: publication.licence)
      }
    }
    return nil
  }
}

/// A net that can be had of the hub.
private struct PublishedNet {
  let family: Family
  let combination: Combination
  let address: String
  let licence: String

  /// Fetches it, all its parts, and converts them. The checkpoint must be of this net, or it is refused.
  func bring(to shelf: Shelf) throws {
    let name = Paths.name(shelf.path(family, combination))
    Console.printError("\(printable(name)) isn't on the shelf: fetching \(address) (licence: \(licence))")
    let parameters = combination.parameters.filter { $0.name != family.netAxis?.name }
    try PullJob(address).open(.weights, isKept: false) { checkpoint, arrival in
      let plan = try ConversionPlan(checkpoint, ConversionRequest(family: family, parameters: parameters))
      try convert(plan, arrival, on: shelf)
    }
  }
}

/// Writes a plan's nets, and shows how far that is.
/// - Parameter arrival: of the checkpoint's bytes, where they aren't there yet.
@discardableResult
func convert(
  _ plan: ConversionPlan, _ arrival: Arrival?, on shelf: Shelf, replacing: Bool = false, compress: Bool = false
) throws -> [WrittenNet] {
  let progress = ProgressLine(arrival == nil ? "converting" : "fetching", total: plan.totalBytes)
  defer { progress.finish() }
  arrival?.tell(progress.add)
  return try plan.run(on: shelf, replacing: replacing, compress: compress, progress: progress.add)
}
