import Arrays
import Checkpoints
import Families
import Foundation
import NetFile
import TestSupport
import Testing

/// Nets under other names than their layout's, written by torch, transformers, timm and peft; see tools/fixtures/fixtures_names.py.
@Suite struct NamesTests {
  private let folder = TemporaryFolder()
  private static let names = packageFile("Tests/FamiliesTests/Fixtures/names")

  private func plan(_ path: String, _ request: ConversionRequest = ConversionRequest()) throws -> ConversionPlan {
    try ConversionPlan(openCheckpoint(path), request)
  }

  private func digests(_ path: String, shelf: String = UUID().uuidString) throws -> [String: Digest] {
    let nets = try plan(path).run(on: Shelf(folder.file(shelf)), replacing: false, compress: false)
    return Dictionary(uniqueKeysWithValues: nets.flatMap { $0.header.arrays.map { ($0.name, $0.sha256) } })
  }

  /// transformers and timm computed the same from these files as from tiny-vit: the script that wrote them checks it.
  @Test(arguments: [("vit-5", "huggingface-5"), ("timm", "timm")])
  func otherLayoutsHoldTheSameNet(name: String, layout: String) throws {
    #expect(try plan("\(Self.names)/\(name)").layout.name == layout)
    #expect(try digests("\(Self.names)/\(name)") == digests(packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")))
  }

  @Test(arguments: [
    ("parallel.pth", "\"module\""), ("compiled.pt", "\"_orig_mod\" and \"module\""),
    ("compiled-inside.pt", "\"_orig_mod\""), ("ema.pt", "\"module\" and \"ema.\""), ("training.pt", "\"network_g.\""),
    ("last.ckpt", "\"net.model.\""), ("averaged.pt", nil as String?),
  ])
  func wrappersAreLeftOff(name: String, dropped: String?) throws {
    let path = "\(Self.names)/wrapped/\(name)"
    #expect(try digests(path) == digests("\(Self.names)/plain"))
    let notes = try plan(path).notes
    if let dropped {
      let note = "names in layout huggingface-5 but for \(dropped), which is left off them"
      #expect(notes.contains(note), "\(notes)")
      #expect(try Inspection(openCheckpoint(path)).notes.contains(note))
    }
    if name == "averaged.pt" {
      #expect(notes.contains("the arrays are those of \"model\"; those of model_averaged, optimizer are left out"))
    }
    if name == "training.pt" { #expect(notes.contains("the arrays of optim_g are no weights: left out")) }
  }

  @Test func twoCopiesAreNotGuessedAt() throws {
    let path = "\(Self.names)/wrapped/two.pt"
    #expect(
      failure { _ = try plan(path) }?.reason
        == "holds 2 copies of the net, whose names begin with \"student.\", \"teacher.\"")
    #expect(try Inspection(openCheckpoint(path)).notes.contains { $0.contains("holds 2 copies") })
    let error = failure { _ = try plan("\(Self.names)/wrapped/optimizer.pt") }
    #expect(error?.reason == "holds arrays in state only, which are no weights")
  }

