import Arrays

/// How a checkpoint's texts become vectors, as the files of sentence-transformers beside it say: modules.json, and the
/// configurations of the modules that it names (source: sentence-transformers 6.2, its base/model.py,
/// base/modules/transformer.py, sentence_transformer/modules/pooling.py and base/modules/normalize.py). Whatever changes
/// a vector and isn't done is refused by name.
struct EmbeddingFiles {
  private let files: SmallFiles
  /// What the user should know.
  private(set) var notes: [String] = []

  init(_ files: SmallFiles) {
    self.files = files
  }

  private struct Module {
    let kind: String
    /// Below the folder of modules.json; empty for that folder itself.
    let path: String
    let json: JSONValue
  }

  private static let hint =
    "its vectors would be other than the publisher's; `ingot convert --family plain` keeps its arrays"

  /// - Throws: `Failure` of kind `unsupported` naming the file and the setting that isn't done; `badData` for a file that is
  ///   damaged or contradicts another.
  mutating func rules(_ usual: TextVectorRules) throws(Failure) -> TextVectorRules {
    var rules = usual
    guard let modules = try modules() else {
      notes.append(
        "no modules.json beside the weights: as sentence-transformers does then, vectors are the mean of all tokens', not "
          + "normalized, of texts of as many tokens as the net takes")
      (rules.pooling, rules.normalizes) = ([.mean], false)
      rules.maximumTokens = try longestText(given: nil)
      return rules
    }
    try transformer(modules[0], &rules)
    guard modules.count > 1, modules[1].kind == "Pooling" else {
      throw unsupported(
        modules.count > 1 ? modules[1].json : modules[0].json,
        modules.count > 1 ? "module 1 is \(modules[1].kind), not Pooling" : "there is no module Pooling")
    }
    try pooling(modules[1], &rules)
    rules.normalizes = false
    for (index, module) in modules.enumerated().dropFirst(2) {
      switch module.kind {
      case "Normalize":
        try checkNormalize(module)
        rules.normalizes = true
      // It does something in training only.
      case "Dropout": break
      default:
        throw unsupported(module.json, "module \(index) is \(shortened(module.kind, to: 60)), which is not supported")
      }
    }
    try prompts(&rules)
    return rules
  }

  private func unsupported(_ json: JSONValue, _ reason: String, _ file: String = "modules.json") -> Failure {
    Failure.unsupported(
      file: files.repositoryPath(file), place: "byte \(json.offset)", reason, hint: Self.hint)
  }

  private func damaged(_ error: Failure, _ file: String) -> Failure {
    error.inFile(files.repositoryPath(file)).hinting("fetch the file again")
  }

  // MARK: modules.json

