import Arrays

/// Texts beside weights: configurations, templates, code.
extension FileScanner {
  /// - Returns: what sort of text it is; nil when it is none.
  func scanText(_ bytes: ScanBytes, _ prefix: [UInt8], _ context: Context) throws(Failure) -> String? {
    let name = context.lowerName
    let kind = FileKind(prefix: prefix)
    let isText = kind == .json || kind == .html || FileScanner.isText(prefix)
    guard isText else { return nil }
    let isTemplate = [".jinja", ".jinja2", ".j2"].contains { name.hasSuffix($0) }
    if kind == .json, !isTemplate { return try scanJSON(bytes, context) }
    if name.hasSuffix(".py") || name.hasSuffix(".pyw") {
      if context.isTorchScript, context.place.last?.contains("code/") == true {
        try scanTorchScript(bytes, context)
        return "TorchScript code"
      }
      add(
        context.isEntry ? .unknown : .note, .remoteCode, context, Paths.name(context.name),
        context.isEntry
          ? "is Python code in an archive, which programs that read such archives run"
          : "is Python code, which runs where a program is told to trust it (trust_remote_code)")
      return "Python code"
    }
    guard let text = try wholeText(bytes, context) else { return "a text" }
    if isTemplate { scanTemplate(text, context) }
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { scanYAML(text, context) }
    if text.contains("class_name") { try scanJSONTexts(bytes, context) }
    return "a text"
  }

  /// Whether these are the first bytes of a text in UTF-8 or UTF-16.
  private static func isText(_ prefix: [UInt8]) -> Bool {
    guard let bytes = try? utf8Bytes([UInt8](prefix.prefix(prefix.count / 2 * 2))) else { return false }
    guard bytes.allSatisfy({ $0 >= 0x20 || (0x09...0x0d).contains($0) || $0 == 0x1b }) else { return false }
    // Other encodings write most of a text as ASCII.
    if bytes.filter({ $0 < 0x80 }).count * 10 >= bytes.count * 9 { return true }
    // The last character may be cut.
    return (0..<4).contains { cut in
      cut <= bytes.count && String(validating: bytes[..<(bytes.count - cut)], as: UTF8.self) != nil
    }
  }

  private func wholeText(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String? {
    guard bytes.count <= Limit.configBytes.value else { return nil }
    return String(decoding: try bytes.bytes(bytes.count, at: 0), as: UTF8.self)
  }

  // MARK: JSON

  private func scanJSON(_ bytes: ScanBytes, _ context: Context) throws(Failure) -> String {
    let kind = "a JSON text"
    let name = context.lowerName
    // Vocabularies are large, and their words are no configuration.
    let isConfiguration =
      name.contains("config") || name == "model_index.json" || name == "modules.json" || context.isKeras
    guard bytes.count <= Limit.configBytes.value else {
      if isConfiguration { unread(context, "has \(bytes.count) bytes; \(Limit.configBytes.hint())") }
      return kind
    }
    let text = try bytes.bytes(bytes.count, at: 0)
    let marks = ["class_name", "auto_map", "chat_template", "custom_pipelines", "py/", "_target_"]
    let shown = String(decoding: text, as: UTF8.self)
    guard isConfiguration || marks.contains(where: shown.contains) else { return kind }
    do throws(Failure) {
      let value = try JSONValue(parsing: try utf8Bytes(text), rules: .lenient)
      scanConfiguration(value, context, base: 0)
      if name == "model_index.json" { scanPipeline(value, context) }
      if name == "modules.json" { scanModules(value, context) }
    } catch {
      if error.kind == .io { throw error }
      if isConfiguration || shown.contains("class_name") {
        unread(context, "is a configuration that can't be read: \(error.reason)")
      }
    }
    return kind
  }

  /// A configuration: of Keras, of transformers, or any other.
  func scanConfiguration(_ value: JSONValue, _ context: Context, base: Int) {
    KerasScan(report: { severity, rule, offset, subject, message in
      self.add(severity, rule, context, at: base + offset, subject, message)
    }).scan(value)
    guard case .object(let members) = value.content else { return }
    for member in members {
      switch member.key {
      case "auto_map", "custom_pipelines":
        add(
          .unknown, .remoteCode, context, at: base + member.value.offset, member.key,
          "\(member.key) names Python code that runs when the model is loaded with trust_remote_code=True")
      case "auto_mapping":
        let library = (try? member.value["parent_library"]?.string()) ?? ""
        let known = ["transformers", "diffusers", "timm", "sentence_transformers", "torchvision"]
        if !library.isEmpty, !known.contains(where: { library == $0 || library.hasPrefix("\($0).") }) {
          add(
            .unknown, .remoteCode, context, at: base + member.value.offset, library,
            "auto_mapping names the module \(library), which is imported when the adapter is loaded")
        }
      case "chat_template": scanTemplates(member.value, context, base: base)
      default: break
      }
    }
  }

  private func scanTemplates(_ value: JSONValue, _ context: Context, base: Int) {
    switch value.content {
    case .string(let text): scanTemplate(text, context, at: base + value.offset)
    case .array(let values): for value in values { scanTemplates(value, context, base: base) }
    case .object(let members): for member in members { scanTemplates(member.value, context, base: base) }
    default: break
    }
  }

  /// The parts of a pipeline of diffusers: `["library", "Class"]`.
  private func scanPipeline(_ value: JSONValue, _ context: Context) {
    let known = ["diffusers", "transformers", "onnxruntime", "optimum", "k_diffusion", "peft", "stable_diffusion"]
    for member in (try? value.object()) ?? [] {
      if case .array(let parts) = member.value.content, parts.count == 2, let library = try? parts[0].string(),
        !known.contains(where: { library == $0 || library.hasPrefix("\($0).") })
      {
        add(
          .unknown, .remoteCode, context, at: member.value.offset, library,
          "a part of the pipeline is of the module \(library), which is Python code of the folder's or another package's"
        )
      }
    }
  }

  /// The modules of a model of sentence-transformers.
  private func scanModules(_ value: JSONValue, _ context: Context) {
    for module in (try? value.array()) ?? [] {
      if let type = try? module["type"]?.string(), !type.hasPrefix("sentence_transformers.") {
        add(
          .unknown, .remoteCode, context, at: module.offset, type, "a module is of the class \(type), which is imported"
        )
      }
    }
  }

  // MARK: YAML

  private func scanYAML(_ text: String, _ context: Context) {
    var offset = 0
    for line in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false) {
      defer { offset += line.count + 1 }
      let line = String(decoding: line, as: UTF8.self)
      if line.contains("!!python/") || line.contains("tag:yaml.org,2002:python/") {
        add(
          .unknown, .configurationObject, context, at: offset, shortened(line.trimmed, to: 80),
          "has a tag by which YAML's unsafe loaders make Python objects: \(shortened(line.trimmed, to: 80))")
      }
      if let range = line.firstRange(of: "_target_:") {
        let target = String(line[range.upperBound...]).trimmed.filter { $0 != "\"" && $0 != "'" }
        let parts = target.split(separator: ".")
        guard parts.count > 1, let name = parts.last else { continue }
        let module = parts.dropLast().joined(separator: ".")
        if case .harmful(let reason) = PickleNames.standing(of: module, String(name)) {
          add(
            .harmful, .configurationObject, context, at: offset, target,
            "is a configuration by which Hydra calls \(target), which \(reason)")
        }
      }
    }
  }

