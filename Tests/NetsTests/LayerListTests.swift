import Arrays
import Kernels
import Nets
import Synchronization
import TestSupport
import Testing

/// What the engine is told to do while a net runs is what its list of layers says, in that order and of those shapes.
@Suite struct LayerListTests {
  /// Seeded numbers for whatever is asked for.
  private final class Seeded: WeightProvider {
    func weight(_ name: String, shape: Shape, role: WeightRole) throws(Failure) -> Weight {
      let array = NetDescription.StoredArray(name: name, shape: shape, role: role)
      do {
        let block = try MemoryBlock(count: 4 * shape.elements) { append in
          try SeededWeights.forEachChunk(of: array, seed: 1) { append($0) }
        }
        return Weight(name: name, shape: shape, elementType: .float32, data: .memory(block))
      } catch {
        throw Failure(.io, "\(error)")
      }
    }

    func tie(_ name: String, to same: Weight) {}
  }

  private final class Steps: LayerObserver {
    let lines = Mutex<[String]>([])

    func layer(_ name: String, _ map: LinearMap, _ engine: Engine) {}

    func step(_ step: EngineStep) {
      let shape = "\(step.rows)×\(step.inputs) → \(step.rows)×\(step.outputs)"
      let after = "\(step.rows)×\(step.outputs)"
      let name = step.layer ?? "?"
      lines.withLock { lines in
        switch step.kind {
        case .attention(let keys): lines.append("Attention \(name) \(after) over \(keys)")
        case .layerNorm: lines.append("LayerNorm \(name) \(after)")
        case .linear(let finish):
          lines.append("Linear \(name) \(shape)")
          if finish == .gelu { lines.append("GELU \(after)") }
          if finish == .quickGELU { lines.append("QuickGELU \(after)") }
        }
      }
    }
  }

  /// The same lines of a description; of layers that the engine runs.
  private func lines(_ description: NetDescription, _ lengths: RunLengths) -> [String] {
    description.layers.filter(\.isRun).compactMap { layer in
      let after = layer.output.map { "\($0.count(lengths))" }.joined(separator: "×")
      let before = layer.input.map { $0.count(lengths) }
      switch layer.type {
      case .linear: return "Linear \(layer.path) \(before[0])×\(before[1]) → \(after)"
      case .conv2d:
        let patches = layer.output[0].count(lengths)
        let side = patchSide
        return "Linear ? \(patches)×\(before[0] * side * side) → \(after)"
      case .attention: return "Attention \(layer.path) \(after) over \(layer.over?.count(lengths) ?? 0)"
      case .layerNorm: return "LayerNorm \(layer.path) \(after)"
      case .gelu, .quickGELU: return "\(layer.type?.rawValue ?? "") \(after)"
      case .embedding, .pooling, .normalize, .tanh, .swiGLU, .layerScale, nil: return nil
      }
    }
  }

  private let patchSide = 8
  private let context = 5

  private var vision: Configuration {
    Configuration([
      JSONMember("hiddenSize", 32), JSONMember("layers", 2), JSONMember("heads", 4), JSONMember("mlpSize", 48),
      JSONMember("imageSide", 16), JSONMember("patchSize", .integer(patchSide)), JSONMember("channels", 3),
      JSONMember("layerNormEpsilon", .number(1e-6)), JSONMember("classes", 7), JSONMember("qkvBias", true),
      JSONMember("projectionSize", 12), JSONMember("activation", "quick_gelu"),
    ])
  }

  private var text: Configuration {
    Configuration([
      JSONMember("hiddenSize", 24), JSONMember("layers", 2), JSONMember("heads", 3), JSONMember("mlpSize", 40),
      JSONMember("positions", 200), JSONMember("vocabularySize", 50), JSONMember("contextSize", 32),
      JSONMember("layerNormEpsilon", .number(1e-6)), JSONMember("tokenTypes", 2), JSONMember("pooler", true),
      JSONMember("projectionSize", 12), JSONMember("activation", "gelu"), JSONMember("tiedHead", true),
      JSONMember("endToken", 3),
    ])
  }

  private func make<Made: Net>(_ type: Made.Type, _ configuration: Configuration) throws -> Made {
    try type.init(configuration, WeightSource(Seeded()))
  }

