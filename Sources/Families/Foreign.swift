import Arrays
import Checkpoints

/// A checkpoint that is sound but of no known family, by what its own files say: an adapter, quantized weights, a net of
/// another construction.
struct Foreign {
  let failure: Failure
  /// Whether it is no net by itself.
  let isAdapter: Bool
  /// Whether its numbers are those of a net that was made smaller, of whatever construction.
  let isQuantized: Bool

  /// nil where nothing says that it is foreign.
  init?(_ checkpoint: any Checkpoint) throws(Failure) {
    let files = try SmallFiles(folder: checkpoint.folder)
    // A damaged configuration is told by whoever needs it.
    func json(_ name: String) throws(Failure) -> JSONValue? {
      try ifFound { () throws(Failure) in try files.json(name) }
    }
    let config = try json("config.json")
    let adapter = Adapter.failure(checkpoint, try json("adapter_config.json"))
    let quantized = try Foreign.quantized(checkpoint, config, json("quantize_config.json"))
    let told = adapter ?? quantized
    guard let failure = try told == nil ? Foreign.otherNet(checkpoint, config) : told else { return nil }
    self.failure = failure
    isAdapter = adapter != nil
    isQuantized = adapter == nil && quantized != nil
  }

  /// What is told where its arrays are kept as they are.
  var note: String { isQuantized ? failure.reason : "it \(failure.reason)" }

  static func text(_ json: JSONValue?) -> String? {
    if case .string(let text)? = json?.content { shortened(text, to: 80) } else { nil }
  }

  // MARK: Quantized weights

  private static let methods = [
    "bitsandbytes": "bitsandbytes", "gptq": "GPTQ", "awq": "AWQ", "aqlm": "AQLM", "eetq": "EETQ", "hqq": "HQQ",
    "quanto": "quanto", "torchao": "torchao", "compressed-tensors": "compressed-tensors", "fp8": "FP8",
    "higgs": "HIGGS",
  ]

  private static func quantized(
    _ checkpoint: any Checkpoint, _ config: JSONValue?, _ own: JSONValue?
  ) throws(Failure) -> Failure? {
    let description = config?["quantization_config"]
    var method = text(description?["quant_method"]).map { methods[$0] ?? $0 }
    if method == nil, description?["load_in_8bit"] != nil || description?["load_in_4bit"] != nil {
      method = "bitsandbytes"
    }
    let found = try ifFound { () throws(Failure) in try PublishedQuantization(checkpoint) }
    method = method ?? found?.schemes.first?.scheme.name
    let isPacked = found != nil || checkpoint.arrays.contains { [.int8, .uint8].contains($0.elementType) }
    if method == nil, own != nil, isPacked { method = "GPTQ" }
    // A configuration may say how a net is to be quantized when it is loaded: then its weights are still floats.
    guard let method, isPacked else { return nil }
    return .unsupported(
      "its weights are quantized by \(method), whose numbers are not read",
      hint: "convert the float net that it was made from and use `ingot quantize`, or in Python: "
        + "model.dequantize().save_pretrained(\"float\")")
  }

  // MARK: Nets of another construction

  /// What nets of other classes and kinds are, by beginnings of their class's name or model_type.
  private static let kinds: [(beginning: String, title: String)] = [
    ("Blip2", "BLIP-2"), ("blip-2", "BLIP-2"), ("InstructBlip", "InstructBLIP"), ("instructblip", "InstructBLIP"),
    ("BlipForConditionalGeneration", "BLIP net that captions pictures"),
    ("BlipForImageTextRetrieval", "BLIP net that compares pictures with texts"),
    ("BlipModel", "BLIP net that compares pictures with texts"), ("deit", "DeiT"), ("beit", "BEiT"),
    ("swinv2", "Swin V2"),
    ("swin", "Swin"), ("vit_mae", "masked autoencoder (MAE)"), ("vit_msn", "MSN"), ("vit_hybrid", "hybrid ViT"),
    ("dinov2", "DINOv2"), ("dinov3", "DINOv3"), ("convnextv2", "ConvNeXt V2"), ("convnext", "ConvNeXt"),
    ("clip", "CLIP"),
    ("siglip", "SigLIP"), ("vilt", "ViLT"), ("git", "GIT"), ("resnet", "ResNet"),
    ("ViTForMaskedImageModeling", "ViT for masked images"), ("xlm-roberta", "XLM-RoBERTa"), ("roberta", "RoBERTa"),
    ("camembert", "CamemBERT"), ("mpnet", "MPNet"), ("modernbert", "ModernBERT"), ("distilbert", "DistilBERT"),
    ("albert", "ALBERT"), ("electra", "ELECTRA"), ("deberta", "DeBERTa"), ("nomic_bert", "Nomic BERT"),
    ("BertForSequenceClassification", "BERT net that classifies texts"),
    ("BertForTokenClassification", "BERT net that classifies words"),
    ("BertForQuestionAnswering", "BERT net that finds answers in texts"),
  ]