  private func modules() throws(Failure) -> [Module]? {
    guard let list = try files.repositoryArray("modules.json") else { return nil }
    var out: [Module] = []
    for json in list {
      let (type, path): (String, String)
      do throws(Failure) {
        (type, path) = (try json.member("type").string(), try json.member("path").string())
      } catch {
        throw damaged(error, "modules.json")
      }
      guard type.hasPrefix("sentence_transformers."), let kind = type.split(separator: ".").last else {
        throw unsupported(
          json, "a module is \(shortened(type, to: 80)), code of its author's, which isn't run")
      }
      guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
        throw unsupported(json, "a module's path is \"\(shortened(path, to: 60))\", which leads out of the folder")
      }
      if let kwargs = json["kwargs"], !isEmpty(kwargs) {
        throw unsupported(kwargs, "a module has kwargs, which is not supported")
      }
      out.append(Module(kind: String(kind), path: path, json: json))
    }
    guard let first = out.first, first.kind == "Transformer" else {
      throw Failure.unsupported(
        file: files.repositoryPath("modules.json"),
        "module 0 is \(out.first.map { shortened($0.kind, to: 60) } ?? "missing"), not Transformer", hint: Self.hint)
    }
    return out
  }

  private func isEmpty(_ json: JSONValue) -> Bool {
    switch json.content {
    case .null: true
    case .array(let values): values.isEmpty
    case .object(let members): members.isEmpty
    default: false
    }
  }

  private func name(_ module: Module, _ file: String) -> String {
    module.path.isEmpty ? file : Paths.join(module.path, file)
  }

  // MARK: The encoder

  /// The first of these that is there is the transformer's.
  private static let transformerFiles = [
    "sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
    "sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
  ]

  private mutating func transformer(_ module: Module, _ rules: inout TextVectorRules) throws(Failure) {
    var found: (json: JSONValue, file: String)?
    for name in Self.transformerFiles where found == nil {
      let file = self.name(module, name)
      if let json = try files.repositoryJSON(file) { found = (json, file) }
    }
    guard let (json, file) = found else {
      rules.maximumTokens = try longestText(given: nil)
      return
    }
    var unknown: [String] = []
    var longest: Int?
    for member in try json.object() where member.value.content != .null {
      let value = member.value
      func refuse() -> Failure {
        unsupported(value, "\(member.key) is \(value.compactText.prefix(60)), which is not supported", file)
      }
      switch member.key {
      case "max_seq_length":
        guard case .integer(let number) = value.content, number >= 2 else {
          throw unsupported(value, "max_seq_length is \(value.compactText.prefix(40)), not a number from 2", file)
        }
        longest = number
      case "do_lower_case":
        let lowercases = try isLowercasing()
        guard value == .boolean(false) || value == .boolean(true) && lowercases else { throw refuse() }
      case "transformer_task": guard value == .string("feature-extraction") else { throw refuse() }
      case "module_output_name": guard value == .string("token_embeddings") else { throw refuse() }
      case "modality_config":
        let method = value["text"]
        guard method?["method"] == .string("forward"), method?["method_output_name"] == .string("last_hidden_state")
        else { throw refuse() }
      case "processing_kwargs", "model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args",
        "config_kwargs":
        guard isEmpty(value) else { throw refuse() }
      case "query_length", "document_length", "query_expansion", "tokenizer_name_or_path": throw refuse()
      case "unpad_inputs": break
      default: unknown.append(member.key)
      }
    }
    note(unknown, file)
    rules.maximumTokens = try longestText(given: longest)
  }

  private mutating func note(_ unknown: [String], _ file: String) {
    guard !unknown.isEmpty else { return }
    notes.append("\(file) has settings that nothing is known of: \(unknown.prefix(8).joined(separator: ", "))")
  }

  /// Whether the tokenizer makes small letters of all by itself, so that making them before changes nothing.
  private func isLowercasing() throws(Failure) -> Bool {
    try files.json("tokenizer_config.json")?["do_lower_case"] != .boolean(false)
  }

  /// Most tokens of a text: as the files say, or as many as the tokenizer and the net take.
  private func longestText(given: Int?) throws(Failure) -> Int {
    var positions = 512
    if let found = try files.json("config.json")?["max_position_embeddings"] {
      guard case .integer(let number) = found.content, number >= 2 else {
        throw Failure(
          .badData, file: files.path("config.json"), place: "byte \(found.offset)",
          "max_position_embeddings is \(found.compactText.prefix(40)), not a number from 2")
      }
      positions = number
    }
    // Beyond its positions the net has nothing to run.
    if let given { return min(given, positions) }
    guard let limit = try files.json("tokenizer_config.json")?["model_max_length"], let number = try? limit.number(),
      number >= 2, number < Double(positions)
    else { return positions }
    return Int(number)
  }

  // MARK: Pooling

  /// Flags of the configurations before version 6, in the order in which vectors are joined.
  private static let flags: [(key: String, mode: TextVectorRules.Pooling)] = [
    ("pooling_mode_cls_token", .cls), ("pooling_mode_max_tokens", .max), ("pooling_mode_mean_tokens", .mean),
    ("pooling_mode_mean_sqrt_len_tokens", .meanOfSquareRoot), ("pooling_mode_weightedmean_tokens", .weightedMean),
    ("pooling_mode_lasttoken", .lastToken),
  ]

  private mutating func pooling(_ module: Module, _ rules: inout TextVectorRules) throws(Failure) {
    let file = name(module, "config.json")
    guard !module.path.isEmpty, let json = try files.repositoryJSON(file) else {
      throw Failure(
        .noInput, file: files.repositoryPath(file), "is missing, which says how vectors are pooled",
        hint: "fetch the whole repository, its folders too")
    }
    var (modes, flagged): ([TextVectorRules.Pooling]?, [TextVectorRules.Pooling]) = (nil, [])
    var unknown: [String] = []
    rules.poolsPrompt = true
    do throws(Failure) {
      for member in try json.object() {
        let value = member.value
        switch member.key {
        case "word_embedding_dimension", "embedding_dimension": break
        case "include_prompt": rules.poolsPrompt = try value.boolean()
        case "pooling_mode":
          if case .array(let list) = value.content {
            modes = []
            for mode in list { modes?.append(try self.mode(mode, file)) }
          } else {
            modes = [try self.mode(value, file)]
          }
        case let key where key.hasPrefix("pooling_mode_"):
          guard try value.boolean() else { continue }
          guard let flag = Self.flags.first(where: { $0.key == key }) else {
            throw unsupported(value, "\(shortened(key, to: 60)) is true, which is not supported", file)
          }
          flagged.append(flag.mode)
        default: unknown.append(member.key)
        }
      }
    } catch {
      throw error.file == nil ? damaged(error, file) : error
    }
    let inOrder = Self.flags.map(\.mode).filter(flagged.contains)
    rules.pooling = modes ?? (inOrder.isEmpty ? [.mean] : inOrder)
    guard !rules.pooling.isEmpty else {
      throw unsupported(json["pooling_mode"] ?? json, "pooling_mode is empty, which makes no vector", file)
    }
    note(unknown, file)
  }

  private func mode(_ json: JSONValue, _ file: String) throws(Failure) -> TextVectorRules.Pooling {
    let name = try json.string()
    guard let mode = TextVectorRules.Pooling(rawValue: name) else {
      throw unsupported(json, "pooling_mode \"\(shortened(name, to: 40))\" is not supported", file)
    }
    return mode
  }

  /// A module that normalizes something else than the pooled vector isn't done.
  private func checkNormalize(_ module: Module) throws(Failure) {
    guard !module.path.isEmpty else { return }
    let file = name(module, "config.json")
    guard let json = try files.repositoryJSON(file) else { return }
    for key in ["module_input_name", "module_output_name"] {
      guard let value = json[key], value.content != .null, value != .string("sentence_embedding") else { continue }
      throw unsupported(value, "\(key) is \(value.compactText.prefix(60)), which is not supported", file)
    }
  }

  // MARK: Prompts

  private mutating func prompts(_ rules: inout TextVectorRules) throws(Failure) {
    let file = "config_sentence_transformers.json"
    guard let json = try files.repositoryJSON(file) else { return }
    do throws(Failure) {
      if let type = json["model_type"], type.content != .null, type != .string("SentenceTransformer") {
        throw unsupported(type, "model_type is \(type.compactText.prefix(60)), not \"SentenceTransformer\"", file)
      }
      var prompts: [TextVectorRules.Prompt] = []
      for member in try json["prompts"]?.object() ?? [] {
        let text = member.value.content == .null ? "" : try member.value.string()
        // Of a name that comes twice the last one counts.
        prompts.removeAll { $0.name == member.key }
        prompts.append(.init(name: member.key, text: text))
      }
      for name in TextVectorRules.usualPrompts where !prompts.isEmpty && !prompts.contains(where: { $0.name == name }) {
        prompts.append(.init(name: name, text: ""))
      }
      rules.prompts = prompts
      if let name = json["default_prompt_name"], name.content != .null {
        guard prompts.contains(where: { $0.name == (try? name.string()) }) else {
          throw name.failure("default_prompt_name is \(name.compactText.prefix(60)), none of the prompts")
        }
        rules.defaultPrompt = try name.string()
      }
      if let similarity = json["similarity_fn_name"], similarity.content != .null {
        rules.similarity = try similarity.choice("similarity")
      }
    } catch {
      throw error.file == nil ? damaged(error, file) : error
    }
  }
}

