import Arrays
import Families
import TestSupport
import Testing

/// What is inferred of layers, against what the modules are by the libraries that made them (tools/fixtures/fixtures_layers.py).
@Suite struct InferredLayersTests {
  @Test(arguments: ["torch", "keras", "flax"])
  func layersAreThoseOfTheLibrary(_ library: String) throws {
    let nets = try JSONValue(parsing: bytes(of: packageFile("Tests/FamiliesTests/Fixtures/layers/\(library).json")))
    guard case .object(let members) = nets.content else { throw Missing() }
    #expect(!members.isEmpty)
    for net in members {
      let arrays = try net.value.member("arrays").array().map { entry in
        let entry = try entry.array()
        return try (name: entry[0].string(), shape: Shape(entry[1].array().map { try $0.integer() }))
      }
      let inferred = InferredLayers(arrays)
      var wanted: [String: [Int]] = [:]
      guard case .object(let types) = try net.value.member("types").content else { throw Missing() }
      for type in types {
        wanted[type.key] = try [type.value.member("layers").integer(), type.value.member("parameters").integer()]
      }
      let found = Dictionary(
        uniqueKeysWithValues: inferred.types.map { ($0.type.rawValue, [$0.layers, $0.parameters]) })
      #expect(found == wanted, "\(library): \(net.key)")
      #expect(inferred.types.reduce(inferred.otherArrays) { $0 + $1.arrays } == arrays.count)
    }
  }

  private func inferred(_ arrays: (String, [Int])...) throws -> [String] {
    try InferredLayers(arrays.map { try ($0.0, Shape($0.1)) }).types.map { "\($0.type.rawValue) \($0.layers)" }
  }

  /// What may be of one type or another is of none.
  @Test func whatCannotBeToldIsOther() throws {
    #expect(try inferred(("weight", [8, 4])) == [])
    #expect(try inferred(("table.weight", [8, 4])) == [])
    #expect(try inferred(("patch_embed.weight", [8, 4])) == [])
    #expect(try inferred(("conv.weight", [8, 4]), ("conv.bias", [8])) == [])
    #expect(try inferred(("norm.weight", [8]), ("norm.bias", [4])) == [])
    #expect(try inferred(("fc.weight", [8, 4]), ("fc.bias", [5])) == [])
    #expect(try inferred(("pair.weight", [8, 30, 20]), ("pair.bias", [8])) == [])
    #expect(try inferred(("act.weight", [8])) == [])
    #expect(try inferred(("act.weight", [1]), ("act.bias", [1])) == [])
    #expect(try inferred(("norm.shift.weight", [4, 8]), ("query_feat.weight", [30, 8])) == [])
    #expect(try inferred(("w.weight", [400, 8])) == [])
    #expect(try inferred(("mask_tokens.weight", [4, 8]), ("pe_k.weight", [8, 4])) == [])
    // A transposed convolution of as many inputs as outputs, or a convolution: nothing says which.
    #expect(try inferred(("conv5_mask.weight", [8, 8, 2, 2]), ("conv5_mask.bias", [8])) == [])
    #expect(try inferred(("encoder.merge.weight", [8, 8, 2, 2]), ("encoder.merge.bias", [8])) == ["Conv2d 1"])
    #expect(
      try inferred(("lm_head.weight", [400, 8]), ("pwconv1.weight", [16, 4]), ("pwconv1.bias", [16])) == ["Linear 2"])
    #expect(try inferred(("attn.in_proj_weight", [9, 4])) == [])
    #expect(try inferred(("rnn.weight_ih_l0", [10, 4]), ("rnn.weight_hh_l0", [10, 5])) == [])
    #expect(try inferred(("observations.mean", [8]), ("observations.var", [8])) == [])
    #expect(try inferred(("0", [8, 4]), ("exp_avg", [8])) == [])
  }

  @Test func namesOfExportersAreKnown() throws {
    #expect(
      try inferred(("onnx::Conv_12", [8, 3, 3, 3]), ("onnx::Conv_13", [8]), ("onnx::MatMul_20", [8, 4])) == [
        "Linear 1", "Conv2d 1",
      ])
    #expect(
      try inferred(("onnx::LSTM_7", [1, 20, 6]), ("onnx::LSTM_8", [1, 20, 5]), ("onnx::LSTM_9", [1, 40])) == ["LSTM 1"])
    #expect(
      try inferred(
        ("bert/encoder/layer_0/attention/self/query/kernel", [8, 8]),
        ("bert/encoder/layer_0/attention/self/query/bias", [8]),
        ("bert/embeddings/LayerNorm/gamma", [8]), ("bert/embeddings/LayerNorm/beta", [8]),
        ("bert/embeddings/word_embeddings", [30, 8])) == ["Linear 1", "Embedding 1", "Normalization 1"])
    #expect(
      try inferred(
        ("layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE", [3, 3, 3, 8]),
        ("layer_with_weights-0/bias/.ATTRIBUTES/VARIABLE_VALUE", [8])) == ["Conv2d 1"])
    #expect(
      try inferred(("blk.0.attn_q.weight", [8, 8]), ("token_embd.weight", [30, 8]), ("blk.0.attn_norm.weight", [8]))
        == ["Linear 1", "Embedding 1", "Normalization 1"])
    #expect(
      try inferred(("conv2d_0.w_0", [8, 3, 3, 3]), ("bn.w_0", [8]), ("bn.b_0", [8]), ("bn.w_1", [8]), ("bn.w_2", [8]))
        == ["Conv2d 1", "BatchNorm 1"])
    #expect(
      try inferred(("linear/w", [8, 4]), ("linear/b", [4]), ("convolution_1/convolution_1_W", [8, 3, 3, 3])) == [
        "Linear 1", "Conv2d 1",
      ])
  }

  /// Names and shapes of strangers: no arithmetic on them may overflow.
  @Test func strangeNamesAndShapesAreOther() throws {
    let most = Int.max
    #expect(try inferred(("", [4, 4]), (".", [4]), ("weight.", [4]), ("//bias", [3])) == [])
    #expect(try inferred(("\(most).weight", [4, 4]), ("\(Int.min).weight", [4, 4])) == [])
    #expect(
      try inferred(("a.weight_ih", [most, 0]), ("a.weight_hh", [most, 0]), ("b.in_proj_weight", [0, most])) == [])
    #expect(
      try inferred(("dw.kernel", [0, 0, most, most]), ("dw.bias", [4]), ("c.weight", [4, 0, 3, 3]), ("c.bias", [0]))
        == [])
    #expect(try inferred(("lstm.recurrent_kernel", [0, most]), ("lstm.kernel", [most])) == [])
    #expect(
      try inferred(("x/vars/0", []), ("x/vars/1", []), ("y/vars/1", [4]), ("onnx::Conv_", []), ("onnx::_", [4])) == [])
    #expect(try inferred(("parametrizations.weight.original", [4, 4]), ("parametrizations.weight", [4])) == [])
  }

  private struct Missing: Error {}
}
