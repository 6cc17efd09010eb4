import Ingot
import IngotRequests

extension RequestTarget {
  /// The header that says where JSON ends, as a line; then the body.
  static let inference = RequestTarget("request-inference") { bytes in
    let head = bytes.prefix { $0 != 0x0a }
    let request = try InferenceRequest(
      Array(bytes.dropFirst(head.count + 1)), headLength: head.isEmpty ? nil : String(decoding: head, as: UTF8.self))
    for tensor in request.tensors {
      let elements = tensor.shape.reduce(1, *)
      try expect(elements == bits(tensor).count, "\(bits(tensor).count) elements of \(tensor.shape)")
    }
    // Sent again as answers have them, both in JSON and behind it, they are the same to the bit.
    for isBinary in [true, false] where isBinary || request.tensors.allSatisfy({ isFinite($0) }) {
      var data: [UInt8] = []
      let inputs = request.tensors.map { InferenceTensors.output($0, &data, isBinary: isBinary) }
      let text = Array(JSONValue.object(["inputs": .array(inputs)]).compactText.utf8)
      let again = try sure("the same tensors again") {
        try InferenceRequest(text + data, headLength: isBinary ? "\(text.count)" : nil)
      }
      let areSame = zip(again.tensors, request.tensors).allSatisfy { one, other in
        one.name == other.name && one.shape == other.shape && bits(one) == bits(other)
      }
      try expect(areSame && again.tensors.count == request.tensors.count, "other tensors when sent again")
    }
  }

  private static func bits(_ tensor: RawTensor) -> [UInt64] {
    switch tensor.values {
    case .floats(let all): all.map { UInt64($0.bitPattern) }
    case .integers(let all): all.map { UInt64(bitPattern: Int64($0)) }
    }
  }

  private static func isFinite(_ tensor: RawTensor) -> Bool {
    if case .floats(let all) = tensor.values { all.allSatisfy { $0.isFinite } } else { true }
  }
}
