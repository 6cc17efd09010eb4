import Arrays

/// What keys of a config.json mean for running the net, beside those that its configuration and profile are read from:
/// each is without influence, or may have certain values only. Keys that every configuration of transformers can have are
/// here (source: its configuration_utils.py and generation/configuration_utils.py, releases 4.26 to 5.24); a family's own
/// are in its file.
public struct ConfigurationKeys: Sendable {
  /// Members of config.json that are configurations themselves.
  public let parts: [String]
  /// Members of config.json that stand in place of others, where they are there and not null.
  public let replacements: [(part: String, by: String)]
  /// The configuration whose keys decide how text is generated; nil: none does.
  public let generating: String?
  /// Dotted paths.
  public let withoutInfluence: Set<String>
  /// Values that can be run, by dotted path.
  public let only: [String: [JSONValue]]

  /// Keys of every configuration that change nothing in what a net computes from its input: what they are of (classes,
  /// releases, training, losses), how it is returned, how it is computed.
  private static let everywhere: Set<String> = [
    "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_experts_implementation", "_name_or_path",
    "add_cross_attention", "architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_implementation",
    "chunk_size_feed_forward", "cross_attention_hidden_size", "dropout", "dtype", "finetuning_task",
    "gradient_checkpointing",
    "hidden_dropout_prob", "id2label", "initializer_factor", "initializer_range", "label2id", "label_smoothing",
    "model_type",
    "name_or_path", "num_labels", "output_attentions", "output_hidden_states", "prefix", "problem_type",
    "projection_dim",
    "return_dict", "task_specific_params", "tf_legacy_loss", "tokenizer_class", "torch_dtype", "torchscript",
    "transformers_version", "use_bfloat16", "use_cache", "use_return_dict",
  ]

  /// Keys of every configuration that some release builds another net by.
  private static let common: [String: [JSONValue]] = [
    "is_encoder_decoder": [.boolean(false)], "position_embedding_type": [.string("absolute")],
    "pruned_heads": [.object([:])], "tie_encoder_decoder": [.boolean(false)],
  ]

  /// Keys of how text is generated, with the values by which nothing is done. Releases before 5 obey them in the
  /// configuration of the net that generates, later ones don't, so that no other value means one thing.
  private static let generation: [String: [JSONValue]] = [
    "bad_words_ids": [], "begin_suppress_tokens": [], "constraints": [], "do_sample": [false], "dola_layers": [],
    "encoder_no_repeat_ngram_size": [0], "encoder_repetition_penalty": [1], "exponential_decay_length_penalty": [],
    "force_words_ids": [], "forced_bos_token_id": [], "forced_eos_token_id": [], "guidance_scale": [1],
    "max_length": [20],
    "max_new_tokens": [], "max_time": [], "min_length": [0], "min_new_tokens": [], "no_repeat_ngram_size": [0],
    "num_beams": [1], "num_return_sequences": [1], "penalty_alpha": [], "prompt_lookup_num_tokens": [],
    "remove_invalid_values": [false], "renormalize_logits": [false], "repetition_penalty": [1], "sequence_bias": [],
    "stop_strings": [], "suppress_tokens": [], "token_healing": [false], "watermarking_config": [],
  ]

  /// What matters only where answers are drawn or several beams are followed, and how results come; ids of tokens, of which
  /// a family uses those that it names.
  private static let generationWithoutInfluence: Set<String> = [
    "assistant_confidence_threshold", "assistant_lookbehind", "bos_token_id", "cache_implementation",
    "decoder_start_token_id", "diversity_penalty", "early_stopping", "eos_token_id", "epsilon_cutoff", "eta_cutoff",
    "is_assistant", "length_penalty", "low_memory", "min_p", "num_assistant_tokens", "num_assistant_tokens_schedule",
    "num_beam_groups", "output_logits", "output_scores", "pad_token_id", "return_dict_in_generate", "sep_token_id",
    "target_lookbehind", "temperature", "top_h", "top_k", "top_p", "typical_p",
  ]