  // MARK: Templates

  /// What a template of Jinja needs to leave its engine: Python's hidden attributes, and what its own objects lead to.
  private static let escapes = [
    "__", "|attr(", "| attr(", "lipsum", "cycler.", "joiner.", "popen", "os.system", "self._", "get_flashed_messages",
    "url_for", "\\x5f", "\\u005f", "|attr (", "request.application",
  ]

  /// A chat template in Jinja's language: it is run when a text is put together, in a sandbox by transformers, without one by
  /// some programs.
  func scanTemplate(_ text: String, _ context: Context, at offset: Int = 0) {
    // Only between braces does the engine see anything.
    let code = text.split(separator: "{", omittingEmptySubsequences: false).dropFirst(1).map { $0.prefix { $0 != "}" } }
      .joined(separator: "\n")
    if let escape = Self.escapes.first(where: code.contains) {
      add(
        .unknown, .template, context, at: offset, "chat_template",
        "the chat template has \"\(escape)\", by which templates reach Python's own functions")
    } else {
      add(
        .note, .template, context, at: offset, "chat_template",
        "a chat template is run by a template engine, which should be a sandbox")
    }
  }

  // MARK: TorchScript

  /// Operations of TorchScript that read and write files; all others compute.
  private static let fileOperations = ["save", "from_file", "load", "_save", "read_file", "write_file"]

  /// The code of a TorchScript archive runs in PyTorch's own interpreter, which has no Python and no system calls but those of
  /// its operations.
  private func scanTorchScript(_ bytes: ScanBytes, _ context: Context) throws(Failure) {
    guard let text = try wholeText(bytes, context) else {
      return unread(context, "is code of \(bytes.count) bytes; \(Limit.configBytes.hint())")
    }
    let isWord: (Character) -> Bool = { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    var seen: Set<Substring> = []
    for word in text.split(whereSeparator: { !isWord($0) }) where word.contains(".") && seen.insert(word).inserted {
      let parts = word.split(separator: ".")
      guard parts.count >= 2, let last = parts.last else { continue }
      let isTorch = parts[0] == "torch" && parts.count == 2
      let isOperation = parts[0] == "ops" && parts.count == 3
      if isTorch || isOperation && parts[1] == "aten", Self.fileOperations.contains(String(last)) {
        add(
          .harmful, .torchScript, context, String(word),
          "calls \(word), which reads or writes a file when the model is run")
      } else if isOperation, !Self.namespaces.contains(String(parts[1])) {
        add(
          .note, .torchScript, context, String(word),
          "calls \(word), an operation of a native library that isn't in the file")
      }
    }
  }

  private static let namespaces: Set<String> = [
    "aten", "prim", "prims", "quantized", "_quantized", "torchvision", "torchaudio", "inductor", "mkldnn", "sparse",
    "xnnpack",
    "prepacked", "quantized_decomposed", "image", "onednn", "fb",
  ]
}

extension String {
  /// Without white space around it.
  var trimmed: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    return String(text)
  }
}
