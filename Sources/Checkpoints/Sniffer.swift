import Arrays

/// What a file is, by its first bytes: names mislead, and so do downloads that went wrong.
public enum FileKind: Hashable, Sendable {
  case safetensors
  case netFile
  case hdf5
  case zip
  case pickle
  case gitLFSPointer
  case html
  case gguf
  case numpy
  case onnx
  case messagePack
  /// The index of a checkpoint.
  case tensorFlow
  case ggml
  case gzip
  case tar
  case json
  case text
  case empty
  case unknown

  /// Bytes of the front of a file that `init` looks at.
  public static let prefixLength = 1024

  /// - Parameter prefix: the first bytes, at most `prefixLength`.
  public init(prefix: [UInt8]) {
    if prefix.isEmpty {
      self = .empty
    } else if prefix.starts(with: NetFileMagic.bytes) {
      self = .netFile
    } else if prefix.starts(with: FileKind.hdf5Signature) {
      self = .hdf5
    } else if prefix.starts(with: [0x50, 0x4b, 0x03, 0x04]) || prefix.starts(with: [0x50, 0x4b, 0x05, 0x06]) {
      self = .zip
    } else if FileKind.looksLikeSafetensors(prefix) {
      self = .safetensors
    } else if prefix.starts(with: [0x1f, 0x8b]) {
      self = .gzip
    } else if prefix.starts(with: Array("GGUF".utf8)) {
      self = .gguf
    } else if ["lmgg", "tjgg", "fmgg", "algg"].contains(where: { prefix.starts(with: $0.utf8) }) {
      self = .ggml
    } else if prefix.starts(with: NumPyHeader.magic) {
      self = .numpy
    } else if FileKind.looksLikeONNX(prefix) {
      self = .onnx
    } else if prefix.starts(with: Array("version https://git-lfs".utf8)) {
      self = .gitLFSPointer
    } else if prefix.count >= 2, prefix[0] == 0x80, (2...5).contains(prefix[1]) {
      self = .pickle
    } else if prefix.count > 262, Array(prefix[257..<262]) == Array("ustar".utf8) {
      self = .tar
    } else if FileKind.looksLikeMessagePack(prefix) {
      self = .messagePack
    } else {
      self = FileKind.kindOfText(prefix)
    }
  }

  /// Eight bytes of length, of which real files leave the upper three zero, then an object.
  private static func looksLikeSafetensors(_ prefix: [UInt8]) -> Bool {
    prefix.count >= 9 && prefix[8] == UInt8(ascii: "{") && prefix[5..<8].allSatisfy { $0 == 0 }
  }

  /// A protobuf message without a magic number: the version, first of all, and then nothing but fields of a model up to
  /// its graph or its sets of operators.
  private static func looksLikeONNX(_ prefix: [UInt8]) -> Bool {
    guard prefix.count >= 2, prefix[0] == 0x08, (1...0x3f).contains(prefix[1]) else { return false }
    var position = 2
    func varint() -> Int? {
      var value = 0
      for shift in stride(from: 0, to: 63, by: 7) {
        guard position < prefix.count else { return nil }
        value |= Int(prefix[position] & 0x7f) << shift
        position += 1
        if prefix[position - 1] < 0x80 { return value }
      }
      return nil
    }
    while let tag = varint() {
      // The model's own version is the only other number.
      if tag == 5 << 3 {
        guard varint() != nil else { return false }
        continue
      }
      guard tag & 7 == 2, [2, 3, 4, 6, 7, 8, 14, 20, 25, 26].contains(tag >> 3), let length = varint() else {
        return false
      }
      if tag >> 3 == 7 || tag >> 3 == 8 { return length > 0 }
      guard length <= prefix.count - position || tag >> 3 == 6 else { return false }
      if length > prefix.count - position { return true }
      position += length
    }
    return false
  }

