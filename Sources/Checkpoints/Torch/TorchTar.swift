import Arrays

/// PyTorch's first form, a tar archive.
enum TorchTar {
  /// Whether a tar archive is one, by the name of its first member (torch/serialization.py, `legacy_load`).
  static func isOne(_ file: any Source) throws(Failure) -> Bool {
    let name = try file.bytes(min(file.size, 100), at: 0).prefix { $0 != 0 }
    return ["sys_info", "pickle", "storages", "tensors"].contains { name.elementsEqual($0.utf8) }
  }
}
