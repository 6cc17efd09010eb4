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
    let sizes =
      UInt32(part.bytes.count).littleEndianBytes + (part.statedSize ?? UInt32(part.bytes.count)).littleEndianBytes
    let common: [UInt8] = part.flags.littleEndianBytes + part.method.littleEndianBytes + [UInt8](repeating: 0, count: 8)
    out += part.localSignature.littleEndianBytes + [20, 0] + common + sizes
    out += UInt16(local.count).littleEndianBytes + [0, 0] + local + part.bytes
    directory += UInt32(0x0201_4b50).littleEndianBytes + [20, 0, 20, 0] + common + sizes
    directory += UInt16(part.name.count).littleEndianBytes + [UInt8](repeating: 0, count: 12)
    directory += offset.littleEndianBytes + part.name
  }
  let count = (entries ?? UInt16(parts.count)).littleEndianBytes
  let end = UInt32(0x0605_4b50).littleEndianBytes + [0, 0, 0, 0] + count + count
  return out + directory + trailing + end + UInt32(directory.count).littleEndianBytes
    + UInt32(out.count).littleEndianBytes + [0, 0]
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
