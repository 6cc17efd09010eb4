import ArgumentParser
import Arrays
import Assurance
import Families
import Kernels
import NetFile
import QuestionAnswering
import Reports

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes int8 nets of float ones: a quarter of the size.",
    discussion: """
      Every Linear's weight and the word embeddings become 8-bit integers with a scale per row; the rest stays. The nets \
      stand on the shelf as Precision=int8 and run with float32 activations. Named by parameters without the part, all \
      three nets that answer questions are quantized.
      """)

  @Argument(help: "Net files.")
  var paths: [String] = []

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Leave the word embeddings, and a head tied to them, as they are.")
  var keepEmbeddings = false

  @Option(help: .init("An array that stays as it is; repeatable.", valueName: "array"))
  var keep: [String] = []

  @Option(help: .init("What int8 weights are multiplied with: int8 or float32.", valueName: "type"))
  var activations = "int8"

  @Flag(help: "Replace int8 nets on the shelf that came from others.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let shelf = selection.shelfOptions.chosen
    let quantizations = try options(for: nets(on: shelf)).map { try Quantization($0, $1) }
    let progress = ProgressLine("quantizing", total: quantizations.reduce(0) { $0 + $1.totalBytes })
    defer { progress.finish() }
    var items: [(Quantization, WrittenNet)] = []
    for quantization in quantizations {
      items.append((quantization, try quantization.run(on: shelf, replacing: force, progress: progress.add)))
    }
    progress.finish()
    let report = QuantizationReport(items)
    try output.print(json: report.json, text: report.text)
  }

  private func nets(on shelf: Shelf) throws(Failure) -> [NetFile] {
    guard paths.isEmpty else {
      guard selection.parameters.isEmpty else {
        throw Failure(.usage, "paths and parameters are both given", hint: "name the nets by one of them")
      }
      var files: [NetFile] = []
      for path in paths { files.append(try NetFile(path)) }
      return files
    }
    let parameters = try selection.parsedParameters()
    guard !parameters.isEmpty || selection.family != nil else {
      throw Failure(.usage, "no net is named", hint: "give paths, or parameters such as --set Release=demo")
    }
    let family = if let given = try selection.givenFamily() { given } else { try Family.meant(by: parameters) }
    if let axis = family.netAxis, !parameters.contains(where: { $0.name == axis.name }) {
      return try VQANets(family: family.name, parameters: parameters, on: shelf).files
    }
    return [try NetSelection.combination(family, family.combination(setting: parameters)).file(on: shelf)]
  }

  /// An array that is to be kept has to be in one of the nets.
  private func options(for nets: [NetFile]) throws(Failure) -> [(NetFile, Quantization.Options)] {
    let known = nets.map { Set($0.header.arrays.map(\.name)) }
    for name in keep where !known.contains(where: { $0.contains(name) }) {
      throw Failure(.usage, "there is no array \(name)", hint: "`ingot inspect` lists the arrays")
    }
    return zip(nets, known).map { net, names in
      (
        net,
        Quantization.Options(
          keepsEmbeddings: keepEmbeddings, kept: names.intersection(keep),
          activations: Activations(rawValue: activations) ?? .int8)
      )
    }
  }
}
