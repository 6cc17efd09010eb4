import Arrays

extension TorchContents {
  /// A file of before PyTorch 1.6: pickles of a magic number, a protocol version, facts about the writer's machine, the
  /// object and the list of storages; then for each storage eight bytes of count and its elements.
  ///
  /// A pickle that torch.save did not write, such as Detectron2's of NumPy arrays, is read by itself.
  init(legacy file: any Source) throws(Failure) {
    guard try LegacyHead.isOne(file) else {
      self = try Self.pickle(file)
      return
    }
    let most = min(file.size, Limit.pickleBytes.value)
    var length = min(most, 1 << 20)
    while true {
      let bytes = try file.bytes(length, at: 0)
      do throws(Failure) {
        let head = try LegacyHead(bytes)
        self = TorchContents(legacy: head.tree, storages: try head.storages(in: file))
        return
      } catch {
        // The pickles' length stands nowhere: read more until they end.
        guard error.reason == PickleParser.endsEarly else { throw error }
        guard length < most else {
          guard most < file.size else { throw error }
          throw Limit.pickleBytes.failure(
            place: error.place, "the pickles go on after \(most) bytes, all that are read")
        }
        length = min(2 * length, most)
      }
    }
  }
}

extension TorchContents {
  /// A file that is one pickle and nothing else: pickle.dump's.
  private static func pickle(_ file: any Source) throws(Failure) -> TorchContents {
    try Limit.pickleBytes.check(file.size, "bytes")
    var parser = PickleParser(try file.bytes(file.size, at: 0), name: "pickle")
    let tree = try parser.parse()
    guard parser.position == file.size else {
      throw Failure(
        .badData, place: "byte \(parser.position)", "\(byteCount(file.size - parser.position)) after the pickle",
        hint: "only what pickle.dump or torch.save wrote by one call can be read")
    }
    return TorchContents(pickle: tree)
  }
}

/// The pickles of the older form.
private struct LegacyHead {
  let tree: PickleTree
  /// Bytes by storage.
  private let sizes: [String: Int]
  /// Storages in the order of their data.
  private let keys: [String]
  private let end: Int

  /// 0x1950a86a20f9469cfc6c, which takes ten bytes.
  private static let magic: [UInt8] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  /// Whether a file begins as torch.save began it.
  static func isOne(_ file: any Source) throws(Failure) -> Bool {
    try file.bytes(min(file.size, 15), at: 0).dropFirst(2).elementsEqual(magic)
  }

  init(_ bytes: [UInt8]) throws(Failure) {
    var position = 0
    func next(_ name: String) throws(Failure) -> PickleTree {
      var parser = PickleParser(bytes, at: position, name: name)
      defer { position = parser.position }
      return try parser.parse()
    }
    _ = try next("magic number")
    guard try next("protocol version").root == .integer(1001) else {
      throw Failure(.badData, place: "byte 15", "is of an unknown version of PyTorch's format")
    }
    let system = try next("system information")
    if let order = system.member("little_endian", of: system.root), order != .boolean(true) {
      throw Failure(.badData, place: "system information", "says that the data are not little-endian")
    }
    tree = try next("state dict")
    sizes = try Self.sizes(of: tree)
    let list = try next("list of storages")
    guard let items = list.items(list.root) else { throw Failure(.badData, place: "list of storages", "is no list") }
    var keys: [String] = []
    for item in items {
      guard case .string(let key, _) = item else {
        throw Failure(.badData, place: "list of storages", "has a key that is no string")
      }
      keys.append(key)
    }
    self.keys = keys
    end = position
  }

  /// Bytes that each storage has by what the pickle says of it, also of those that no tensor uses.
  private static func sizes(of tree: PickleTree) throws(Failure) -> [String: Int] {
    var out: [String: Int] = [:]
    for (index, reference) in tree.references.enumerated() where TorchStorage.isStorage(reference, in: tree) {
      let storage: TorchStorage
      do { storage = try TorchStorage(index, in: tree) } catch {
        throw Failure(.badData, place: "state dict, array \"\"", error.reason)
      }
      guard let bytes = storage.bytes else {
        throw Failure.unsupported(
          place: "state dict", "has a storage of \(storage.typeName), whose size is not known",
          hint: "load it with the program that wrote it, and save it with a current PyTorch")
      }
      out[storage.key.key] = bytes
    }
    return out
  }

  func storages(in file: any Source) throws(Failure) -> [StorageKey: Range<Int>] {
    var out: [StorageKey: Range<Int>] = [:]
    var position = end
    for key in keys {
      let place = "storage \"\(key)\""
      guard let bytes = sizes[key] else { throw Failure(.badData, place: place, "is not mentioned before") }
      guard file.size - position >= 8 else {
        throw Failure(.badData, place: place, "the file ends before it", hint: Failure.truncationHint)
      }
      // The count of elements, whose size the pickle has told.
      var reader = ByteReader(try file.bytes(8, at: position))
      let count = try reader.integer(UInt64.self)
      guard count <= UInt64(bytes), count == 0 ? bytes == 0 : bytes % Int(count) == 0 && bytes / Int(count) <= 16 else {
        throw Failure(.badData, place: place, "has another count of elements than the state dict says")
      }
      guard bytes <= file.size - position - 8 else {
        throw Failure(.badData, place: place, "the file ends inside it", hint: Failure.truncationHint)
      }
      let range = position + 8..<position + 8 + bytes
      guard out.updateValue(range, forKey: StorageKey(pickle: 0, key: key)) == nil else {
        throw Failure(.badData, place: place, "is there twice")
      }
      position += 8 + bytes
    }
    guard position == file.size else {
      throw Failure(.badData, place: "byte \(position)", "\(byteCount(file.size - position)) after the last storage")
    }
    return out
  }
}
