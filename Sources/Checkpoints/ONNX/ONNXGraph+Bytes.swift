import Arrays

extension ONNXGraph {
  /// A whole ONNX file (source of the fields' numbers: onnx.proto).
  /// - Parameters:
  ///   - weights: name of the file beside it that external data are in.
  ///   - producer: name and version of the program that writes it.
  ///   - metadata: texts by their keys, each once.
  /// - Throws: `Failure` of kind `badData` for elements that ONNX has no type for.
  public func fileBytes(
    weights: String, producer: (name: String, version: String), metadata: [(key: String, value: String)]
  ) throws(Failure) -> [UInt8] {
    try checkTypes()
    var model = ProtobufMessage()
    model.integer(1, Self.irVersion)
    model.text(2, producer.name)
    model.text(3, producer.version)
    model.message(7) { write(weights, &$0) }
    model.message(8) { set in
      set.text(1, "")
      set.integer(2, Self.operators)
    }
    for (key, value) in metadata { model.message(14) { Self.write(key, value, &$0) } }
    return model.bytes
  }

  private func checkTypes() throws(Failure) {
    let types = initializers.map { ($0.name, $0.elementType) } + (inputs + outputs).map { ($0.name, $0.elementType) }
    for (name, type) in types where ONNXType.number(of: type) == nil {
      throw Failure(
        .badData, place: "\"\(name)\"", "is \(type.rawValue), which ONNX files have no type for",
        hint: "export nets of float32, float16, bfloat16 or int8")
    }
    for node in nodes {
      for case .graph(let inner) in node.attributes.map(\.value) { try inner.checkTypes() }
    }
  }

  /// Types were checked.
  private static func number(of type: ElementType) -> Int { ONNXType.number(of: type) ?? 0 }

  private func write(_ weights: String, _ graph: inout ProtobufMessage) {
    for node in nodes { graph.message(1) { Self.write(node, weights, &$0) } }
    graph.text(2, name)
    for tensor in initializers { graph.message(5) { Self.write(tensor, weights, &$0) } }
    for port in inputs { graph.message(11) { Self.write(port, &$0) } }
    for port in outputs { graph.message(12) { Self.write(port, &$0) } }
  }

  private static func write(_ key: String, _ value: String, _ entry: inout ProtobufMessage) {
    entry.text(1, key)
    entry.text(2, value)
  }

  private static func write(_ node: Node, _ weights: String, _ message: inout ProtobufMessage) {
    for input in node.inputs { message.text(1, input) }
    for output in node.outputs { message.text(2, output) }
    message.text(3, node.name)
    message.text(4, node.type)
    for attribute in node.attributes { message.message(5) { write(attribute, weights, &$0) } }
  }

  /// With the number of the kind of attribute, `AttributeProto.AttributeType`, which is required.
  private static func write(_ attribute: Attribute, _ weights: String, _ message: inout ProtobufMessage) {
    message.text(1, attribute.name)
    switch attribute.value {
    case .float(let number):
      message.float(2, number)
      message.integer(20, 1)
    case .integer(let number):
      message.integer(3, number)
      message.integer(20, 2)
    case .type(let type):
      message.integer(3, number(of: type))
      message.integer(20, 2)
    case .graph(let graph):
      message.message(6) { graph.write(weights, &$0) }
      message.integer(20, 5)
    case .integers(let numbers):
      for number in numbers { message.integer(8, number) }
      message.integer(20, 7)
    }
  }

  private static func write(_ tensor: Initializer, _ weights: String, _ message: inout ProtobufMessage) {
    for size in tensor.dimensions { message.integer(1, size) }
    message.integer(2, number(of: tensor.elementType))
    message.text(8, tensor.name)
    switch tensor.data {
    case .bytes(let bytes): message.bytes(9, bytes)
    case .external(let offset, let bytes):
      for (key, value) in [("location", weights), ("offset", "\(offset)"), ("length", "\(bytes)")] {
        message.message(13) { write(key, value, &$0) }
      }
      message.integer(14, 1)
    }
  }

  private static func write(_ port: Port, _ message: inout ProtobufMessage) {
    message.text(1, port.name)
    message.message(2) { typed in
      typed.message(1) { tensor in
        tensor.integer(1, number(of: port.elementType))
        tensor.message(2) { shape in
          for extent in port.shape {
            shape.message(1) { dimension in
              switch extent {
              case .fixed(let size): dimension.integer(1, size)
              case .named(let name): dimension.text(2, name)
              }
            }
          }
        }
      }
    }
  }
}
