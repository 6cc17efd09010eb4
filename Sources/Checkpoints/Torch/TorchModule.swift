extension PickleTree {
  /// What an object of a C++ class says of itself, such as the packed weights of a quantized layer (torch/csrc/jit/python/
  /// script_init.cpp): given together with the name of that class. nil for anything else.
  func stateOfScriptObject(_ value: PickleValue) -> PickleValue? {
    guard function(of: value) == "torch.ScriptObject", let state = state(of: value), let items = items(state),
      items.count == 2, case .string = items[1]
    else { return nil }
    return items[0]
  }
}

/// A module (torch.nn.Module) that was pickled whole: an object of whatever class whose state has the dictionaries that
/// every module has (torch/nn/modules/module.py, `Module.__init__`).
struct TorchModule {
  /// In the order of a state dict: parameters, then buffers that are kept.
  let parameters: [(key: String, value: PickleValue)]
  let buffers: [(key: String, value: PickleValue)]
  let modules: [(key: String, value: PickleValue)]
  /// Attributes, and buffers that are not persistent.
  let others: [(key: String, value: PickleValue)]
  let memberCount: Int

  /// nil for anything else.
  init?(_ value: PickleValue, in tree: PickleTree) {
    guard case .object = value, let state = tree.state(of: value), case .dictionary(let index) = state,
      let parameters = tree.member("_parameters", of: state), let modules = tree.member("_modules", of: state),
      let all = tree.pairs(parameters), let inner = tree.pairs(modules)
    else { return nil }
    func named(_ flat: [PickleValue]) -> [(key: String, value: PickleValue)] {
      stride(from: 0, to: flat.count - 1, by: 2).map { position in
        (tree.keyText(flat[position]) ?? "#\(position / 2)", flat[position + 1])
      }
    }
    self.parameters = named(all)
    self.modules = named(inner)
    let buffers = tree.member("_buffers", of: state).flatMap(tree.pairs).map(named) ?? []
    var fleeting: Set<String> = []
    for name in tree.member("_non_persistent_buffers_set", of: state).flatMap(tree.elements) ?? [] {
      if case .string(let name, _) = name { fleeting.insert(name) }
    }
    self.buffers = buffers.filter { !fleeting.contains($0.key) }
    let own: Set<String> = ["_parameters", "_buffers", "_modules"]
    let flat = tree.containers[index]
    others = buffers.filter { fleeting.contains($0.key) } + named(flat).filter { !own.contains($0.key) }
    memberCount = all.count / 2 + inner.count / 2 + buffers.count + flat.count / 2 + fleeting.count
  }
}
