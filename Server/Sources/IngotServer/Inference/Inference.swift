import HTTPTypes
import Hummingbird
import Ingot
import NIOCore

/// The Open Inference Protocol, version 2: nets as such, which take and give tensors.
struct Inference: Sendable {
  let services: Services

  /// Of all nets: they have no versions but the one that is there.
  private static let version = "1"
  private static let headLength = HTTPField.Name("Inference-Header-Content-Length") ?? .contentLength

  func server(_ call: Call) async throws -> Response {
    .json(
      .object([
        "name": "ingot", "version": .string(Ingot.version), "extensions": .strings(["binary_tensor_data"]),
      ]))
  }

  func live(_ call: Call) async throws -> Response { .json(.object(["live": true])) }

  func ready(_ call: Call) async throws -> Response {
    guard try !services.store.list().isEmpty else {
      throw ServiceError(.serviceUnavailable, "there are no nets on the shelf", retryAfter: 5)
    }
    return .json(.object(["ready": true]))
  }

  func modelReady(_ call: Call) async throws -> Response {
    let served = try named(call)
    return .json(.object(["name": .string(served.name), "ready": true]))
  }

  func model(_ call: Call) async throws -> Response {
    let served = try named(call)
    let (inputs, outputs) = try await services.queue.work { work in
      try await work.compute { [store = services.store] in
        do throws(Failure) {
          let nets = try store.open(served)
          return (nets.inputs, nets.outputs)
        } catch {
          throw ServiceError(running: error)
        }
      }
    }
    func told(_ kind: RawTensorKind) -> JSONValue {
      .object([
        "name": .string(kind.name), "datatype": .string(kind.isInteger ? "INT64" : "FP32"),
        "shape": .integers(kind.shape),
      ])
    }
    return .json(
      .object([
        "name": .string(served.name), "versions": .strings([Self.version]), "platform": "ingot",
        "inputs": .array(inputs.map(told)), "outputs": .array(outputs.map(told)), "ingot": served.card,
      ]))
  }

  func infer(_ call: Call) async throws -> Response {
    let served = try named(call)
    let body = try await call.body(in: services.room)
    var text = body.bytes
    var binary: ArraySlice<UInt8> = []
    if let stated = call.request.headers[Self.headLength] {
      guard let length = Int(stated), (0...body.bytes.count).contains(length) else {
        throw ServiceError.badRequest("Inference-Header-Content-Length is not a part of the body's length")
      }
      text = Array(body.bytes[..<length])
      binary = body.bytes[length...]
    }
    let fields = try Fields(parsing: text)
    var tensors: [RawTensor] = []
    for (index, value) in try (fields.array("inputs") ?? []).enumerated() {
      tensors.append(try InferenceTensors.input(Fields(value, at: "inputs[\(index)]"), &binary))
    }
    guard binary.isEmpty else {
      throw ServiceError.badRequest("\(binary.count) bytes behind the JSON are of no input")
    }
    let wanted = try Wanted(fields)
    let made = try await call.connection.whileThere { [services, tensors] in
      defer { withExtendedLifetime(body.share) {} }
      return try await services.queue.work { work in
        try await work.compute {
          do throws(Failure) {
            return try services.store.open(served).run(tensors, most: Limit.requestItems.value)
          } catch  where error.kind == .usage || error.file == nil && error.kind == .badData {
            throw ServiceError.badRequest(error.reason, "inputs")
          } catch {
            throw ServiceError(running: error)
          }
        }
      }
    }
    return try answer(served, fields, wanted, made)
  }

  private func answer(
    _ served: ServedNets, _ fields: Fields, _ wanted: Wanted, _ made: [RawTensor]
  ) throws -> Response {
    var binary: [UInt8] = []
    var outputs: [JSONValue] = []
    for name in wanted.names ?? made.map(\.name) {
      guard let tensor = made.first(where: { $0.name == name }) else {
        throw ServiceError.badRequest(
          "there is no output \(name.prefix(60)); there is \(made.map(\.name).joined(separator: ", "))", "outputs")
      }
      outputs.append(InferenceTensors.output(tensor, &binary, isBinary: wanted.binary[name] ?? wanted.isBinary))
    }
    let head: JSONValue = .object([
      "model_name": .string(served.name), "model_version": .string(Self.version),
      "id": try fields.string("id").map { .string($0) }, "outputs": .array(outputs),
    ])
    guard !binary.isEmpty else { return .json(head) }
    let text = Array(head.compactText.utf8)
    return Response(
      status: .ok, headers: [.contentType: "application/octet-stream", Self.headLength: String(text.count)],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: text + binary)))
  }

  /// - Throws: `ServiceError` with 404.
  private func named(_ call: Call) throws -> ServedNets {
    if let version = call.names["version"], version != Self.version {
      throw ServiceError(.notFound, "the model has one version, \(Self.version)")
    }
    return try services.store.named(call.name("model"))
  }

  /// Which outputs, and how.
  private struct Wanted {
    /// nil: all.
    var names: [String]?
    var binary: [String: Bool] = [:]
    var isBinary: Bool

    init(_ fields: Fields) throws {
      isBinary = try fields.fields("parameters")?.boolean("binary_data_output") ?? false
      guard let outputs = try fields.array("outputs"), !outputs.isEmpty else { return }
      var names: [String] = []
      for (index, value) in outputs.enumerated() {
        let output = try Fields(value, at: "outputs[\(index)]")
        let name = try output.requiredString("name")
        names.append(name)
        guard let parameters = try output.fields("parameters") else { continue }
        try parameters.refuse("classification", unless: [0], "outputs are told whole")
        if let flag = try parameters.boolean("binary_data") { binary[name] = flag }
      }
      self.names = names
    }
  }
}
