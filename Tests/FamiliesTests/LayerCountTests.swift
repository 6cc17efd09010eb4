import Arrays
import Families
import Nets
import TestSupport
import Testing

/// Layers and their work beside what torch counts in the publishers' libraries; see
/// tools/fixtures/fixtures_layer_counts.py.
@Suite struct LayerCountTests {
  static let cases: [JSONValue] = {
    let path = packageFile("Tests/FamiliesTests/Fixtures/layer-counts.json")
    return (try? JSONValue(parsing: bytes(of: path)).array()) ?? []
  }()

  private func description(_ net: JSONValue) throws -> NetDescription {
    let definition = try #require(NetDefinition(rawValue: net.member("definition").string()))
    var vectors: BertEmbedder.Rules?
    if let rules = net["vectors"] {
      let modes = try rules.member("pooling").array().map { try TextPooling.Mode(rawValue: $0.string()) }
      vectors = .init(pooling: modes.compactMap(\.self), normalizes: try rules.member("normalizes").boolean())
    }
    return try definition.description(
      Configuration(net.member("configuration").object()), vectors: vectors)
  }

  @Test func thereAreCases() { #expect(Self.cases.count == 36) }

  /// A configuration that the script says is a published net's is the one that the family has.
  @Test(arguments: cases)
  func sizesArePublished(net: JSONValue) throws {
    guard let name = net["family"] else { return }
    let family = try Family.named(name.string())
    let settings = try net.member("set").object().map {
      try Combination.Parameter(argument: "\($0.key)=\(text($0.value))")
    }
    let ours = try family.configuration(of: family.combination(setting: settings))
    for member in try net.member("configuration").object() where member.key != "layerNormEpsilon" {
      #expect(ours[member.key]?.compactText == member.value.compactText, "\(member.key)")
    }
  }

  private func text(_ value: JSONValue) throws -> String {
    if case .integer(let number) = value.content { return "\(number)" }
    return try value.string()
  }

  @Test(arguments: cases)
  func layersAreTorchs(net: JSONValue) throws {
    let description = try description(net)
    var torch: [String: Int] = [:]
    for member in try net.member("layers").object() { torch[member.key] = try member.value.integer() }
    var ours = Dictionary(uniqueKeysWithValues: description.layerTypes.map { ($0.type.rawValue, $0.count) })
    let definition = try net.member("definition").string()
    if try net.member("library").string() == "transformers" {
      // Queries, keys and values are three Linear layers there where this net has one.
      if ["ViTImageClassifier", "Dinov2Encoder", "ClipImageEncoder", "ClipTextEncoder"].contains(definition) {
        torch["Linear", default: 0] -= 2 * (torch["Attention"] ?? 0)
      }
      // So are a gate and what it lets through.
      torch["Linear", default: 0] -= torch["SwiGLU"] ?? 0
      // Positions of patches are an Embedding there, whose rows are all taken in their order.
      if definition == "ClipImageEncoder" { torch["Embedding"] = nil }
    }
    // torch has no modules for what these do, but sentence-transformers.
    if net["vectors"] == nil { (ours["Pooling"], ours["Normalize"]) = (nil, nil) }
    #expect(ours == torch)
  }

  @Test(arguments: cases)
  func parametersAndWorkAreTorchs(net: JSONValue) throws {
    let description = try description(net)
    // CLIP's scale is counted with its text encoder here.
    let scale = try net.member("definition").string() == "ClipTextEncoder" ? 1 : 0
    #expect(try description.parameters - scale == net.member("parameters").integer())
    #expect(description.layers.reduce(0) { $0 + $1.parameters } == description.parameters)
    let lengths = RunLengths(tokens: try net["tokens"]?.integer() ?? 0, context: try net["context"]?.integer() ?? 0)
    var work: [String: Int] = [:]
    for layer in description.layers {
      let count = try layer.multiplyAdds(lengths)
      if let type = layer.type, count > 0 { work[type.rawValue, default: 0] += count }
    }
    var torch: [String: Int] = [:]
    for member in try net.member("multiplyAdds").object() { torch[member.key] = try member.value.integer() }
    // BERT's own pooler isn't run here.
    if let pooler = net["pooler"] { torch["Linear", default: 0] -= try pooler.integer() }
    #expect(work == torch)
  }
}