  private static func otherNet(_ checkpoint: any Checkpoint, _ config: JSONValue?) throws(Failure) -> Failure? {
    guard let config else { return nil }
    var first: String?
    if case .array(let classes)? = config["architectures"]?.content { first = text(classes.first) }
    let type = text(config["model_type"])
    let timm = type == nil ? text(config["architecture"]) : nil
    guard let name = first ?? type ?? timm else { return nil }
    // Nets of the families' own kinds are foreign only where their arrays are.
    let isOwnKind = type.map { type in Family.known.contains { $0.modelTypes.contains(type) } } ?? (timm != nil)
    if isOwnKind, let first, isSupported(first) { return nil }
    let title = kinds.first { kind in
      [first, type, timm].contains { $0?.hasPrefix(kind.beginning) == true }
    }?.title
    // Whose configuration is another net's by mistake is told later.
    if isOwnKind || title == nil, try Family.recognize(checkpoint) != nil { return nil }
    var said: [String] = []
    if let first { said.append(first) }
    if let type { said.append("model_type \"\(type)\"") }
    if let timm { said.append("timm's \(timm)") }
    let what =
      title.map { $0.hasPrefix("BLIP net") || $0.hasPrefix("BERT net") ? $0 : "\($0) net" }
      ?? "net of another construction"
    return .unsupported(
      "is a \(what), which is not supported: config.json says \(said.joined(separator: ", "))", hint: hint(name, type))
  }

  /// Whether nets of a class of transformers can be converted.
  private static func isSupported(_ name: String) -> Bool {
    let known = [
      "BlipForQuestionAnswering", "ViTForImageClassification", "ViTModel", "DeiTForImageClassification",
      "DeiTForImageClassificationWithTeacher", "DeiTModel", "Dinov2Model", "Dinov2ForImageClassification",
      "Dinov2WithRegistersModel", "Dinov2WithRegistersForImageClassification", "CLIPModel", "BertModel",
      "BertForPreTraining", "BertForMaskedLM",
    ]
    return known.contains { name == $0 || name == "TF" + $0 }
  }

  /// Encoders of texts, which are looked for as embedders.
  private static let textTypes = [
    "bert", "xlm-roberta", "roberta", "camembert", "mpnet", "modernbert", "distilbert", "albert", "electra", "deberta",
    "nomic_bert",
  ]

  private static func hint(_ name: String, _ type: String?) -> String {
    if let type, textTypes.contains(where: type.hasPrefix) {
      return
        "texts are embedded by nets of BertModel (model_type bert), such as sentence-transformers/all-MiniLM-L6-v2; `ingot convert --family plain` keeps these arrays as they are"
    }
    let isAboutText =
      ["Blip", "InstructBlip", "Git", "Vilt"].contains { name.hasPrefix($0) } || type?.hasPrefix("blip") == true
    return isAboutText
      ? "questions are answered by nets of BlipForQuestionAnswering, such as Salesforce/blip-vqa-base; `ingot convert --family plain` keeps these arrays as they are"
      : "pictures are classified by nets of ViTForImageClassification (model_type vit), such as google/vit-base-patch16-224; `ingot convert --family plain` keeps these arrays as they are"
  }
}
