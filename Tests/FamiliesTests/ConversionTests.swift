import Arrays
import Assurance
import Checkpoints
import Families
import NetFile
import Nets
import TestSupport
import Testing

@Suite struct ConversionTests {
  private let folder = TemporaryFolder()
  private var shelf: Shelf { Shelf(folder.file("shelf")) }

  private func convert(
    _ path: String, _ settings: [String] = [], precision: ElementType? = nil, compress: Bool = false,
    replacing: Bool = false
  ) throws -> (plan: ConversionPlan, nets: [WrittenNet]) {
    let plan = try ConversionPlan(
      openCheckpoint(path),
      ConversionRequest(parameters: settings.map { try .init(argument: $0) }, precision: precision))
    return (plan, try plan.run(on: shelf, replacing: replacing, compress: compress))
  }

  private func data(_ net: WrittenNet, _ name: String) throws -> [UInt8] {
    let file = try NetFile(net.path)
    let entry = try #require(file.header.arrays.first { $0.name == name })
    var out: [UInt8] = []
    try file.forEachChunk(of: entry) { out.append(contentsOf: $0) }
    return out
  }

  /// The demo checkpoint copied into the test's folder, its weights changed.
  private func changedDemo(_ change: (inout SafetensorsCopy) throws -> Void) throws -> String {
    for name in ["config.json", "preprocessor_config.json", "tokenizer_config.json", "vocab.txt"] {
      try folder.write(bytes(of: packageFile("weights/demo/\(name)")), to: name)
    }
    var copy = try SafetensorsCopy(of: packageFile("weights/demo/model.safetensors"))
    try change(&copy)
    try folder.write(copy.bytes, to: "model.safetensors")
    return folder.path
  }