  /// Runs a net with a text of so many tokens or an image; gives its configuration.
  private func run(_ net: NetDefinition, _ tokens: [Int], _ engine: Engine) throws -> Configuration {
    let pixels = Matrix(rows: 3, columns: 256)
    func readText(_ trunk: TextTrunk) throws -> Matrix {
      let context = try trunk.context(Matrix(rows: context, columns: 32), engine)
      var sequences = [TextSequence(tokens, context: context)]
      return try trunk(&sequences, isCausal: false, engine)
    }
    switch net {
    case .vitImageClassifier: _ = try make(ViTImageClassifier.self, vision)(pixels, engine)
    case .dinov2Encoder: _ = try make(Dinov2Encoder.self, vision)(pixels, engine)
    case .blipImageEncoder: _ = try make(BlipImageEncoder.self, vision).trunk(pixels, engine)
    case .blipImageMatcher:
      let net = try make(BlipImageMatcher.self, vision)
      _ = try net.normalize(net.projected(net.trunk(pixels, engine), engine).elements)
    case .clipImageEncoder: _ = try make(ClipImageEncoder.self, vision)(pixels, engine)
    case .blipTextEncoder: _ = try readText(make(BlipTextEncoder.self, text).trunk)
    case .blipTextDecoder:
      let net = try make(BlipTextDecoder.self, text)
      _ = try net.scores(readText(net.trunk), engine)
    case .blipTextMatcher:
      let net = try make(BlipTextMatcher.self, text)
      let first = net.pooling(try readText(net.trunk))
      _ = try net.projected(first, engine)
      _ = try net.scores(first, engine)
    case .bertEncoder:
      let rules = BertEmbedder.Rules(pooling: [.mean, .cls], normalizes: true)
      let net = try BertEmbedder(text, rules, WeightSource(Seeded()))
      #expect(try net.vector(net.encoder([tokens], engine)).count == 48)
    case .clipTextEncoder: _ = try make(ClipTextEncoder.self, text)([tokens], engine)
    }
    return net.reads ? text : vision
  }

  @Test(arguments: NetDefinition.allCases)
  func whatRunsIsWhatIsListed(net: NetDefinition) throws {
    let steps = Steps()
    let engine = try Engine(threads: 1, observer: steps)
    // The last token is the one that ends a text.
    let tokens = (0..<70).map { _ in 5 } + [3]
    let configuration = try run(net, tokens, engine)
    let listed = try lines(
      net.description(configuration), RunLengths(tokens: tokens.count, context: context))
    let ran = steps.lines.withLock { $0 }
    #expect(listed.sorted() == ran.sorted())
    // Keys and values of what is attended over are computed for all blocks before.
    func inOrder(_ lines: [String]) -> [String] {
      lines.filter { !$0.contains("crossAttention.key") && !$0.contains("crossAttention.value") }
    }
    #expect(inOrder(listed) == inOrder(ran))
  }

  /// What some Vision Transformers have beside the usual.
  @Test(arguments: [
    ("head", "distilled"), ("head", "pooler"), ("gatedMLP", "true"), ("layerScale", "true"), ("registers", "3"),
  ])
  func formsOfVisionTransformersAreListedAsTheyRun(field: String, value: String) throws {
    var configuration = vision
    configuration[field] = field == "head" ? .string(value) : try JSONValue(parsing: Array(value.utf8))
    if field == "head" { configuration["distillationToken"] = true }
    if value == "pooler" { configuration["classes"] = 0 }
    let steps = Steps()
    let engine = try Engine(threads: 1, observer: steps)
    let net = try make(ViTImageClassifier.self, configuration)
    let vectors = try net.trunk(Matrix(rows: 3, columns: 256), engine)
    _ = value == "pooler" ? try net.pooled(vectors, engine) : try net.scores(of: vectors, engine)
    let lengths = RunLengths(tokens: 0, context: 0)
    let listed = try lines(NetDefinition.vitImageClassifier.description(configuration), lengths)
    #expect(listed == steps.lines.withLock { $0 })
  }

  @Test func tooMuchWorkIsRefused() throws {
    let net = try NetDefinition.clipTextEncoder.description(text)
    let error = failure {
      for layer in net.layers { _ = try layer.multiplyAdds(RunLengths(tokens: 1 << 60, context: 1)) }
    }
    #expect(
      error?.description == "layer \"blocks.0.attention.qkv\": has too many multiply-adds to count")
  }
}

extension NetDefinition {
  fileprivate var reads: Bool {
    switch self {
    case .blipTextEncoder, .blipTextDecoder, .blipTextMatcher, .bertEncoder, .clipTextEncoder: true
    case .blipImageEncoder, .blipImageMatcher, .vitImageClassifier, .dinov2Encoder, .clipImageEncoder: false
    }
  }
}
