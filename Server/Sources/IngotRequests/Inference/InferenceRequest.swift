import Ingot

/// The body of `POST /v2/models/NAME/infer`: JSON, and behind it the data of tensors that are sent as they are.
package struct InferenceRequest: Sendable {
  /// What the client calls the request.
  package let id: String?
  package private(set) var tensors: [RawTensor] = []
  /// Outputs by their names; nil: all.
  package let names: [String]?
  private let binary: [String: Bool]
  private let isBinary: Bool

  /// - Parameter headLength: what `Inference-Header-Content-Length` says: how much of the body is JSON.
  /// - Throws: `ServiceError` with 400.
  package init(_ body: [UInt8], headLength: String?) throws {
    var text = body
    var data: ArraySlice<UInt8> = []
    if let headLength {
      guard let length = Int(headLength), (0...body.count).contains(length) else {
        throw ServiceError.badRequest("Inference-Header-Content-Length is not a part of the body's length")
      }
      text = Array(body[..<length])
      data = body[length...]
    }
    let fields = try Fields(parsing: text)
    id = try fields.string("id")
    for (index, value) in try (fields.array("inputs") ?? []).enumerated() {
      tensors.append(try InferenceTensors.input(Fields(value, at: "inputs[\(index)]"), &data))
    }
    guard data.isEmpty else {
      throw ServiceError.badRequest("\(data.count) bytes behind the JSON are of no input")
    }
    isBinary = try fields.fields("parameters")?.boolean("binary_data_output") ?? false
    var names: [String] = []
    var binary: [String: Bool] = [:]
    for (index, value) in (try fields.array("outputs") ?? []).enumerated() {
      let output = try Fields(value, at: "outputs[\(index)]")
      let name = try output.requiredString("name")
      names.append(name)
      guard let parameters = try output.fields("parameters") else { continue }
      try parameters.refuse("classification", unless: [0], "outputs are told whole")
      if let flag = try parameters.boolean("binary_data") { binary[name] = flag }
    }
    self.names = names.isEmpty ? nil : names
    self.binary = binary
  }

  /// Whether an output is wanted behind the JSON.
  package func isBinary(_ name: String) -> Bool { binary[name] ?? isBinary }
}
