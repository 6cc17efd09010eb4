import Arrays

/// What an ONNX file holds besides the net's structure: its tensors and what its writer noted (onnx.proto). The structure
/// is walked for the tensors in it; their data are passed over.
struct ONNXModel {
  /// A tensor, or numbers of an attribute, under a name that no other has.
  struct Entry {
    enum Content {
      case tensor(ONNXTensor)
      /// Of an attribute that is no tensor; its dimensions are to be counted where it is a list.
      case numbers(ONNXElements, isList: Bool)
    }

    let name: String
    let content: Content
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]
  private var cursor: FileCursor
  private var names = UniqueNames()
  private let length: Int

  /// Graphs in graphs.
  static let mostDepth = 16

  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(_ file: any Source) throws(Failure) {
    length = file.size
    cursor = FileCursor(file, 0..<file.size)
    try readModel()
  }

  private mutating func readModel() throws(Failure) {
    var trainings = 0
    var hasGraph = false
    while let field = try ProtobufField(&cursor, end: length) {
      switch field.number {
      case 1: try note("ir_version", field)
      case 2: metadata["producer_name"] = try field.note(&cursor, "producer_name")
      case 3: metadata["producer_version"] = try field.note(&cursor, "producer_version")
      case 4: metadata["domain"] = try field.note(&cursor, "domain")
      case 5: try note("model_version", field)
      case 6: metadata["doc_string"] = try field.note(&cursor, "doc_string")
      case 7:
        guard !hasGraph else { throw Failure(.badData, place: "byte \(field.place)", "a model with two graphs") }
        hasGraph = true
        try graph(field, "the model's graph", prefix: "", depth: 1)
      case 8: try readOperators(field)
      case 14:
        let entry = try ONNXEntry(&cursor, field, "metadata_props")
        metadata["metadata_props.\(entry.key)"] = entry.value
        try checkMetadata()
      case 20:
        try training(field, "training_info.\(trainings).")
        trainings += 1
      case 25: try function(field)
      default: break
      }
      cursor.move(to: field.range.upperBound)
    }
    guard hasGraph else { throw Failure(.badData, "is an ONNX model without a graph", hint: Failure.truncationHint) }
  }

  private func checkMetadata() throws(Failure) { try Limit.metadata.check(metadata.count, "entries of metadata") }

  private mutating func note(_ name: String, _ field: ProtobufField) throws(Failure) {
    try field.expect(.varint, name)
    metadata[name] = "\(Int64(bitPattern: field.value))"
  }

