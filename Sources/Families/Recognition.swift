import Arrays
import Checkpoints

/// What a checkpoint says that it is, where it is nothing that can be converted: of the small files beside its weights.
struct Recognition {
  private let checkpoint: any Checkpoint
  private let files: SmallFiles

  init(_ checkpoint: any Checkpoint, _ files: SmallFiles) {
    self.checkpoint = checkpoint
    self.files = files
  }

  /// What a net does, by how transformers calls its class. The longer endings come first.
  private static let tasks: [(ending: String, what: String)] = [
    ("ForQuestionAnswering", "answers questions"), ("ForConditionalGeneration", "writes captions or other text"),
    ("ForImageTextRetrieval", "compares images with texts"), ("ForImageClassificationWithTeacher", "classifies images"),
    ("ForImageClassification", "classifies images"), ("ForMaskedImageModeling", "fills in parts of images"),
    ("ForPreTraining", "is trained further"), ("ForCausalLM", "continues texts"), ("Model", "makes features only"),
  ]

  /// Adapters and quantized weights, which can be of nets that would be recognized.
  /// - Throws: `Failure` of kind `badData` naming what it is and what to do first.
  func checkThatWeightsAreWhole() throws(Failure) {
    if let adapter = try? files.json("adapter_config.json") {
      let kind = text(adapter["peft_type"]) ?? "PEFT"
      let base = text(adapter["base_model_name_or_path"]).map { " of \($0)" } ?? ""
      throw Failure(
        .badData, file: files.path("adapter_config.json"),
        "says that this is an adapter (\(kind))\(base), not a whole net",
        hint:
          "merge it first, in Python: PeftModel.from_pretrained(base, FOLDER).merge_and_unload().save_pretrained(NEW); "
          + "then convert NEW")
    }
    if let name = checkpoint.arrays.first(where: { $0.name.contains(".base_layer.") || $0.name.contains(".lora_A.") })?
      .name
    {
      throw Failure(
        .badData, place: "array \"\(name)\"", "is of an adapter that isn't merged with its net",
        hint: "merge it first, in Python: model.merge_and_unload().save_pretrained(NEW); then convert NEW")
    }
    if let config = try? files.json("config.json"), let quantization = config["quantization_config"],
      quantization.content != .null
    {
      let method = text(quantization["quant_method"]) ?? "an unnamed method"
      throw Failure(
        .badData, file: files.path("config.json"), place: "byte \(quantization.offset)",
        "says that the weights are quantized by \(method), which can't be read",
        hint: "convert the net that they were made from; `ingot quantize` makes it small")
    }
  }

  /// Why nothing is known of the arrays.
  var unknownFamily: Failure {
    let arrays = "its \(checkpoint.arrays.count) arrays are of no known family and layout"
    let known =
      "this version runs BlipForQuestionAnswering and ViTForImageClassification; `ingot inspect` shows what is in it, "
      + "`ingot convert --family plain` keeps its arrays as they are"
    guard let config = try? files.json("config.json") else { return Failure(.badData, arrays, hint: known) }
    var name: String?
    if case .array(let names) = config["architectures"]?.content { name = text(names.first) }
    let type = text(config["model_type"])
    guard let told = name ?? type else { return Failure(.badData, arrays, hint: known) }
    var words = "by config.json it is \(told.prefix(80))"
    if name != nil, let type { words += " (model_type \(type.prefix(40)))" }
    if let task = Self.tasks.first(where: { told.hasSuffix($0.ending) }) { words += ", which \(task.what)" }
    return Failure(.badData, "\(words): no family of this version; \(arrays)", hint: known)
  }

  private func text(_ json: JSONValue?) -> String? {
    if case .string(let text) = json?.content, !text.isEmpty { return text }
    return nil
  }
}
