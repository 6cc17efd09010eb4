import Arrays
import NetFile
import Nets
import TestSupport
import Testing

@Suite struct NetDefinitionTests {
  /// A Vision Transformer's configuration for 1000 classes.
  private func vit(_ size: Int, _ layers: Int, _ heads: Int, patch: Int) -> Configuration {
    Configuration([
      JSONMember("hiddenSize", .integer(size)), JSONMember("layers", .integer(layers)),
      JSONMember("heads", .integer(heads)),
      JSONMember("mlpSize", .integer(4 * size)), JSONMember("imageSide", 224), JSONMember("patchSize", .integer(patch)),
      JSONMember("channels", 3), JSONMember("classes", 1000), JSONMember("qkvBias", true),
      JSONMember("layerNormEpsilon", .number(1e-12)),
    ])
  }

  /// The counts that torchvision publishes of vit_b_16, vit_b_32, vit_l_16, vit_l_32 and vit_h_14.
  @Test(arguments: [
    (768, 12, 12, 16, 86_567_656), (768, 12, 12, 32, 88_224_232), (1024, 24, 16, 16, 304_326_632),
    (1024, 24, 16, 32, 306_535_400), (1280, 32, 16, 14, 632_045_800),
  ])
  func vitsHaveThePublishedCounts(size: Int, layers: Int, heads: Int, patch: Int, parameters: Int) throws {
    let net = try NetDefinition.vitImageClassifier.description(vit(size, layers, heads, patch: patch))
    #expect(net.parameters == parameters)
  }

  @Test func everyArrayHasItsOwnName() throws {
    let net = try NetDefinition.vitImageClassifier.description(vit(32, 2, 2, patch: 16))
    #expect(Set(net.arrays.map(\.name)).count == net.arrays.count)
    #expect(net.arrays.map(\.name).contains("blocks.1.mlp.fc2.bias"))
    let types = net.layerTypes.map { "\($0.type.rawValue) \($0.count)" }
    #expect(types == ["Linear 9", "LayerNorm 5", "Conv2d 1", "GELU 2", "Attention 2", "Pooling 1"])
  }

  static let wrong: [(String, JSONValue?, String)] = [
    ("hiddenSize", nil, "configuration: hiddenSize is missing"),
    ("hiddenSize", 0, "configuration: hiddenSize is 0, not an integer from 1 to 16777216"),
    ("hiddenSize", .number(32), "configuration: hiddenSize is 32.0, not an integer from 1 to 16777216"),
    ("hiddenSize", 33, "configuration: heads is 2, which does not divide hiddenSize 33"),
    ("layers", 5000, "configuration: layers is 5000, not an integer from 1 to 4096"),
    ("layers", -1, "configuration: layers is -1, not an integer from 1 to 4096"),
    ("patchSize", 500, "configuration: imageSide is 224, less than patchSize 500"),
    ("layerNormEpsilon", "1e-5", "configuration: layerNormEpsilon is \"1e-5\", not a positive number"),
    ("layerNormEpsilon", 0, "configuration: layerNormEpsilon is 0, not a positive number"),
    ("qkvBias", 1, "configuration: qkvBias is 1, not true or false"),
    (
      "mlpSize", 16_777_217, "configuration: mlpSize is 16777217, not an integer from 1 to 16777216"
    ),
  ]

  @Test(arguments: wrong)
  func refusesConfigurations(field: String, value: JSONValue?, message: String) {
    var configuration = vit(32, 2, 2, patch: 16)
    configuration[field] = value
    #expect(failure { _ = try NetDefinition.vitImageClassifier.description(configuration) }?.description == message)
  }

  @Test func greatestDimensionsDoNotOverflow() {
    var configuration = vit(16_777_216, 4096, 1, patch: 1024)
    configuration["mlpSize"] = 16_777_216
    configuration["imageSide"] = 65536
    let error = failure { _ = try NetDefinition.vitImageClassifier.description(configuration) }
    #expect(error?.reason.hasSuffix("is too large for a net's array") == true)
  }
}

@Suite struct WeightTests {
  private let array: NetDescription.StoredArray

  init() throws {
    array = .init(name: "a.weight", shape: try Shape([100, 1000]), role: .weight)
  }

  private func values(_ array: NetDescription.StoredArray, seed: Int) throws -> [Float] {
    var bytes: [UInt8] = []
    try SeededWeights.forEachChunk(of: array, seed: seed) { bytes.append(contentsOf: $0) }
    return stride(from: 0, to: bytes.count, by: 4).map { index in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) })
    }
  }

  @Test func seededWeightsAreSpreadAsStated() throws {
    let values = try values(array, seed: 1).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    #expect(abs(mean) < 0.0005)
    #expect(abs(deviation - 0.02) < 0.0005)
  }

  @Test func seedAndNameDecide() throws {
    #expect(try values(array, seed: 1) == values(array, seed: 1))
    #expect(try values(array, seed: 1) != values(array, seed: 2))
    let other = NetDescription.StoredArray(name: "b.weight", shape: array.shape, role: .weight)
    #expect(try values(array, seed: 1) != values(other, seed: 1))
    let gain = NetDescription.StoredArray(name: "n", shape: try Shape([3]), role: .gain)
    #expect(try values(gain, seed: 1) == [1, 1, 1])
  }

  /// SplitMix64 started at the first 8 bytes of SHA-256(seed ‖ name), computed with Python:
  /// `hashlib.sha256((5).to_bytes(8, "little") + b"x").digest()`.
  @Test func firstSeededElement() throws {
    let array = NetDescription.StoredArray(name: "x", shape: try Shape([2]), role: .weight)
    #expect(try values(array, seed: 5) == [0.02276118, 0.04231547])
  }
}
