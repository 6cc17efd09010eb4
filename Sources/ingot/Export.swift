import ArgumentParser
import Arrays
import Families
import NetFile
import Reports

struct Export: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Writes the nets of one combination as a folder in the published layout, which the publisher's library loads.",
    discussion: """
      Nets are named by their paths, all of one combination, or by parameters without the part; the folder comes last: \
      ingot export --set Release=demo --to safetensors FOLDER
      """)

  @Argument(
    help: .init(
      "Net files, if they are not named by parameters; then the folder to write.", valueName: "nets-and-folder"),
    completion: .file())
  var paths: [String]

  @Option(
    help: "The container: safetensors, or hdf5 (TensorFlow's layout).", completion: .list(["safetensors", "hdf5"]))
  var to = "safetensors"

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Replace files that are there already.")
  var force = false

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    guard to == "safetensors" || to == "hdf5" else {
      throw Failure(.usage, "--to can't be \(to)", hint: "choose safetensors or hdf5")
    }
    let folder = paths.last ?? ""
    let isHDF5 = to == "hdf5"
    let plan = try ExportPlan(nets(), layout: isHDF5 ? "keras" : "huggingface")
    let progress = ProgressLine("exporting", total: plan.totalBytes)
    defer { progress.finish() }
    if isHDF5 {
      try plan.writeHDF5(to: folder, replacing: force, progress: progress.add)
    } else {
      try plan.writeSafetensors(to: folder, replacing: force, progress: progress.add)
    }
    progress.finish()
    let report = ExportReport(plan, folder: folder, weights: isHDF5 ? "tf_model.h5" : "model.safetensors")
    try output.print(json: report.json, text: report.text)
  }

  private func nets() throws(Failure) -> [NetFile] {
    var nets: [NetFile] = []
    if paths.count > 1 {
      for path in paths.dropLast() {
        nets.append(try selection.selection(path: path).file(on: selection.shelfOptions.chosen))
      }
      return nets
    }
    if case .combination(let family, _) = try selection.selection(path: nil), try selection.namesPart(of: family),
      let axis = family.netAxis
    {
      throw Failure(
        .usage, "\(axis.name) is given, but exporting takes all parts", hint: "leave out --set \(axis.name)=…")
    }
    return try selection.nets()
  }
}