  /// What stands beside a net under a prefix is of no net, unless it is a copy.
  @Test func arraysOutsideThePrefixAreNotLost() throws {
    let source = try SafetensorsCopy(of: "\(Self.names)/plain/model.safetensors")
    var copy = source
    for array in source.arrays {
      let name = array.name
      copy[name] = nil
      for prefix in ["model.", "model_ema."] {
        copy[prefix + name] = .init(name: prefix + name, type: array.type, shape: array.shape, bytes: array.bytes)
      }
    }
    try folder.write(bytes(of: "\(Self.names)/plain/config.json"), to: "config.json")
    try folder.write(copy.bytes, to: "model.safetensors")
    let plan = try plan(folder.path)
    #expect(plan.coverage.used == 24 && plan.coverage.ignored.count == 24)
    #expect(plan.notes.contains { $0.hasPrefix("the net is there 2 times: the arrays of \"model.\" are taken") })
    copy["criterion.weight"] = .init(name: "criterion.weight", type: "F32", shape: [1], bytes: [0, 0, 0, 0])
    try folder.write(copy.bytes, to: "model.safetensors")
    #expect(
      failure { _ = try self.plan(folder.path) }?.reason
        == "1 arrays belong to no net of vit-imagenet, the first \"criterion.weight\"")
  }

  @Test func backbonesHaveNoClassifier() throws {
    for (name, layout) in [("backbone", "huggingface-pooler"), ("timm-backbone", "timm-backbone")] {
      let plan = try plan("\(Self.names)/\(name)")
      #expect(
        plan.layout.name == layout
          && plan.nets[0].header.configuration.contains { $0.key == "classes" && $0.value == 0 })
      #expect(!plan.nets[0].header.arrays.contains { $0.name.hasPrefix("classifier") })
    }
    // The rest is the whole net's, but for the pooler.
    let whole = try digests("\(Self.names)/plain").filter { !$0.key.hasPrefix("classifier") }
    #expect(try digests("\(Self.names)/backbone").filter { !$0.key.hasPrefix("pooler") } == whole)
  }

  /// timm's own configuration says no sizes: the arrays do, where somebody published such a net.
  @Test func timmsConfigurationIsToldFromTheArrays() throws {
    try folder.write(bytes(of: "\(Self.names)/timm/model.safetensors"), to: "model.safetensors")
    let config =
      #"{"architecture": "vit_tiny", "pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "interpolation": "bicubic"}}"#
    try folder.write(Array(config.utf8), to: "config.json")
    let error = failure { _ = try plan(folder.path) }
    #expect(error?.reason == "num_attention_heads can't be told from arrays of a size that nobody published")
  }

  @Test func adaptersAreToldFromNets() throws {
    let adapter = failure { _ = try plan("\(Self.names)/adapter") }
    #expect(
      adapter?.reason.hasPrefix("is a LoRA adapter of ") == true && adapter?.hint?.contains("merge_and_unload") == true)
    let unmerged = failure { _ = try plan("\(Self.names)/unmerged.pt") }
    #expect(unmerged?.reason == "holds a net with an adapter that is not merged: 4 of its 28 arrays are the adapter's")
    #expect(try Inspection(openCheckpoint("\(Self.names)/adapter")).notes.contains { $0.contains("is a LoRA adapter") })
  }

  /// Names that kohya's scripts, LyCORIS, diffusers and peft's other methods give.
  @Test(arguments: [
    (
      ["lora_unet_down.lora_down.weight", "lora_unet_down.lora_up.weight", "lora_unet_down.alpha"],
      "is a LoRA adapter of "
    ),
    (["unet.to_q.lora.down.weight", "unet.to_q.lora.up.weight"], "is a LoRA adapter of "),
    (
      ["unet.attn1.processor.to_q_lora.down.weight", "unet.attn1.processor.to_q_lora.up.weight"],
      "is a LoRA adapter of "
    ),
    (["lycoris_x.hada_w1_a", "lycoris_x.hada_w1_b", "lycoris_x.alpha"], "is a LoHa adapter of "),
    (["lycoris_x.lokr_w1", "lycoris_x.lokr_w2", "lycoris_x.alpha"], "is a LoKr adapter of "),
    (["base_model.model.x.ia3_l"], "is an IA3 adapter of "),
    (["base_model.model.x.boft_R", "base_model.model.x.boft_s"], "is a BOFT adapter of "),
  ])
  func adaptersOfAllKindsAreTold(names: [String], beginning: String) throws {
    func reason(_ names: [String]) throws -> String? {
      let entries = names.enumerated().map { place, name in
        #""\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[\#(place * 4),\#(place * 4 + 4)]}"#
      }
      let data = safetensors("{\(entries.joined(separator: ","))}", data: names.count * 4)
      try folder.write(data, to: "model.safetensors")
      return failure { _ = try plan(folder.path) }?.reason
    }
    #expect(try reason(names)?.hasPrefix(beginning) == true)
    // A net that has such maps from the start, among many others.
    let net = (0..<20).map { "blocks.\($0).weight" } + ["blocks.0.attn.w_lora.lora.0.weight"]
    #expect(try reason(net) == "its 21 arrays are of no known family and layout")
  }

  @Test(arguments: [
    (
      #"{"architectures": ["SwinForImageClassification"], "model_type": "swin"}"#,
      "is a Swin net, which is not supported: config.json says SwinForImageClassification, model_type \"swin\""
    ),
    (
      #"{"architectures": ["BlipForConditionalGeneration"], "model_type": "blip"}"#,
      "is a BLIP net that captions pictures, which is not supported: config.json says BlipForConditionalGeneration, model_type \"blip\""
    ),
    (
      #"{"architecture": "convnext_tiny"}"#,
      "is a ConvNeXt net, which is not supported: config.json says timm's convnext_tiny"
    ),
    (
      #"{"architectures": ["NewThing"], "model_type": "new"}"#,
      "is a net of another construction, which is not supported: config.json says NewThing, model_type \"new\""
    ),
    ("{}", "its 1 arrays are of no known family and layout"), ("{", "its 1 arrays are of no known family and layout"),
    (
      #"{"architectures": 3, "model_type": [], "quantization_config": 7}"#,
      "its 1 arrays are of no known family and layout"
    ),
  ])
  func otherNetsAreNamed(config: String, reason: String) throws {
    try folder.write(
      safetensors(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4), to: "model.safetensors")
    try folder.write(Array(config.utf8), to: "config.json")
    let error = failure { _ = try plan(folder.path) }
    #expect(error?.reason == reason && error?.hint?.contains("fetch") != true)
    // `ingot convert` keeps its arrays, and says what it is.
    let kept = try ConversionPlan(openCheckpoint(folder.path), ConversionRequest(keepsUnknown: true))
    let beginning =
      reason.hasPrefix("is a") ? "it \(reason): arrays are kept as they are" : "the arrays are of no known family: "
    #expect(kept.family.name == "plain" && kept.notes.first?.hasPrefix(beginning) == true, "\(kept.notes)")
  }

  /// What is wanted as a net of a family is not made a plain one in silence.
  @Test func namesOfAFamilyAreNoUnknownNet() throws {
    for file in ["model.safetensors", "config.json"] {
      try folder.write(bytes(of: packageFile("Tests/FamiliesTests/Fixtures/tiny-vit/\(file)")), to: file)
    }
    let config = String(decoding: try bytes(of: folder.file("config.json")), as: UTF8.self)
      .replacing("ViTForImageClassification", with: "BeitForImageClassification")
      .replacing("\"model_type\": \"vit\"", with: "\"model_type\": \"beit\"")
    try folder.write(Array(config.utf8), to: "config.json")
    let error = failure {
      _ = try ConversionPlan(openCheckpoint(folder.path), ConversionRequest(keepsUnknown: true))
    }
    #expect(error?.reason.hasPrefix("is a BEiT net, which is not supported") == true)
  }

  @Test func quantizedWeightsAreNamed() throws {
    try folder.write(
      safetensors(#"{"w":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#, data: 4), to: "model.safetensors")
    try folder.write(Array(#"{"quantization_config": {"quant_method": "bitsandbytes"}}"#.utf8), to: "config.json")
    let error = failure { _ = try plan(folder.path) }
    let reason = "its weights are quantized by bitsandbytes, whose numbers are not read"
    #expect(error?.reason == reason)
    let kept = try ConversionPlan(openCheckpoint(folder.path), ConversionRequest(keepsUnknown: true))
    #expect(kept.family.name == "plain" && kept.notes.first?.hasPrefix("\(reason): arrays are kept") == true)
  }
}

/// Folders in which weights stand in other ways than in one file of a usual name.
@Suite struct WeightsFolderTests {
  private let folder = TemporaryFolder()
  private static let sharded = packageFile("Tests/FamiliesTests/Fixtures/layouts/sharded")

  private func shards(_ numbers: [Int]) throws {
    for number in numbers {
      let name = "model-0000\(number)-of-00003.safetensors"
      try folder.write(bytes(of: "\(Self.sharded)/\(name)"), to: name)
    }
  }

  @Test func shardsNeedNoIndex() throws {
    try shards([1, 2, 3])
    let (found, whole) = (try openCheckpoint(folder.path), try openCheckpoint(Self.sharded))
    #expect(Set(found.arrays) == Set(whole.arrays) && found.arrays.count == whole.arrays.count)
    #expect(found.notes == ["no index beside the 3 files of weights: their arrays are taken together"])
    for (index, array) in found.arrays.enumerated() {
      let other = try #require(whole.arrays.firstIndex(of: array))
      #expect(try found.data(of: index) == whole.data(of: other))
    }
  }

  @Test func aMissingShardIsNamed() throws {
    try shards([1, 3])
    #expect(
      failure { _ = try openCheckpoint(folder.path) }?.reason
        == "holds 2 of a checkpoint's 3 files: number 2 is missing")
    try folder.write(bytes(of: folder.file("model-00001-of-00003.safetensors")), to: "model-00002-of-00003.safetensors")
    let twice = failure { _ = try openCheckpoint(folder.path) }
    #expect(twice?.reason == "is in another file of the checkpoint too")
    // Of two checkpoints, none is guessed.
    try folder.write([], to: "other-00001-of-00003.safetensors")
    #expect(failure { _ = try openCheckpoint(folder.path) }?.reason == "holds 4 weights files, none of a usual name")
  }

  @Test func variantsAreNamed() throws {
    for variant in ["ema", "fp16"] { try folder.write(Array("text".utf8), to: "model.\(variant).safetensors") }
    let error = failure { _ = try openCheckpoint(folder.path) }
    #expect(error?.reason == "holds no model.safetensors, but 2 variants of it: ema, fp16")
    #expect(
      error?.hint == "name the file of the one that you want, for example \(folder.file("model.ema.safetensors"))")
  }

  @Test func pipelinesAreNamed() throws {
    try folder.write(Array("{}".utf8), to: "model_index.json")
    for name in ["unet", "vae", "scheduler"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    for name in ["unet", "vae"] {
      try folder.write(Array("text".utf8), to: "\(name)/diffusion_pytorch_model.safetensors")
    }
    let error = failure { _ = try openCheckpoint(folder.path) }
    #expect(error?.reason == "holds no weights file itself, but is a pipeline of nets, whose weights are in unet, vae")
    #expect(error?.hint == "name one of these folders, for example \(folder.file("unet"))")
  }

  /// Weights beside what training left.
  @Test func trainingsFilesAreNoWeights() throws {
    for name in ["optimizer.pt", "rng_state_0.pth", "training_args.bin", "mine.safetensors"] {
      try folder.write(Array("text".utf8), to: name)
    }
    #expect(failure { _ = try openCheckpoint(folder.path) }?.file == folder.file("mine.safetensors"))
  }

  @Test(arguments: [
    ("model-00000-of-00003.bin", false), ("model-4-of-3.bin", false), ("a-1-of-9999999.bin", false),
    ("1-of-1.bin", false),
    ("model-1-of-1.bin", true),
  ])
  func onlyShardsAreTakenForShards(name: String, isShard: Bool) throws {
    try folder.write(Array("text".utf8), to: name)
    let error = try #require(failure { _ = try openCheckpoint(folder.path) })
    #expect(error.kind == .badData && error.file == folder.file(name))
  }

  @Test func theHubsCacheIsRead() throws {
    let (first, second) = (String(repeating: "ab", count: 20), String(repeating: "cd", count: 20))
    let cache = folder.file("models--acme--net")
    for revision in [first, second] {
      try FileManager.default.createDirectory(
        atPath: "\(cache)/snapshots/\(revision)", withIntermediateDirectories: true)
    }
    #expect(
      failure { _ = try openCheckpoint(cache) }?.reason
        == "is a cache of 2 revisions, and no refs/main says which is meant")
    for name in try Paths.names(in: Self.sharded) {
      try FileManager.default.createSymbolicLink(
        atPath: "\(cache)/snapshots/\(second)/\(name)", withDestinationPath: "\(Self.sharded)/\(name)")
    }
    try FileManager.default.createDirectory(atPath: "\(cache)/refs", withIntermediateDirectories: true)
    try folder.write(Array((second + "\n").utf8), to: "models--acme--net/refs/main")
    let checkpoint = try openCheckpoint(cache)
    #expect(checkpoint.path == "\(cache)/snapshots/\(second)")
    #expect(try checkpoint.folder.path == checkpoint.path)
    for (text, reason) in [
      ("../../..", "is no revision"), ("", "is no revision"), (String(repeating: "a", count: 70), "is no revision"),
      ("ef", "has no revision ef, which refs/main names"),
    ] {
      try folder.write(Array(text.utf8), to: "models--acme--net/refs/main")
      #expect(failure { _ = try openCheckpoint(cache) }?.reason == reason)
    }
  }
}
