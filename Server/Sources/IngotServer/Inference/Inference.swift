import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests
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
    let request = try InferenceRequest(body.bytes, headLength: call.request.headers[Self.headLength])
    let made = try await call.connection.whileThere { [services, request] in
      defer { withExtendedLifetime(body.share) {} }
      return try await services.queue.work { work in
        try await work.compute {
          do throws(Failure) {
            return try services.store.open(served).run(request.tensors, most: Limit.requestItems.value)
          } catch  where error.kind == .usage || error.file == nil && error.kind == .badData {
            throw ServiceError.badRequest(error.reason, "inputs")
          } catch {
            throw ServiceError(running: error)
          }
        }
      }
    }
    return try answer(served, request, made)
  }

  private func answer(
    _ served: ServedNets, _ request: InferenceRequest, _ made: [RawTensor]
  ) throws -> Response {
    var binary: [UInt8] = []
    var outputs: [JSONValue] = []
    for name in request.names ?? made.map(\.name) {
      guard let tensor = made.first(where: { $0.name == name }) else {
        throw ServiceError.badRequest(
          "there is no output \(excerpt(name, 60)); there is \(made.map(\.name).joined(separator: ", "))", "outputs")
      }
      outputs.append(InferenceTensors.output(tensor, &binary, isBinary: request.isBinary(name)))
    }
    let head: JSONValue = .object([
      "model_name": .string(served.name), "model_version": .string(Self.version),
      "id": request.id.map { .string($0) }, "outputs": .array(outputs),
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
}
