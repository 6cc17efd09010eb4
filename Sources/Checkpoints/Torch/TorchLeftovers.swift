import Arrays

/// What there is in a file beside the arrays that are taken, a line each.
struct TorchLeftovers {
  private(set) var lines: [Leftover] = []
  private var others = 0

  private let found: TorchParts
  private let weights: TorchWeights?

  static let mostLines = 200

  /// - Parameter weights: nil: all arrays are taken.
  init(_ found: TorchParts, _ weights: TorchWeights?) {
    self.found = found
    self.weights = weights
    tell(0)
    for (name, why) in found.unreadable { add(name, why) }
    if others > 0 { lines.append(Leftover(name: "…", what: "\(others) more")) }
  }

  private mutating func add(_ name: String, _ what: String) {
    if lines.count < Self.mostLines { lines.append(Leftover(name: name, what: what)) } else { others += 1 }
  }

  /// What of a part is no array, and what of it is left out, in the order of the file.
  private mutating func tell(_ index: Int) {
    let part = found.parts[index]
    if part.isModule {
      let attributes = part.all.filter { !found.tensors[$0].isOfState }
      if weights != nil, !attributes.isEmpty {
        add(
          part.path.isEmpty ? "attributes" : "\(part.path), attributes",
          "\(size(attributes)) that a state dict has not: attributes, and buffers that are not persistent")
      }
      return
    }
    var inner: [Int: Int] = [:]
    for part in part.parts { if let node = found.tree.node(found.parts[part].value) { inner[node] = part } }
    var told: Set<Int> = []
    for (key, value) in members(of: part.value) {
      if let node = found.tree.node(value), let part = inner[node] {
        if told.insert(part).inserted { tellPart(part) }
      } else if !found.reader.isTensor(value), !found.holdsArrays(value) {
        let isUsual = isProgram(part.value) && Self.usualFlags.contains { found.tree.isText(key, $0) }
        guard !isUsual else { continue }
        guard lines.count < Self.mostLines else {
          others += 1
          continue
        }
        let name = found.tree.keyText(key) ?? "…"
        add(part.path.isEmpty ? name : "\(part.path).\(name)", found.tree.description(of: value, found.reader))
      }
    }
    // Parts that stand in what is no member, such as an argument.
    for part in part.parts where told.insert(part).inserted { tellPart(part) }
    for array in part.arrays where weights?.strays.contains(array) == true {
      let tensor = found.tensors[array]
      add(tensor.name, "\(tensor.view.elementType.rawValue), \(tensor.view.shape)")
    }
  }

  private mutating func tellPart(_ part: Int) {
    guard let why = weights?.leftOut[part] else { return tell(part) }
    add(found.parts[part].path, (why.isEmpty ? "" : "\(why): ") + size(Array(found.parts[part].all)))
  }

  /// What each object of a TorchScript program has.
  private static let usualFlags = ["training", "_is_full_backward_hook"]

  private func isProgram(_ value: PickleValue) -> Bool {
    found.tree.function(of: value)?.hasPrefix("__torch__.") == true
  }

  private func size(_ tensors: [Int]) -> String {
    let bytes = tensors.reduce(0) { sum, index in
      let view = found.tensors[index].view
      return sum &+ ((try? view.shape.bytes(of: view.elementType)) ?? 0)
    }
    return counted(arrays: tensors.count, bytes: bytes)
  }

  private func members(of value: PickleValue) -> [(key: PickleValue, value: PickleValue)] {
    let tree = found.tree
    func pairs(_ flat: [PickleValue]) -> [(key: PickleValue, value: PickleValue)] {
      stride(from: 0, to: flat.count - 1, by: 2).map { (flat[$0], flat[$0 + 1]) }
    }
    if let items = tree.items(value) { return items.enumerated().map { (.integer($0), $1) } }
    var out = tree.pairs(value).map(pairs) ?? []
    if let state = tree.state(of: value), let flat = tree.pairs(state) { out += pairs(flat) }
    return out
  }
}

extension PickleTree {
  /// What a value is, in words; an object is not looked into.
  func description(of value: PickleValue, _ reader: TensorReader) -> String {
    func members(_ index: Int) -> String {
      containers[index].count == 1 ? "1 item" : "\(containers[index].count) items"
    }
    switch value {
    case .none: return "None"
    case .boolean(let value): return value ? "True" : "False"
    case .integer(let number): return "\(number)"
    case .largeInteger: return "a number of more than 64 bits"
    case .float(let number): return "\(number)"
    case .string(let text, _), .latin(let text, _): return "\"\(shortened(text, to: 80))\""
    case .bytes(_, let count): return byteCount(count)
    case .buffer: return "bytes that are not in the file"
    case .tuple(let index): return "a tuple of \(members(index))"
    case .list(let index): return "a list of \(members(index))"
    case .set(let index): return "a set of \(members(index))"
    case .dictionary(let index):
      let count = containers[index].count / 2
      return "a dictionary of \(count) \(count == 1 ? "member" : "members")"
    case .global(let index): return "the name \(shortened(globals[index], to: 80))"
    case .object:
      return reader.numpyScalar(value)
        ?? "an object of \(shortened(className(of: value) ?? "a class that is not named", to: 80))"
    case .persistent(let index):
      if let storage = try? TorchStorage(index, in: self) {
        return "a storage" + (storage.bytes.map { " of \(byteCount($0))" } ?? "")
      }
      return global(value).map { "the name \(shortened($0, to: 80))" } ?? "something kept outside the pickle"
    }
  }
}
