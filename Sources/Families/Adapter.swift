import Arrays
import Checkpoints

/// Arrays that hold only what is to be added to another net's, as the names tell that the programs which train such give them.
enum Adapter {
  /// What an adapter is, by a word of the names of its arrays: those of peft, which nothing else has.
  private static let peftWords = [
    "lora_A": "LoRA", "lora_B": "LoRA", "lora_embedding_A": "LoRA", "lora_embedding_B": "LoRA",
    "lora_magnitude_vector": "LoRA", "lora_E": "AdaLoRA", "ia3_l": "IA3", "hada_w1_a": "LoHa", "hada_w2_a": "LoHa",
    "lokr_w1": "LoKr", "lokr_w1_a": "LoKr", "lokr_w2": "LoKr", "lokr_w2_a": "LoKr", "vera_lambda_b": "VeRA",
    "oft_r": "OFT", "oft_R": "OFT", "boft_R": "BOFT", "hra_u": "HRA", "fourierft_spectrum": "FourierFT",
    "vblora_logits": "VB-LoRA", "bone_block": "Bone", "miss_block": "MiSS", "shira_weight": "SHiRA",
    "prompt_embeddings": "PEFT", "adaption_prompt": "PEFT",
  ]

  /// Those of kohya's scripts, LyCORIS and diffusers, of which some are also words of nets that have such maps from the start.
  private static let otherWords = [
    "lora_down": "LoRA", "lora_up": "LoRA", "lora_mid": "LoRA", "lora_linear_layer": "LoRA", "lora": "LoRA",
    "to_q_lora": "LoRA", "to_k_lora": "LoRA", "to_v_lora": "LoRA", "to_out_lora": "LoRA", "oft_blocks": "OFT",
    "oft_diag": "OFT",
  ]
  /// What stands beside them, one for each map.
  private static let besides: Set<String> = ["alpha", "dora_scale", "rescale", "scale", "constraint"]

  /// The error for a checkpoint that is an adapter, or a net with one that isn't merged; nil for others.
  /// - Parameter config: peft's adapter_config.json.
  static func failure(_ checkpoint: any Checkpoint, _ config: JSONValue?) -> Failure? {
    var (peft, other, beside): (Int, Int, Int) = (0, 0, 0)
    var found: String?
    for array in checkpoint.arrays {
      let words = array.name.split(separator: ".").map(String.init)
      if let kind = words.lazy.compactMap({ peftWords[$0] }).first {
        (peft, found) = (peft + 1, found ?? kind)
      } else if let kind = words.lazy.compactMap({ otherWords[$0] }).first {
        (other, found) = (other + 1, found ?? kind)
      } else if let last = words.last, besides.contains(last) {
        beside += 1
      }
    }
    guard let found else { return nil }
    // A net with its adapter has far more arrays than the adapter; its own maps are called base_layer.
    if peft > 0, checkpoint.arrays.contains(where: { $0.name.split(separator: ".").contains("base_layer") }) {
      return .unsupported(
        "holds a net with an adapter that is not merged: \(peft) of its \(checkpoint.arrays.count) arrays are the adapter's",
        hint: "merge it first, in Python: model.merge_and_unload().save_pretrained(\"merged\")")
    }
    guard peft > 0 || (other + beside) * 2 > checkpoint.arrays.count else { return nil }
    let kind = Foreign.text(config?["peft_type"]).map { $0 == "LORA" ? "LoRA" : $0 } ?? found
    let article = "AEIOU".contains(kind.prefix(1)) ? "an" : "a"
    let base =
      Foreign.text(config?["base_model_name_or_path"])
      ?? checkpoint.metadata.first { $0.name == "ss_sd_model_name" }.map { shortened($0.value, to: 80) }
    let name = base.flatMap { $0.isEmpty ? nil : $0 }
    let reason =
      "is \(article) \(kind) adapter of \(name ?? "a net that it doesn't name"), not a net: it holds only what is added to its weights"
    guard peft > 0 || config != nil else {
      return .unsupported(
        reason,
        hint: "merge it first, in Python, with its pipeline of diffusers: pipeline.load_lora_weights(\"ADAPTER\"), "
          + "pipeline.fuse_lora(), pipeline.save_pretrained(\"merged\")")
    }
    return .unsupported(
      reason,
      hint:
        "merge it first, in Python: PeftModel.from_pretrained(NetClass.from_pretrained(\(name.map { "\"\($0)\"" } ?? "…")), "
        + "\"ADAPTER\").merge_and_unload().save_pretrained(\"merged\")")
  }
}