  /// Checks every key of a config.json.
  /// - Parameter used: dotted paths of what is read otherwise.
  /// - Returns: keys that nothing is known of.
  /// - Throws: `Failure` of kind `unsupported` naming the first with a value by which another net would be run.
  func unknown(in config: JSONValue, used: Set<String>, file: String) throws(Failure) -> [String] {
    try unknown(in: config.object(), at: nil, used, file)
  }

  private func unknown(
    in members: [JSONMember], at part: String?, _ used: Set<String>, _ file: String
  ) throws(Failure) -> [String] {
    var out: [String] = []
    for member in members {
      let path = part.map { "\($0).\(member.key)" } ?? member.key
      if parts.contains(path), case .object(let inner) = member.value.content {
        out += try unknown(in: inner, at: path, used, file)
      } else if try !isKnown(member, at: path, in: part, used, file) {
        out.append(path)
      }
    }
    return out
  }

  /// A config.json whose members are where they are looked for.
  func settled(_ config: JSONValue) -> JSONValue {
    guard !replacements.isEmpty, case .object(var members) = config.content else { return config }
    for (part, other) in replacements {
      guard let index = members.firstIndex(where: { $0.key == other }) else { continue }
      let member = members.remove(at: index)
      guard member.value.content != .null else { continue }
      members.removeAll { $0.key == part }
      members.append(JSONMember(part, member.value))
    }
    return JSONValue(.object(members), offset: config.offset)
  }

  private func isKnown(
    _ member: JSONMember, at path: String, in part: String?, _ used: Set<String>, _ file: String
  ) throws(Failure) -> Bool {
    if used.contains(path) || withoutInfluence.contains(path) { return true }
    let generation = Self.generation[member.key]
    guard let values = only[path] ?? Self.common[member.key] ?? (part != nil && part == generating ? generation : nil)
    else {
      return generation != nil || Self.everywhere.contains(member.key)
        || Self.generationWithoutInfluence.contains(member.key)
    }
    guard member.value.content == .null || values.contains(where: { $0.isSameValue(as: member.value) }) else {
      throw Failure.unsupported(
        file: file, place: "byte \(member.value.offset)",
        "\(path) is \(member.value.compactText.prefix(60)); supported: "
          + (values.isEmpty ? "null" : values.map(\.compactText).joined(separator: ", ")),
        hint: generation != nil
          ? "transformers obeys it up to release 4 only: take it out, and say how to answer when asking, as with --beams"
          : "this net would be run as another than it is; if you know that it doesn't matter, correct the file")
    }
    return true
  }
}

extension ConfigurationKeys {
  init(json: JSONValue) throws(Failure) {
    parts = try json["parts"]?.strings() ?? []
    var replacements: [(part: String, by: String)] = []
    for member in try json["replacedBy"]?.object() ?? [] {
      replacements.append((member.key, try member.value.string()))
    }
    self.replacements = replacements
    generating = try json["generating"]?.string()
    withoutInfluence = Set(try json["withoutInfluence"]?.strings() ?? [])
    var only: [String: [JSONValue]] = [:]
    for member in try json["only"]?.object() ?? [] { only[member.key] = try member.value.array() }
    self.only = only
  }
}

extension Family {
  /// Dotted paths in config.json that configurations and profiles are read from.
  var usedKeys: Set<String> {
    let fields = nets.flatMap(\.fields)
    let profiled = profiles.flatMap(\.keys).filter { $0.file == "config.json" }.flatMap(\.keys)
    return Set(fields.compactMap(\.key) + fields.compactMap(\.otherKey) + profiled.map(\.key) + ["model_type"])
  }
}

extension JSONValue {
  /// Whether two values are equal, 1 and 1.0 being so.
  fileprivate func isSameValue(as other: JSONValue) -> Bool {
    if let number = try? number(), let second = try? other.number() { return number == second }
    return self == other
  }
}
