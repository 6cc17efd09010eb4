import ArgumentParser
import Arrays
import Checkpoints
import Families
import Remote
import Reports

struct Convert: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Casts a checkpoint into one net file per part, with the proof that every array was used once.")

  @Argument(
    help: "A weights file, the folder that holds it and its configuration, or hf://ORG/NAME, cast while it is fetched.",
    completion: .file())
  var checkpoint: String

  @OptionGroup var selection: SelectionOptions

  @Option(
    help: "Element type of the net files: float32, float16 or bfloat16. (default: the checkpoint's)",
    completion: .list(["float32", "float16", "bfloat16"]))
  var precision: String?

  @Option(
    help: "The profile that the nets will run with, where the checkpoint leaves a choice. (default: its layout's)")
  var profile: String?

  @Option(
    help: "Whose arithmetic prepares pictures: pillow or torchvision. (default: the checkpoint's, or pillow)")
  var pixels: ImageBackend?

  @Flag(help: "Leave out arrays that belong to no net, such as extra heads, instead of stopping.")
  var allowUnused = false

  @Flag(help: "Compress the arrays (zstd on byte planes); such files are unpacked on use.")
  var compress = false

  @Flag(help: "Replace nets on the shelf that came from another checkpoint.")
  var force = false

  @Flag(help: "Keep what is fetched of an address in the cache of the hub's clients.")
  var keep = false

  @OptionGroup var part: PartOptions
  @OptionGroup var fetching: FetchOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if keep, !RemoteAddress.isOne(checkpoint) { throw ValidationError("--keep is of what is fetched of an address") }
  }

  func run() throws {
    guard RemoteAddress.isOne(checkpoint) else {
      try cast(openCheckpoint(checkpoint, part.chosen), nil)
      return
    }
    try PullJob(checkpoint).open(part.chosen, isKept: keep, cast)
  }

  /// - Parameter arrival: of the checkpoint's bytes, where they aren't there yet.
  private func cast(_ opened: any Checkpoint, _ arrival: Arrival?) throws {
    let plan = try ConversionPlan(
      opened,
      ConversionRequest(
        family: selection.givenFamily(), parameters: selection.parsedParameters(), precision: elementType(),
        profile: profile, pixels: pixels, allowsUnused: allowUnused, keepsUnknown: true, part: part.chosen))
    let nets = try convert(
      plan, arrival, on: selection.shelfOptions.chosen, replacing: force, compress: compress)
    let report = ConversionReport(plan, nets)
    try output.print(json: report.json, text: report.text)
  }

  private func elementType() throws(Failure) -> ElementType? {
    guard let precision else { return nil }
    guard let type = ElementType(rawValue: precision), [.float32, .float16, .bfloat16].contains(type) else {
      throw Failure(.usage, "--precision can't be \(precision)", hint: "choose float32, float16 or bfloat16")
    }
    return type
  }
}

extension ImageBackend: ExpressibleByArgument {}