  @Test(arguments: [false, true])
  func demoNetKeepsEveryBit(compress: Bool) throws {
    let (plan, nets) = try convert(packageFile("weights/demo"), compress: compress)
    #expect(plan.coverage.arrays == 171 && plan.coverage.used == 171)
    #expect(nets.map { $0.combination["Release"] } == [.word("demo"), .word("demo"), .word("demo")])
    #expect(nets.map(\.header.arrays.count) == [54, 56, 61])
    let source = try SafetensorsCopy(of: packageFile("weights/demo/model.safetensors"))
    for (net, name, published) in [
      (0, "classToken", "vision_model.embeddings.class_embedding"),
      (0, "blocks.3.attention.qkv.weight", "vision_model.encoder.layers.3.self_attn.qkv.weight"),
      (1, "blocks.1.crossAttention.key.weight", "text_encoder.encoder.layer.1.crossattention.self.key.weight"),
      (2, "head.projection.bias", "text_decoder.cls.predictions.bias"),
    ] {
      #expect(try data(nets[net], name) == source[published]?.bytes)
    }
    for net in nets {
      let verification = try Verification(NetFile(net.path), source: openCheckpoint(packageFile("weights/demo")))
      #expect(try verification.run().isVerified)
    }
    #expect(nets[2].header.ties == [Tie(name: "head.projection.weight", same: "embeddings.word.weight")])
    #expect(nets[1].header.tokenizer?.vocabulary.count == 120)
    #expect(nets[0].header.tokenizer == nil)
    #expect(
      nets[0].header.provenance.sources[0].sha256.description
        == "833a23a301ecaa15edc2ead43ff34bf232912c10f8650cb678a6eed83746ad34")
  }

  @Test func twoConversionsAreByteIdentical() throws {
    let first = try convert(packageFile("weights/demo")).nets.map { try bytes(of: $0.path) }
    let second = try convert(packageFile("weights/demo")).nets.map { try bytes(of: $0.path) }
    #expect(first == second)
  }

  @Test func profileComesFromTheCheckpoint() throws {
    let profile = try convert(packageFile("weights/demo")).nets[0].header.profile
    #expect(try profile.member("name").string() == "hf-384")
    #expect(try profile.member("image").member("side").integer() == 64)
    #expect(try profile.member("answer").member("startToken").integer() == 118)
    #expect(try profile.member("image").member("resize").string() == "bicubic")
  }

  @Test(arguments: [ElementType.float16, .bfloat16])
  func precisionIsConvertedAndVerified(precision: ElementType) throws {
    let (_, nets) = try convert(packageFile("weights/demo"), precision: precision)
    #expect(nets[0].combination["Precision"] == .word(precision.rawValue))
    #expect(nets[0].header.provenance.convertedFrom == .float32)
    let source = try SafetensorsCopy(of: packageFile("weights/demo/model.safetensors"))
    let floats = try #require(source["vision_model.post_layernorm.weight"]?.bytes)
    let value = Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(floats[$1]) << UInt32(8 * $1) })
    let converted = try data(nets[0], "norm.weight")
    let bits = UInt16(converted[0]) | UInt16(converted[1]) << 8
    if precision == .float16 {
      #expect(bits == Float16(value).bitPattern)
    } else {
      #expect(abs(Float(bitPattern: UInt32(bits) << 16) - value) <= value.ulp * 32768)
    }
    #expect(
      try Verification(NetFile(nets[0].path), source: openCheckpoint(packageFile("weights/demo"))).run().isVerified)
  }

  @Test func everyPartIsConverted() {
    let error = failure { _ = try convert(packageFile("weights/demo"), ["Part=TextEncoder"]) }
    #expect(error?.kind == .usage && error?.reason == "every Part of a checkpoint is converted")
  }

  @Test func oneChangedValueIsFound() throws {
    let nets = try convert(packageFile("weights/demo")).nets
    let changed = try changedDemo { $0["text_decoder.cls.predictions.bias"]?.bytes[5] ^= 1 }
    let findings = try Verification(NetFile(nets[2].path), source: openCheckpoint(changed)).run()
    #expect(findings.damage.isEmpty)
    #expect(
      findings.source?.differences == [
        Damage(array: "head.projection.bias", reason: "its elements differ from the source's")
      ])
  }

  @Test func equalHeadIsTiedAndAnotherIsItsOwnArray() throws {
    let head = "text_decoder.cls.predictions.decoder.weight"
    let words = "text_decoder.bert.embeddings.word_embeddings.weight"
    func checkpoint(flipping: Bool) throws -> String {
      try changedDemo { copy in
        var array = try #require(copy[words])
        array.name = head
        if flipping { array.bytes[0] ^= 1 }
        copy[head] = array
        for part in ["text_encoder", "text_decoder.bert"] {
          copy["\(part).embeddings.position_ids"] = .init(
            name: "\(part).embeddings.position_ids", type: "I64", shape: [1, 2], bytes: [UInt8](repeating: 0, count: 16)
          )
        }
      }
    }
    let tied = try convert(checkpoint(flipping: false))
    #expect(tied.plan.coverage.arrays == 174 && tied.plan.coverage.used == 171)
    #expect(tied.plan.coverage.tied.map(\.name) == [head] && tied.plan.coverage.tied.map(\.same) == [words])
    #expect(tied.plan.coverage.ignored.count == 2)

    let untied = try convert(checkpoint(flipping: true), ["Release=untied"])
    #expect(untied.plan.coverage.used == 172 && untied.plan.coverage.tied.isEmpty)
    #expect(untied.nets[2].header.ties.isEmpty)
    #expect(untied.nets[2].header.arrays.map(\.name).contains("head.projection.weight"))
    #expect(try Inspection(NetFile(untied.nets[2].path)).parameterCount == 569_848 + 120 * 128)
  }

  @Test func missingAndUnusedArraysAreNamed() throws {
    let missing = try changedDemo { $0["vision_model.post_layernorm.bias"] = nil }
    #expect(
      failure { _ = try convert(missing) }?.withoutFile
        == "1 arrays of ImageEncoder are missing, the first \"vision_model.post_layernorm.bias\"")
    let extra = try changedDemo {
      $0["pooler.weight"] = .init(name: "pooler.weight", type: "F32", shape: [1], bytes: [0, 0, 0, 0])
    }
    #expect(
      failure { _ = try convert(extra) }?.withoutFile
        == "1 arrays belong to no net of blip-vqa, the first \"pooler.weight\"")
    let shape = try changedDemo { $0["vision_model.post_layernorm.bias"]?.shape = [2, 64] }
    #expect(
      failure { _ = try convert(shape) }?.withoutFile
        == "array \"vision_model.post_layernorm.bias\": has shape [2, 64] where the configuration makes it [128]")
    let type = try changedDemo {
      $0["vision_model.post_layernorm.bias"]?.type = "I32"
    }
    #expect(
      failure { _ = try convert(type) }?.withoutFile
        == "array \"vision_model.post_layernorm.bias\": holds int32 where float32 weights are needed")
    let mixed = try changedDemo {
      $0["vision_model.post_layernorm.bias"] = .init(
        name: "vision_model.post_layernorm.bias", type: "F16", shape: [128], bytes: [UInt8](repeating: 0, count: 256))
    }
    #expect(
      failure { _ = try convert(mixed) }?.withoutFile == "its weights are of several element types: float16, float32")
    #expect(try convert(mixed, precision: .float32).nets.count == 3)
    #expect(folder.names.filter { $0.hasSuffix("partial") }.isEmpty)
  }

  @Test func unknownArraysAreOfNoFamily() throws {
    let path = try folder.write(safetensors("{}"), to: "x.safetensors")
    #expect(failure { _ = try convert(path) }?.withoutFile == "its 0 arrays are of no known family and layout")
  }

  static let configs: [(String, String, String)] = [
    ("\"gelu\"", "\"relu\"", "byte @: vision_config.hidden_act is \"relu\"; supported: \"gelu\""),
    (
      "\"model_type\": \"blip\"", "\"model_type\": \"bert\"",
      "byte @: model_type \"bert\" is not of the family blip-vqa"
    ),
    ("\"patch_size\": 8", "\"patch_size\": \"8\"", "configuration: patchSize is \"8\", not an integer from 1 to 1024"),
    (
      "\"vocab_size\": 120", "\"vocab_size\": 121",
      "array \"text_encoder.embeddings.word_embeddings.weight\": has shape [120, 128] where the configuration makes it [121, 128]"
    ),
    (
      "\"image_size\": 64", "\"image_size\": 72",
      "byte 387: pictures are made 64 × 64, but by config.json the net takes 72 × 72"
    ),
  ]

  @Test(arguments: configs)
  func refusesConfigurations(old: String, new: String, message: String) throws {
    let path = try changedDemo { _ in }
    let text = String(decoding: try bytes(of: packageFile("weights/demo/config.json")), as: UTF8.self)
    // The vision configuration stands last.
    let range = try #require(text.ranges(of: old).last)
    let changed = text.replacingCharacters(in: range, with: new)
    try folder.write(Array(changed.utf8), to: "config.json")
    let expected = message.replacing(
      "@",
      with: "\(text.utf8.distance(from: text.startIndex, to: range.lowerBound) + (new.hasPrefix("\"model") ? 14 : 0))")
    #expect(failure { _ = try convert(path, ["Release=x"]) }?.withoutFile == expected)
  }

  @Test func aConfigMayHaveAKeyTwiceAndTheLastCounts() throws {
    let path = try changedDemo { _ in }
    let text = String(decoding: try bytes(of: packageFile("weights/demo/config.json")), as: UTF8.self)
    try folder.write(
      Array(text.replacing("\"patch_size\": 8", with: "\"patch_size\": 16, \"patch_size\": 8").utf8), to: "config.json")
    #expect(try convert(path).nets.count == 3)
  }

  @Test func netsOfOtherDimensionsNeedANameOfTheirOwn() throws {
    let path = packageFile("Tests/FamiliesTests/Fixtures/tiny-blip")
    #expect(
      failure { _ = try convert(path) }?.withoutFile
        == "its configuration is that of no published net, so it needs a name of its own")
  }

  @Test func anotherCheckpointsNetIsNotLost() throws {
    _ = try convert(packageFile("weights/demo"))
    let other = try changedDemo { $0["vision_model.post_layernorm.bias"]?.bytes[0] ^= 1 }
    let error = failure { _ = try convert(other) }
    #expect(error?.kind == .cannotCreate && error?.reason == "holds a net from another checkpoint, which would be lost")
    #expect(try convert(packageFile("weights/demo")).nets.count == 3)
    #expect(try convert(other, replacing: true).nets.count == 3)
  }
}

