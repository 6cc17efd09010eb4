import Arrays

/// One array of a checkpoint, under the name its publisher gave it.
public struct CheckpointArray: Hashable, Sendable {
  public let name: String
  public let shape: Shape
  public let elementType: ElementType
  /// Bytes of its data, row by row, little-endian.
  public let bytes: Int
  /// How it stands in the file, where its data are made of something else as they are read.
  public let packing: Packing?

  public init(name: String, shape: Shape, elementType: ElementType, bytes: Int, packing: Packing? = nil) {
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.bytes = bytes
    self.packing = packing
  }
}

/// What stands in a file for an array's data: quantized elements, of which values are made.
public struct Packing: Hashable, Sendable {
  /// The container's own name of it, as `Q4_K`.
  public let type: String
  /// Bytes that it takes in the file.
  public let bytes: Int

  public init(type: String, bytes: Int) {
    self.type = type
    self.bytes = bytes
  }
}

/// Something that a checkpoint holds beside the arrays that are read: told, so that nobody takes those for everything.
public struct Leftover: Hashable, Sendable {
  /// Its path in the file.
  public let name: String
  /// What it is, or why it is none of the arrays; what follows "name: " in a line of a report.
  public let what: String

  public init(name: String, what: String) {
    self.name = name
    self.what = what
  }
}

/// Weights as somebody published them, opened without reading the weights themselves. Everything about the arrays was
/// validated when it was opened; their data is read when asked for, from any thread.
public protocol Checkpoint: Sendable {
  /// The path it was opened by.
  var path: String { get }
  /// The container's name, e.g. `safetensors`.
  var format: String { get }
  /// The files that hold the weights, in the order of reading.
  var files: [any Source] { get }
  /// In the order of their data.
  var arrays: [CheckpointArray] { get }
  /// What the writer noted in the file, sorted by name.
  var metadata: [(name: String, value: String)] { get }
  /// What the user should know of what is read and what is not.
  var notes: [String] { get }
  /// What there is beside `arrays`, in the order of the file.
  var leftovers: [Leftover] { get }
  /// What loading it in Python would call or import, beyond what makes arrays: names of functions and classes.
  var calls: [String] { get }

  /// Reads `count` bytes of an array's data from `offset` on into the front of `buffer`, which grows when too small.
  /// - Parameter array: index into `arrays`.
  func read(_ array: Int, at offset: Int, count: Int, into buffer: inout [UInt8]) throws(Failure)
}

/// How many arrays there are, of how many bytes in all, in words.
func counted(arrays: Int, bytes: Int) -> String { "\(arrays) \(arrays == 1 ? "array" : "arrays"), \(byteCount(bytes))" }

extension Checkpoint {
  public var notes: [String] { [] }
  public var leftovers: [Leftover] { [] }
  public var calls: [String] { [] }

  /// What is left out when the arrays are all that is taken, in one sentence; nil where nothing is.
  public var leftoverNote: String? {
    guard !leftovers.isEmpty else { return nil }
    let told = leftovers.prefix(3).map { "\(shortened($0.name, to: 80)) (\(shortened($0.what, to: 120)))" }
    let more = leftovers.count > 3 ? " and \(leftovers.count - 3) more" : ""
    return "left out, beside the arrays: \(told.joined(separator: ", "))\(more)"
  }

  /// The folder with the configuration and tokenizer files.
  public var folder: any SourceFolder {
    get throws(Failure) {
      if let folder = files.first?.folder { return folder }
      return LocalFolder(try Paths.isFolder(path) ? path : Paths.folder(of: path))
    }
  }

  /// All of an array's data; for small arrays.
  public func data(of array: Int) throws(Failure) -> [UInt8] {
    var buffer: [UInt8] = []
    try read(array, at: 0, count: arrays[array].bytes, into: &buffer)
    return buffer
  }
}
