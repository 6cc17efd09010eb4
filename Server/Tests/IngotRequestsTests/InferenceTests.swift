import Ingot
import IngotRequests
import Testing

/// Tensors of the Open Inference Protocol, in JSON and behind it.
@Suite struct InferenceTests {
  private func floats(_ tensor: RawTensor) -> [Float]? {
    if case .floats(let all) = tensor.values { all } else { nil }
  }

  private func integers(_ tensor: RawTensor) -> [Int]? {
    if case .integers(let all) = tensor.values { all } else { nil }
  }

  /// As the protocol's own example nests them, or flat.
  @Test(arguments: ["[[1,2],[3,4]]", "[1,2,3,4]"])
  func inJSON(data: String) throws {
    let text = """
      {"id": "42", "inputs": [
        {"name": "a", "shape": [2, 2], "datatype": "INT64", "data": \(data)},
        {"name": "b", "shape": [2, 2], "datatype": "FP32", "data": \(data)}],
       "outputs": [{"name": "c"}]}
      """
    let request = try InferenceRequest(Array(text.utf8), headLength: nil)
    #expect(request.id == "42" && request.names == ["c"] && !request.isBinary("c"))
    #expect(integers(request.tensors[0]) == [1, 2, 3, 4] && floats(request.tensors[1]) == [1, 2, 3, 4])
    #expect(request.tensors.allSatisfy { $0.shape == [2, 2] })
  }

  /// Bytes of IEEE 754 and of two's complement, the lowest first.
  @Test func behindJSON() throws {
    func input(_ name: String, _ type: String, _ bytes: Int) -> String {
      #"{"name":"\#(name)","datatype":"\#(type)","shape":[1],"parameters":{"binary_data_size":\#(bytes)}}"#
    }
    let text = Array(
      #"""
      {"inputs":[\#(input("a", "FP32", 4)),\#(input("b", "FP64", 8)),\#(input("c", "INT32", 4)),\#(input("d", "INT64", 8))],
       "parameters":{"binary_data_output":true},"outputs":[{"name":"e","parameters":{"binary_data":false}},{"name":"f"}]}
      """#.utf8)
    let data: [UInt8] =
      [0, 0, 0xc0, 0x3f] + [0, 0, 0, 0, 0, 0, 0xe0, 0xbf] + [0xfe, 0xff, 0xff, 0xff]
      + [0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    let request = try InferenceRequest(text + data, headLength: "\(text.count)")
    #expect(floats(request.tensors[0]) == [1.5] && floats(request.tensors[1]) == [-0.5])
    #expect(integers(request.tensors[2]) == [-2] && integers(request.tensors[3]) == [-7])
    #expect(!request.isBinary("e") && request.isBinary("f"))
    for (head, body) in [
      ("\(text.count)", text + data + [0]), ("\(text.count)", text + data.dropLast()),
      ("\(text.count + 30)", text + data),
      ("-1", text + data), ("1e2", text + data), ("", text + data),
    ] {
      #expect(refusal { try InferenceRequest(body, headLength: head) }?.status == .badRequest, "\(head)")
    }
  }

  @Test(arguments: [
    (#"{"name":"a","datatype":"BYTES","shape":[1],"data":["x"]}"#, "inputs[0].datatype"),
    (#"{"name":"a","datatype":"INT64","shape":[2],"data":[1]}"#, "inputs[0].shape"),
    (#"{"name":"a","datatype":"INT64","shape":[-1],"data":[1]}"#, "inputs[0].shape"),
    (#"{"name":"a","datatype":"INT64","shape":[4611686018427387904,4],"data":[]}"#, "inputs[0].shape"),
    (#"{"name":"a","datatype":"INT64","shape":[1],"data":[1.5]}"#, "inputs[0].data"),
    (#"{"name":"a","datatype":"FP32","shape":[1],"data":["1"]}"#, "inputs[0].data"),
    (#"{"name":"a","datatype":"FP32","shape":[1]}"#, "inputs[0].data"),
    (
      #"{"name":"a","datatype":"FP32","shape":[0],"parameters":{"binary_data_size":-4}}"#,
      "inputs[0].parameters.binary_data_size"
    ),
    (#"{"datatype":"FP32","shape":[1],"data":[1]}"#, "inputs[0].name"),
  ])
  func wrongTensors(input: String, parameter: String) {
    let told = refusal { try InferenceRequest(Array(#"{"inputs":[\#(input)]}"#.utf8), headLength: nil) }
    #expect(told?.status == .badRequest && told?.parameter == parameter, "\(told?.message ?? "it is taken")")
  }
}