@Suite struct OtherCheckpointTests {
  private let folder = TemporaryFolder()

  private func facts(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(of: packageFile("Tests/FamiliesTests/Fixtures/\(name)-facts.json")))
  }

  private func fixture(_ name: String) -> String { packageFile("Tests/FamiliesTests/Fixtures/\(name)") }

  /// Counts made by torch of nets that transformers saved.
  @Test(arguments: ["tiny-vit", "tiny-blip"])
  func countsAreTorchs(name: String) throws {
    let inspection = try Inspection(openCheckpoint(fixture(name)))
    let facts = try facts(name)
    let torch = try facts.member("layerTypes")
    #expect(try inspection.parameterCount == facts.member("parameters").integer())
    let layers = Dictionary(uniqueKeysWithValues: (inspection.layerTypes ?? []).map { ($0.type.rawValue, $0.count) })
    for type in ["LayerNorm", "Conv2d", "GELU", "Attention"] {
      #expect(try layers[type] == torch.member(type).integer())
    }
    // torch has one Linear each for a ViT's queries, keys and values, this net one for the three.
    let fused = name == "tiny-vit" ? 2 * 2 : 0
    #expect(try layers["Linear"] == torch.member("Linear").integer() - fused)
  }

  @Test func visionTransformersGetTheirAxesFromTheConfiguration() throws {
    // Its dimensions are of no published size: that is said, not guessed.
    let plan = try ConversionPlan(openCheckpoint(fixture("tiny-vit")), ConversionRequest())
    #expect(
      plan.nets[0].combination.description
        == "ModelSize=custom,PatchSize=8,ImageSize=32,Head=classifier,Precision=float32,Release=published")
  }

  @Test func missingHeadsAreTheClassDefault() throws {
    let plan = try ConversionPlan(
      openCheckpoint(fixture("tiny-blip")), ConversionRequest(parameters: [.init(argument: "Release=tiny")]))
    let text = Configuration(plan.nets[1].header.configuration)
    #expect(try text.dimension("heads") == 8)
    #expect(try text.dimension("hiddenSize") == 32)
    #expect(plan.notes.contains { $0.hasPrefix("config.json has no text_config.num_attention_heads") })
    #expect(plan.nets[1].header.tokenizer?.vocabulary.suffix(2) == ["[DEC]", "[ENC]"])
    #expect(plan.nets[1].header.tokenizer?.vocabulary.count == 40)
  }
}
