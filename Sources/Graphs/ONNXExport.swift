import Arrays
import Checkpoints
import Families
import NetFile
import Nets

/// How the nets of one combination become graphs of operators in ONNX files, which other runtimes run: what the graphs are, the one
/// file of weights that they share, and the small files beside them.
public struct ONNXExport: Sendable {
  /// What all graphs' weights are in.
  public static let weightsName = "model.onnx_data"

  public let family: Family
  public let nets: [NetFile]
  /// Names of the files of graphs.
  public var graphNames: [String] { graphs.map(\.name) }
  /// Names and texts.
  public let smallFiles: [(name: String, text: String)]
  private let graphs: [(name: String, graph: ONNXGraph)]
  private let arrays: [StoredArray]

  /// Arrays of the file of weights.
  public var arrayCount: Int { arrays.count }
  /// Of all of them.
  public var totalBytes: Int { arrays.reduce(0) { $0 + $1.bytes } }
  /// How many are int8 weights, whether or not these are turned.
  public var quantized: Int { arrays.count { $0.entry.scales != nil && $0.form != .rowSums } }

  /// - Parameter nets: every net of one combination, once.
  /// - Throws: `Failure` of kind `usage` or `badData` when the nets don't make a whole, or when one can't be written as a graph.
  public init(_ nets: [NetFile]) throws(Failure) {
    (family, smallFiles) = try ExportPlan.smallFiles(of: nets)
    self.nets = nets
    let arrays = try NetArrays(nets)
    let builders = try NetGraphs(family, nets, arrays).builders()
    self.arrays = arrays.stored
    let places = ONNXWeightsWriter.places(arrays.stored.map(\.bytes)).offsets
    let found = Dictionary(zip(arrays.stored.map(\.name), zip(arrays.stored, places))) { first, _ in first }
    graphs = builders.map { ("\($0.name).onnx", $0.graph.finished(found.mapValues { (array: $0.0, offset: $0.1) })) }
  }

  /// Writes the graphs, their weights and the small files into a folder, which may exist but must not hold files of those
  /// names unless `replacing`. All files appear or none.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`; `badData` when an array doesn't match its SHA-256.
  public func write(
    to folder: String, replacing: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws {
    let place = ExportFolder(path: folder, smallFiles: smallFiles, replacing: replacing)
    let paths = try place.prepared([Self.weightsName] + graphNames)
    let writer = try ONNXWeightsWriter(paths[0], bytes: arrays.map(\.bytes))
    try inParallel(jobs: arrays.count) { index in
      try writer.write(index) { sink in
        try arrays[index].produce { piece in
          try sink(piece)
          progress(arrays[index].name, piece.byteCount)
        }
      }
    }
    try writer.finish()
    var files = [writer.file]
    for (path, (name, graph)) in zip(paths.dropFirst(), graphs) {
      let file = try OutputFile(path)
      let bytes = try graph.fileBytes(
        weights: Self.weightsName, producer: ("ingot", Ingot.version), metadata: metadata(name))
      try file.write(bytes.rawSpan, at: 0)
      try file.flush()
      files.append(file)
    }
    try place.commit(files)
  }

  /// What says which nets they are, and how they must be run to be themselves.
  private func metadata(_ name: String) -> [(key: String, value: String)] {
    let header = nets[0].header
    let parameters = header.parameters.filter { $0.key != family.netAxis?.name }
    let sources = nets.map { net in
      JSONMember(
        net.header.net,
        .array(
          net.header.provenance.sources.map { source in
            [
              "file": .string(source.file), "bytes": .integer(source.bytes),
              "sha256": .string(source.sha256.description),
            ]
          }))
    }
    let profiles = nets.map { JSONMember($0.header.net, $0.header.profile) }
    return [
      ("ingot.family", family.name), ("ingot.graph", name),
      ("ingot.parameters", JSONValue(.object(parameters)).compactText),
      ("ingot.nets", JSONValue.strings(nets.map(\.header.net)).compactText),
      ("ingot.profiles", JSONValue(.object(profiles)).compactText),
      ("ingot.sources", JSONValue(.object(sources)).compactText),
    ]
  }
}