extension TextVectorRules {
  /// The files of sentence-transformers that say the same, for a folder whose weights stand in it.
  /// - Parameter width: of a token's vector.
  func files(width: Int) -> [(name: String, json: JSONValue)] {
    func module(_ index: Int, _ path: String, _ kind: String) -> JSONValue {
      .object([
        "idx": .integer(index), "name": .string(String(index)), "path": .string(path),
        "type": .string("sentence_transformers.models.\(kind)"),
      ])
    }
    var modules = [module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")]
    if normalizes { modules.append(module(2, "2_Normalize", "Normalize")) }
    var pooling = [JSONMember("word_embedding_dimension", .integer(width))]
    // Flags are what every version reads; they can't say another order than theirs.
    let flags: [(String, Pooling)] = EmbeddingFiles.flagsInOrder
    if self.pooling == flags.map(\.1).filter(self.pooling.contains) {
      pooling += flags.map { JSONMember($0.0, .boolean(self.pooling.contains($0.1))) }
    } else {
      pooling.append(JSONMember("pooling_mode", .strings(self.pooling.map(\.rawValue))))
    }
    pooling.append(JSONMember("include_prompt", .boolean(poolsPrompt)))
    return [
      ("modules.json", .array(modules)), ("1_Pooling/config.json", JSONValue(.object(pooling))),
      (
        "sentence_bert_config.json",
        .object(["max_seq_length": .integer(maximumTokens), "do_lower_case": .boolean(false)])
      ),
      (
        "config_sentence_transformers.json",
        .object([
          "prompts": JSONValue(.object(prompts.map { JSONMember($0.name, .string($0.text)) })),
          "default_prompt_name": defaultPrompt.map { .string($0) } ?? .null,
          "similarity_fn_name": .string(similarity.rawValue),
        ])
      ),
    ]
  }
}

extension EmbeddingFiles {
  fileprivate static var flagsInOrder: [(String, TextVectorRules.Pooling)] { flags.map { ($0.key, $0.mode) } }
}
