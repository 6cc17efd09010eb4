import Arrays

/// One entry of a zip archive made for a test, with what can be wrong about it.
public struct ZipPart: Sendable {
  public var name: [UInt8]
  public var bytes: [UInt8]
  public var method: UInt16 = 0
  public var flags: UInt16 = 0
  /// In the local header; nil: the same.
  public var localName: [UInt8]?
  /// In the directory; nil: the true ones.
  public var statedSize: UInt32?
  public var statedOffset: UInt32?
  public var localSignature: UInt32 = 0x0403_4b50

  public init(_ name: String, _ bytes: [UInt8]) {
    self.name = Array(name.utf8)
    self.bytes = bytes
  }
}

/// A zip archive of stored entries, without checksums, which readers of weights don't look at.
public func zip(_ parts: [ZipPart], entries: UInt16? = nil, trailing: [UInt8] = []) -> [UInt8] {
  var out: [UInt8] = []
  var directory: [UInt8] = []
  for part in parts {
    let local = part.localName ?? part.name
    let offset = part.statedOffset ?? UInt32(out.count)
    let size = UInt32(part.bytes.count)
    let sizes: [UInt8] = size.littleEndianBytes + (part.statedSize ?? size).littleEndianBytes
    let common: [UInt8] = part.flags.littleEndianBytes + part.method.littleEndianBytes + [UInt8](repeating: 0, count: 8)
    let start: [UInt8] = part.localSignature.littleEndianBytes + [20, 0]
    out += start + common + sizes
    let names: [UInt8] = UInt16(local.count).littleEndianBytes + [0, 0]
    out += names + local + part.bytes
    directory += [0x50, 0x4b, 1, 2, 20, 0, 20, 0] + common + sizes
    directory += UInt16(part.name.count).littleEndianBytes + [UInt8](repeating: 0, count: 12)
    directory += offset.littleEndianBytes + part.name
  }
  let count: [UInt8] = (entries ?? UInt16(parts.count)).littleEndianBytes
  var end: [UInt8] = [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count
  end += UInt32(directory.count).littleEndianBytes
  end += UInt32(out.count).littleEndianBytes
  return out + directory + trailing + end + [0, 0]
}

/// An archive as torch.save makes it, of a pickle and storages.
public func torchArchive(pickle: [UInt8], storages: [(String, [UInt8])] = []) -> [UInt8] {
  zip([ZipPart("archive/data.pkl", pickle)] + storages.map { ZipPart("archive/data/\($0.0)", $0.1) })
}

/// Makes pickles opcode by opcode.
public struct PickleText {
  public var bytes: [UInt8] = [0x80, 2]

  public init() {}

  public static func string(_ text: String) -> [UInt8] {
    [0x58] + UInt32(text.utf8.count).littleEndianBytes + Array(text.utf8)
  }

  public static func integer(_ value: Int32) -> [UInt8] { [0x4a] + value.littleEndianBytes }

  public static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

  public static func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap(\.self) + [0x74] }

  /// A tensor of torch's: offset, shape and strides in a float32 storage.
  public static func tensor(
    storage: String = "0", count: Int32 = 4, offset: Int32 = 0, shape: [Int32] = [4], strides: [Int32] = [1],
    type: String = "FloatStorage"
  ) -> [UInt8] {
    let id = tuple([string("storage"), global("torch", type), string(storage), string("cpu"), integer(count)]) + [0x51]
    let arguments = tuple([
      id, integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)), [0x89],
      global("collections", "OrderedDict") + [0x29, 0x52],
    ])
    return global("torch._utils", "_rebuild_tensor_v2") + arguments + [0x52]
  }

  /// A dictionary, as a whole pickle.
  public static func dictionary(_ members: [(String, [UInt8])]) -> [UInt8] {
    [0x80, 2, 0x7d, 0x28] + members.flatMap { string($0.0) + $0.1 } + [0x75, 0x2e]
  }
}
