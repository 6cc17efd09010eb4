import Arrays

/// Graphs as protocol buffers (ONNX, TensorFlow), and GGUF's metadata.
extension FileScanner {
  /// - Returns: whether it is a graph.
  func scanProtobuf(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> Bool {
    let reader = ProtobufScan(bytes)
    guard let fields = try reader.fields(0..<bytes.count), try reader.isONNX(fields) else { return false }
    let own = try functions(reader, fields)
    for field in fields {
      switch field.number {
      case 7, 25: try scanONNX(reader, field.range, isGraph: field.number == 7, own, context)
      // Training has two graphs.
      case 20:
        for graph in try reader.fields(field.range) ?? [] where graph.number <= 2 {
          try scanONNX(reader, graph.range, isGraph: true, own, context)
        }
      default: break
      }
    }
    return true
  }

  /// TensorFlow knows its graphs by their names only.
  static func isTensorFlow(_ context: Context) -> Bool {
    [".pb", ".pbtxt", ".meta"].contains { context.lowerName.hasSuffix($0) }
  }

  /// Operations of TensorFlow's that read or write files or run Python's code, by their names in a graph's nodes.
  private static let operations = [
    "ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "PyFuncStateless", "MatchingFiles", "LoadLibrary",
    "ShardedFilename",
    "PrintV2", "Save", "SaveSlices", "MergeV2Checkpoints", "DebugIdentity", "DebugIdentityV2", "DumpTensor",
    "ImportEvent",
    "WriteSummary", "WriteRawProtoSummary", "CreateSummaryFileWriter", "RegisterDataset", "DistributedSave",
    "FixedLengthRecordReader",
    "WholeFileReader", "TextLineReader", "LoadDataset", "SaveDataset", "SaveDatasetV2",
  ]
  /// Those that TensorFlow itself puts into saved models to store their own variables.
  private static let ofSaving: Set<String> = [
    "ShardedFilename", "MergeV2Checkpoints", "PrintV2", "Save", "SaveSlices", "WriteSummary",
  ]

  func scanTensorFlow(_ bytes: ScanBytes, _ context: Context) throws(Failure) {
    // A node's operation is its second field: 0x12, the length, the name.
    for operation in Self.operations where !Self.ofSaving.contains(operation) {
      let pattern = [0x12, UInt8(operation.utf8.count)] + [UInt8](operation.utf8)
      if let found = try bytes.firstIndex(of: pattern) {
        add(
          .harmful, .graphOperation, context, at: found, operation,
          "the graph has the operation \(operation), which reads or writes files or runs Python code")
      }
    }
    try scanJSONTexts(bytes, context)
  }

  /// Domains of operators that runtimes bring along.
  private static let domains: Set<String> = [
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft", "com.microsoft.nchwc",
    "com.microsoft.experimental", "com.ms.internal.nhwc", "org.pytorch.aten", "pkg.onnxscript.torch_lib",
    "pkg.onnxscript.torch_lib.common", "pkg.torch", "ai.onnx.contrib", "local", "this",
  ]

  private func scanONNX(
    _ reader: ProtobufScan, _ range: Range<Int>, isGraph: Bool, _ own: Set<String>, _ context: Context,
    depth: Int = 0
  ) throws(Failure) {
    guard depth < 32, let fields = try reader.fields(range) else { return }
    for field in fields {
      switch field.number {
      // Of a graph: nodes are field 1 and initializers field 5. Of a function, nodes are field 7.
      case 1 where isGraph, 7: try scanNode(reader, field.range, own, context, depth: depth)
      case 5 where isGraph: try scanTensor(reader, field.range, context)
      default: break
      }
    }
  }

  private func scanNode(
    _ reader: ProtobufScan, _ range: Range<Int>, _ own: Set<String>, _ context: Context, depth: Int
  ) throws(Failure) {
    guard let fields = try reader.fields(range) else { return }
    let type = try reader.text(fields.last { $0.number == 4 })
    let domain = try reader.text(fields.last { $0.number == 7 })
    if type.hasPrefix("Py") && domain == "ai.onnx.contrib" || type == "PyOp" || type == "PythonOp" {
      add(.unknown, .graphOperation, context, at: range.lowerBound, type, "the operator \(type) calls Python code")
    } else if type == "ATen" || !Self.domains.contains(domain) && !own.contains(domain) {
      add(
        .unknown, .graphOperation, context, at: range.lowerBound, "\(domain).\(type)",
        "the operator \(type) is of the domain \(domain), which needs a native library that isn't in the file")
    }
    for attribute in fields where attribute.number == 5 {
      for field in try reader.fields(attribute.range) ?? [] {
        switch field.number {
        case 6, 11: try scanONNX(reader, field.range, isGraph: true, own, context, depth: depth + 1)
        case 5, 10: try scanTensor(reader, field.range, context)
        default: break
        }
      }
    }
  }

  /// Domains of functions that the model itself defines.
  private func functions(_ reader: ProtobufScan, _ fields: [ProtobufScan.Field]) throws(Failure) -> Set<String> {
    var out: Set<String> = []
    for function in fields where function.number == 25 {
      let inner = try reader.fields(function.range) ?? []
      out.insert(try reader.text(inner.last { $0.number == 10 }))
    }
    return out
  }

  private func scanTensor(_ reader: ProtobufScan, _ range: Range<Int>, _ context: Context) throws(Failure) {
    for field in try reader.fields(range) ?? [] where field.number == 13 {
      guard let entry = try reader.fields(field.range), try reader.text(entry.first { $0.number == 1 }) == "location"
      else {
        continue
      }
      let path = try reader.text(entry.last { $0.number == 2 })
      checkPath(path, "the file of an array", context, at: field.range.lowerBound)
    }
  }

  // MARK: GGUF

  /// The metadata of a GGUF file (ggml's docs/gguf.md) have texts that are templates.
  func scanGGUF(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    let kind = "a GGUF file"
    var reader = GGUFScan(bytes)
    if let problem = try reader.run(onTemplate: { text, offset in self.scanTemplate(text, context, at: offset) }) {
      unread(context, at: reader.position, "has metadata that can't be read: \(problem)")
    }
    return kind
  }
}
