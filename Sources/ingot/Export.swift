import ArgumentParser
import Arrays
import Families
import Graphs
import NetFile
import Reports

struct Export: LimitedCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Writes the nets of one combination as a folder in the published layout, which the publisher's library loads; or a plain net as a file.",
    discussion: """
      Nets are named by their paths, all of one combination, or by parameters without the part; the folder comes last: \
      ingot export --set Release=demo --to safetensors FOLDER

      A plain net, of no known family, becomes one file with every array under its own name: \
      ingot export --family plain --set Name=encoder encoder.npz

      int8 nets become a folder that Python's compressed-tensors and transformers load, with the same numbers: \
      ingot export --set Name=encoder --set Precision=int8 --to compressed-tensors --config config.json FOLDER

      For ONNX Runtime, OpenVINO and others, nets of every known family become graphs of operators, int8 ones too: \
      ingot export --set Release=demo --to onnx FOLDER
      """)

  @Argument(
    help: .init(
      "Net files, if they are not named by parameters; then the folder to write, or the file of a plain net.",
      valueName: "nets-and-folder"),
    completion: .file())
  var paths: [String]

  @Option(
    help:
      "The container: safetensors, or hdf5 (of a known family: TensorFlow's layout); of a plain net numpy and gguf too, of int8 nets compressed-tensors; or onnx, of a known family: graphs for other runtimes. Default: what the file's name says, or safetensors.",
    completion: .list(Self.forms))
  var to: String?

  @Flag(
    help:
      "Of a plain net: write float32 in place of int8 weights, and of what the container has no type for; with compressed-tensors, of int8 weights that it has no form for."
  )
  var dequantize = false

  @Option(
    help: .init(
      "Of a plain net, with compressed-tensors: the config.json of the checkpoint, which is kept beside what is said of int8 weights.",
      valueName: "file"),
    completion: .file())
  var config: String?

  @OptionGroup var selection: SelectionOptions

  @Flag(help: "Replace files that are there already.")
  var force = false

  @OptionGroup var limits: LimitOptions
  @OptionGroup var output: OutputOptions

  /// A form of quantized weights in safetensors, and no container of its own.
  private static let compressedTensors = "compressed-tensors"
  /// Graphs of operators.
  private static let onnx = "onnx"
  private static let forms = PlainExport.Container.allCases.map(\.rawValue) + [compressedTensors, onnx]

  func validate() throws {
    if config != nil, to != Self.compressedTensors {
      throw ValidationError("--config goes with --to \(Self.compressedTensors)")
    }
  }

  func run() throws {
    let isCompressed = to == Self.compressedTensors
    if to == Self.onnx { return try writeONNX(nets()) }
    let container = try (isCompressed ? nil : to).map { name throws(Failure) in
      guard let known = PlainExport.Container(rawValue: name) else {
        throw Failure(.usage, "--to can't be \(name)", hint: "choose one of \(Self.forms.joined(separator: ", "))")
      }
      return known
    }
    let nets = try nets()
    if nets.count == 1, nets[0].header.family == Family.plain.name {
      return try isCompressed ? writeCompressedTensors(nets[0]) : write(nets[0], container)
    }
    guard config == nil else {
      throw Failure(
        .usage, "--config is of plain nets, and these are of a known family",
        hint: "leave it out: config.json is made of what the nets say")
    }
    let isOfPlainNets = container == .numpy || container == .gguf
    guard !isOfPlainNets, !dequantize else {
      let option = dequantize ? "--dequantize" : "--to \(to ?? "")"
      throw Failure(
        .usage, "\(option) is of plain nets, and these are of a known family",
        hint: "their published layout is safetensors or hdf5")
    }
    let folder = paths.last ?? ""
    let isHDF5 = container == .hdf5
    let plan = try ExportPlan(nets, layout: isHDF5 ? "keras" : "huggingface", compresses: isCompressed)
    try write(plan.totalBytes) { progress in
      if isHDF5 {
        try plan.writeHDF5(to: folder, replacing: force, progress: progress)
      } else {
        try plan.writeSafetensors(to: folder, replacing: force, progress: progress)
      }
      return ExportReport(plan, folder: folder, weights: isHDF5 ? "tf_model.h5" : "model.safetensors")
    }
  }

  /// Shows how far it is while `body` writes, and prints what that reports.
  private func write(_ bytes: Int, _ body: (@escaping ProgressHandler) throws -> ExportReport) throws {
    let progress = ProgressLine("exporting", total: bytes)
    defer { progress.finish() }
    let report = try body(progress.add)
    progress.finish()
    try output.print(json: report.json, text: report.text)
  }

  private func write(_ net: NetFile, _ container: PlainExport.Container?) throws {
    let path = paths.last ?? ""
    guard !path.isEmpty else { throw Failure(.usage, "the file's name is empty", hint: "name a file to write") }
    let plan = try PlainExport(
      net, to: container ?? PlainExport.Container(file: path) ?? .safetensors, dequantizes: dequantize)
    try write(plan.totalBytes) { progress in
      try plan.write(to: path, replacing: force, progress: progress)
      return ExportReport(plan, file: path)
    }
  }

  private func writeCompressedTensors(_ net: NetFile) throws {
    let folder = paths.last ?? ""
    let plan = try CompressedTensorsExport(net, config: config, dequantizes: dequantize)
    try write(plan.totalBytes) { progress in
      try plan.write(to: folder, replacing: force, progress: progress)
      return ExportReport(plan, folder: folder)
    }
  }

  private func writeONNX(_ nets: [NetFile]) throws {
    guard !dequantize else {
      throw Failure(
        .usage, "--dequantize is of plain nets, and not for --to \(Self.onnx)",
        hint: "leave it out: graphs compute with int8 weights")
    }
    if let plain = nets.first(where: { $0.header.family == Family.plain.name }) {
      throw Failure.unsupported(
        file: plain.path, "is a plain net: named arrays, of which nobody knows what is computed with them",
        hint: "--to onnx is of known families, which `ingot list` shows; --to safetensors writes the arrays")
    }
    let plan = try ONNXExport(nets)
    let folder = paths.last ?? ""
    try write(plan.totalBytes) { progress in
      try plan.write(to: folder, replacing: force, progress: progress)
      return ExportReport(plan, folder: folder)
    }
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
