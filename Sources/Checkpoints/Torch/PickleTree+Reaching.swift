extension PickleTree {
  /// The number of a container or object among all; nil for values that hold nothing.
  func node(_ value: PickleValue) -> Int? {
    switch value {
    case .tuple(let index), .list(let index), .set(let index), .dictionary(let index): index
    case .object(let index): containers.count + index
    default: nil
    }
  }

  /// By container, then by object: whether it is one of `wanted`, or holds one however deep. Looks at every value once: the
  /// way goes from what is wanted to what holds it, so that neither depth nor what is shared costs more.
  func holding(_ wanted: [Int]) -> [Bool] {
    let count = containers.count + objects.count
    // Who holds a node, as one list of all holders and where each node's begin in it.
    var starts = [Int32](repeating: 0, count: count + 1)
    forEachEdge { _, held in starts[held + 1] += 1 }
    for index in 0..<count { starts[index + 1] += starts[index] }
    var next = starts
    var holders = [Int32](repeating: 0, count: Int(starts[count]))
    forEachEdge { holder, held in
      holders[Int(next[held])] = Int32(holder)
      next[held] += 1
    }
    var found = [Bool](repeating: false, count: count)
    var queue: [Int] = []
    for node in wanted where !found[node] {
      found[node] = true
      queue.append(node)
    }
    while let node = queue.popLast() {
      for holder in holders[Int(starts[node])..<Int(starts[node + 1])] where !found[Int(holder)] {
        found[Int(holder)] = true
        queue.append(Int(holder))
      }
    }
    return found
  }

  private func forEachEdge(_ body: (_ holder: Int, _ held: Int) -> Void) {
    for (index, items) in containers.enumerated() {
      for item in items { if let held = node(item) { body(index, held) } }
    }
    for (index, object) in objects.enumerated() {
      let holder = containers.count + index
      body(holder, object.arguments)
      if let items = object.items { body(holder, items) }
      if let pairs = object.pairs { body(holder, pairs) }
      if let held = object.keywords.flatMap(node) { body(holder, held) }
      for state in object.states { if let held = node(state) { body(holder, held) } }
    }
  }
}