  /// A set of operators and its version.
  private mutating func readOperators(_ field: ProtobufField) throws(Failure) {
    try field.expect(.bytes, "opset_import")
    var (domain, version) = ("", "")
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      switch part.number {
      case 1: domain = try part.note(&cursor, "an operator set's domain")
      case 2:
        try part.expect(.varint, "an operator set's version")
        version = "\(Int64(bitPattern: part.value))"
      default: break
      }
      cursor.move(to: part.range.upperBound)
    }
    metadata["opset_import" + (domain.isEmpty ? "" : ".\(domain)")] = version
    try checkMetadata()
  }

  private mutating func training(_ field: ProtobufField, _ prefix: String) throws(Failure) {
    try field.expect(.bytes, "training_info")
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 1 { try graph(part, "a graph", prefix: prefix + "initialization.", depth: 1) }
      if part.number == 2 { try graph(part, "a graph", prefix: prefix + "algorithm.", depth: 1) }
      cursor.move(to: part.range.upperBound)
    }
  }

  /// Nodes that stand for one; its name may stand behind them.
  private mutating func function(_ field: ProtobufField) throws(Failure) {
    try field.expect(.bytes, "a function")
    var (name, domain) = ("", "")
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 1 { name = try part.text(&cursor, "a function's name", most: mostONNXName) }
      if part.number == 10 { domain = try part.text(&cursor, "a function's domain", most: mostONNXName) }
      cursor.move(to: part.range.upperBound)
    }
    let prefix = (domain.isEmpty ? "" : domain + ".") + name + "."
    cursor.move(to: field.range.lowerBound)
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 7 { try node(part, prefix: prefix, depth: 1) }
      cursor.move(to: part.range.upperBound)
    }
  }

  private mutating func graph(
    _ field: ProtobufField, _ what: String, prefix: String, depth: Int
  ) throws(Failure) {
    try field.expect(.bytes, what)
    guard depth <= ONNXModel.mostDepth else {
      throw Failure(.badData, place: "byte \(field.place)", "graphs in graphs, more than \(ONNXModel.mostDepth) deep")
    }
    var own: Set<[UInt8]> = []
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      switch part.number {
      case 1: try node(part, prefix: prefix, depth: depth)
      case 5:
        try part.expect(.bytes, "an initializer")
        let tensor = try ONNXTensor(&cursor, part.range)
        try check(tensor.name, part, &own)
        try add(prefix + tensor.name, .tensor(tensor))
      case 15: try sparse(part, prefix: prefix, name: nil, &own)
      default: break
      }
      cursor.move(to: part.range.upperBound)
    }
  }

  /// Of one graph, no two initializers may have one name.
  private func check(_ name: String, _ field: ProtobufField, _ own: inout Set<[UInt8]>) throws(Failure) {
    guard own.insert(Array(name.utf8)).inserted else {
      throw Failure(.badData, place: "byte \(field.place)", "array \"\(name)\": is there twice in one graph")
    }
  }

  /// A sparse tensor: an array of its values, which has its name, and one of where they are.
  private mutating func sparse(
    _ field: ProtobufField, prefix: String, name: String?, _ own: inout Set<[UInt8]>
  ) throws(Failure) {
    try field.expect(.bytes, "a sparse tensor")
    var (values, indices): (ONNXTensor?, ONNXTensor?) = (nil, nil)
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 1 || part.number == 2 {
        try part.expect(.bytes, "a part of a sparse tensor")
        let tensor = try ONNXTensor(&cursor, part.range)
        if part.number == 1 { values = tensor } else { indices = tensor }
      }
      cursor.move(to: part.range.upperBound)
    }
    guard let values, let indices else {
      throw Failure(.badData, place: "byte \(field.place)", "a sparse tensor without values or indices")
    }
    if name == nil { try check(values.name, field, &own) }
    let name = prefix + (name ?? values.name)
    try add(name + ".values", .tensor(values))
    try add(name + ".indices", .tensor(indices))
  }

  /// An operation: a constant is an array by the name of what it gives; tensors of other attributes are named by the node.
  /// Most have no tensors, and only those that do are looked at closely.
  private mutating func node(_ field: ProtobufField, prefix: String, depth: Int) throws(Failure) {
    try field.expect(.bytes, "a node")
    var (name, output, type): (ProtobufField?, ProtobufField?, ProtobufField?) = (nil, nil, nil)
    var holdsTensors = false
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      switch part.number {
      case 2: output = output ?? part
      case 3: name = part
      case 4: type = part
      case 5:
        try part.expect(.bytes, "an attribute")
        while let inner = try ProtobufField(&cursor, end: part.range.upperBound) {
          holdsTensors = holdsTensors || [5, 6, 10, 11, 22, 23].contains(inner.number)
          cursor.move(to: inner.range.upperBound)
        }
      default: break
      }
      cursor.move(to: part.range.upperBound)
    }
    guard holdsTensors || type?.range.count == "Constant".utf8.count else { return }
    let kind = try text(type, "a node's op_type")
    guard holdsTensors || kind == "Constant" else { return }
    let given = output == nil ? nil : try text(output, "a node's output")
    let own = try text(name, "a node's name")
    let place = own.isEmpty ? given ?? kind : own
    cursor.move(to: field.range.lowerBound)
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 5 {
        try attribute(part, constant: kind == "Constant" ? given : nil, node: place, prefix: prefix, depth: depth)
      }
      cursor.move(to: part.range.upperBound)
    }
  }

  /// The text of a field that was passed before; empty where there is none.
  private mutating func text(_ field: ProtobufField?, _ what: String) throws(Failure) -> String {
    guard let field else { return "" }
    cursor.move(to: field.range.lowerBound)
    return try field.text(&cursor, what, most: mostONNXName)
  }

  private mutating func attribute(
    _ field: ProtobufField, constant: String?, node: String, prefix: String, depth: Int
  ) throws(Failure) {
    try field.expect(.bytes, "an attribute")
    var name = ""
    var held: Set<Int> = []
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      if part.number == 1 { name = try part.text(&cursor, "an attribute's name", most: mostONNXName) }
      held.insert(part.number)
      cursor.move(to: part.range.upperBound)
    }
    // Of a constant, `value` and its kin are what it is.
    if let constant { try numbers(field, name, prefix + constant, held) }
    guard !held.isDisjoint(with: [5, 6, 10, 11, 22, 23]) else { return }
    let isValue = constant != nil && (name == "value" || name == "sparse_value")
    let own = isValue ? constant ?? "" : "\(node).\(name)"
    var (tensors, graphs) = (0, 0)
    func numbered(_ count: Int) -> String { count == 0 ? own : "\(own).\(count)" }
    cursor.move(to: field.range.lowerBound)
    while let part = try ProtobufField(&cursor, end: field.range.upperBound) {
      switch part.number {
      case 5, 10:
        try part.expect(.bytes, "an attribute's tensor")
        try add(prefix + numbered(tensors), .tensor(ONNXTensor(&cursor, part.range)))
        tensors += 1
      case 22, 23:
        var none: Set<[UInt8]> = []
        try sparse(part, prefix: prefix, name: numbered(tensors), &none)
        tensors += 1
      case 6, 11:
        try graph(part, "an attribute's graph", prefix: prefix + numbered(graphs) + ".", depth: depth + 1)
        graphs += 1
      default: break
      }
      cursor.move(to: part.range.upperBound)
    }
  }

  /// A constant of numbers that are no tensor.
  private mutating func numbers(
    _ field: ProtobufField, _ name: String, _ own: String, _ held: Set<Int>
  ) throws(Failure) {
    let forms: [(name: String, field: Int, type: ElementType, isList: Bool)] = [
      ("value_float", 2, .float32, false), ("value_int", 3, .int64, false), ("value_floats", 7, .float32, true),
      ("value_ints", 8, .int64, true),
    ]
    guard let form = forms.first(where: { $0.name == name }), form.isList || held.contains(form.field) else { return }
    try add(
      own, .numbers(ONNXElements(range: field.range, field: form.field, type: form.type), isList: form.isList))
  }

  private mutating func add(_ name: String, _ content: Entry.Content) throws(Failure) {
    guard entries.count < Limit.arrays.value else {
      throw Limit.arrays.failure("has more than \(Limit.arrays.value) arrays")
    }
    // Nodes need no names, and several may have the same.
    entries.append(Entry(name: names.taken(name), content: content))
  }
}
