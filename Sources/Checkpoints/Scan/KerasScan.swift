import Arrays

/// The configuration of a Keras model: nested objects with `class_name`, `config` and, since Keras 3, `module`, from which Keras
/// imports the class (keras/src/saving/serialization_lib.py). Older ones name classes of Keras' own only.
struct KerasScan {
  let report: (ScanFinding.Severity, ScanFinding.Rule, _ offset: Int, _ subject: String, _ message: String) -> Void

  func scan(_ value: JSONValue) {
    switch value.content {
    case .array(let values): for value in values { scan(value) }
    case .object(let members):
      look(at: value)
      for member in members {
        if member.key.hasPrefix("py/"), member.key != "py/id", member.key != "py/tuple", member.key != "py/set" {
          report(
            .unknown, .configurationObject, value.offset, member.key,
            "has a member \"\(member.key)\", by which jsonpickle makes Python objects")
        }
        scan(member.value)
      }
    default: break
    }
  }

  /// Layers that run code of their configuration's, or read files that it names.
  private static let harmful = [
    "Lambda": "is a Lambda layer, whose Python code is in the file and runs with the model",
    "__lambda__": "is Python code in the file, which runs with the model",
    "TorchModuleWrapper": "is a layer that reads a pickle of PyTorch's out of the configuration",
    "JaxLayer": "is a layer that makes a function out of the configuration",
    "FlaxLayer": "is a layer that makes a function out of the configuration",
    "TFSMLayer": "is a layer that loads a TensorFlow model from a path",
    "LambdaCallback": "is Python code in the file",
    "PyFunc": "is Python code in the file",
  ]

  private static let lookups = ["StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"]

  private func look(at value: JSONValue) {
    guard let name = try? value["class_name"]?.string() else { return }
    let config = value["config"]
    if let reason = Self.harmful[name] {
      report(.harmful, .kerasLambda, value.offset, name, "\(named(config) ?? name) \(reason)")
    }
    if Self.lookups.contains(name), let path = try? config?["vocabulary"]?.string() {
      report(
        .unknown, .outsidePath, value.offset, path,
        "the layer \(name) reads its vocabulary from the file or address \(path)")
    }
    if name == "TFOpLambda" || name == "SlicingOpLambda", let function = try? config?["function"]?.string(),
      Self.isEffective(function)
    {
      report(.harmful, .kerasObject, value.offset, function, "calls TensorFlow's \(function)")
    }
    for key in ["module", "registered_name"] {
      guard let module = try? value[key]?.string(), key == "module" else { continue }
      check(module, name == "function" ? function(config) : name, value)
    }
  }

  private func function(_ config: JSONValue?) -> String { (try? config?.string()) ?? "a function" }

  private func named(_ config: JSONValue?) -> String? { (try? config?["name"]?.string()).map { "the layer \($0)" } }

  /// Parts of TensorFlow's functions that do more than compute.
  private static func isEffective(_ function: String) -> Bool {
    let parts = function.split(separator: ".").map(String.init)
    return parts.contains {
      ["io", "py_function", "numpy_function", "load_op_library", "load_library", "saved_model", "raw_ops", "data"]
        .contains($0)
    }
  }

  /// Packages of Keras whose classes are layers and what belongs to them.
  private static let packages: Set<String> = [
    "activations", "layers", "models", "initializers", "regularizers", "constraints", "optimizers", "losses", "metrics",
    "dtype_policies", "quantizers", "random", "ops", "mixed_precision", "backend", "trainers", "engine",
    "feature_column",
    "schedules", "premade_models", "applications", "legacy", "preprocessing",
  ]

  /// Packages of Keras whose functions only compute.
  private static let functions: Set<String> = [
    "activations", "losses", "metrics", "initializers", "regularizers", "constraints", "ops", "random",
  ]

  private func check(_ module: String, _ name: String, _ value: JSONValue) {
    if module.isEmpty || module == "builtins" || module == "numpy" { return }
    let parts = module.split(separator: ".").map(String.init)
    let isKeras =
      ["keras", "tf_keras"].contains(parts.first) || module.hasPrefix("tensorflow.keras")
      || module.hasPrefix("tensorflow.python.keras")
    if isKeras {
      let inner = parts.filter {
        !["keras", "tf_keras", "tensorflow", "python", "src", "api", "_tf_keras"].contains($0)
      }
      let isFunction = (try? value["class_name"]?.string()) == "function"
      if inner.isEmpty ? !isFunction : (isFunction ? Self.functions : Self.packages).contains(inner[0]) { return }
    }
    let full = "\(module).\(name)"
    if case .harmful(let reason) = PickleNames.standing(of: module, name) {
      report(.harmful, .kerasObject, value.offset, full, "names \(full), which \(reason)")
    } else {
      report(
        .unknown, .kerasObject, value.offset, full,
        "names \(full), which is no part of Keras and is imported when the model is loaded")
    }
  }
}