  /// A tree of flax.serialization: a dictionary whose first key is a text or a number, or an array (extension 1, a list of
  /// three), perhaps in a list.
  private static func looksLikeMessagePack(_ prefix: [UInt8]) -> Bool {
    func byte(_ index: Int) -> UInt8 { index < prefix.count ? prefix[index] : 0xc1 }
    func isArray(_ index: Int) -> Bool {
      guard let type = [0xc7: 2, 0xc8: 3, 0xc9: 5, 0xd6: 1, 0xd7: 1, 0xd8: 1][Int(byte(index))] else { return false }
      return byte(index + type) == 1 && byte(index + type + 1) == 0x93
    }
    let lengths: [UInt8: Int] = [0xdc: 3, 0xdd: 5, 0xde: 3, 0xdf: 5]
    let first = byte(0)
    let start = lengths[first] ?? 1
    switch first {
    case 0x91...0x9f, 0xdc, 0xdd: return isArray(start)
    case 0x81...0x8f, 0xde, 0xdf: break
    default: return isArray(0)
    }
    // The key, which is a text for the most part.
    var (text, length) = (start + 1, Int(byte(start) & 31))
    switch byte(start) {
    case 0x00...0x7f: (text, length) = (start + 1, 0)
    case 0xa1...0xbf: break
    case 0xd9: (text, length) = (start + 2, Int(byte(start + 1)))
    default: return false
    }
    guard text + length < prefix.count, let key = String(validating: prefix[text..<text + length], as: UTF8.self),
      key.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
    else { return false }
    let next = byte(text + length)
    let isContainer = (0x80...0x9f).contains(next) || (0xdc...0xdf).contains(next)
    return length > 0 ? next != 0xc1 : isContainer || isArray(text)
  }

  private static func kindOfText(_ prefix: [UInt8]) -> FileKind {
    let isText = prefix.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
    guard isText else { return .unknown }
    let text = String(decoding: prefix, as: UTF8.self).lowercased().drop { $0.isWhitespace }
    if ["<!doctype html", "<html", "<head", "<?xml"].contains(where: text.hasPrefix) { return .html }
    return text.hasPrefix("{") || text.hasPrefix("[{") || text.hasPrefix("[\"") ? .json : .text
  }

  /// The kind of a file. HDF5 data may begin behind a user block of 512 bytes, 1024, 2048 and so on.
  public static func of(_ file: any Source) throws(Failure) -> FileKind {
    let kind = FileKind(prefix: try file.bytes(min(file.size, prefixLength), at: 0))
    var offset = 512
    while [.unknown, .text].contains(kind), offset <= 1 << 20, offset + hdf5Signature.count <= file.size {
      if try file.bytes(hdf5Signature.count, at: offset) == hdf5Signature { return .hdf5 }
      offset *= 2
    }
    // A table says what it is at its end.
    if [.unknown, .text].contains(kind), file.size >= SortedTable.footerLength,
      try file.bytes(8, at: file.size - 8) == SortedTable.magic
    {
      return .tensorFlow
    }
    return kind
  }

  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  /// What such a file is, in words.
  public var description: String {
    switch self {
    case .safetensors: "a safetensors file"
    case .netFile: "an Ingot net file"
    case .hdf5: "an HDF5 file"
    case .zip: "a zip archive (PyTorch's .bin, .pt and .pth files and NumPy's .npz are such archives)"
    case .pickle: "a Python pickle (an old PyTorch file)"
    case .gitLFSPointer: "a Git LFS pointer, not the file itself"
    case .html: "an HTML page"
    case .gguf: "a GGUF file"
    case .numpy: "a NumPy file"
    case .onnx: "an ONNX model"
    case .messagePack: "a MessagePack file"
    case .tensorFlow: "the index of a TensorFlow checkpoint"
    case .ggml: "a GGML file, the format before GGUF"
    case .gzip: "a gzip file"
    case .tar: "a tar archive"
    case .json: "a JSON text"
    case .text: "a text file"
    case .empty: "empty"
    case .unknown: "of no known format"
    }
  }

  /// What to do about a file of this kind where weights are wanted.
  public var hint: String {
    switch self {
    case .gitLFSPointer: "fetch the file itself, for example with `git lfs pull`"
    case .html:
      "the download saved a web page in place of the file: use the file's direct link, and sign in if it is gated"
    case .empty: "the download did not start: fetch the file again"
    case .json, .text:
      "this may be an error message that a download saved as the file: open it and see, then fetch it again"
    case .gzip, .tar: "unpack it first"
    case .netFile: "`ingot inspect` and `ingot verify` read net files; `ingot convert` makes them from checkpoints"
    case .ggml: "convert it to GGUF with a script of llama.cpp or whisper.cpp, or fetch a GGUF file"
    case .gguf, .numpy, .onnx, .messagePack, .tensorFlow, .safetensors, .hdf5, .zip, .pickle, .unknown:
      "safetensors, PyTorch, HDF5, GGUF, NumPy, ONNX, Flax' MessagePack and TensorFlow's checkpoint files can be read"
    }
  }

  /// The error for a file of this kind where `wanted` is needed.
  public func failure(file: String, wanted: String) -> Failure {
    Failure(.badData, file: file, "is \(description), where \(wanted) is needed", hint: hint)
  }
}
