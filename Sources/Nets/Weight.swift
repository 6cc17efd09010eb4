import Arrays
import NetFile

/// One array of weights as a layer holds it: what it is, and where its data is.
public struct Weight: Sendable {
  /// Where the elements are.
  public enum Storage: Sendable {
    /// Nowhere: the net is only described.
    case none
    /// In place in a mapped net file.
    case mapped(MappedFile, Range<Int>)
    /// Unpacked or made in memory.
    case memory([UInt8])
  }

  /// Full name, e.g. `blocks.3.mlp.fc1.weight`.
  public let name: String
  public let shape: Shape
  public let elementType: ElementType
  public let storage: Storage

  public init(name: String, shape: Shape, elementType: ElementType, storage: Storage) {
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
  }

  /// Lends the elements, row by row, little-endian; empty when the net is only described.
  public func withBytes<Result>(_ body: (borrowing RawSpan) throws -> Result) rethrows -> Result {
    switch storage {
    case .none: try body(RawSpan())
    case .mapped(let file, let range): try file.withBytes(in: range, body)
    case .memory(let bytes): try body(bytes.rawSpan)
    }
  }
}

/// What a layer's array is for; a maker of random weights draws each kind in its own way.
public enum WeightRole: Hashable, Sendable {
  /// A matrix or a kernel.
  case weight
  /// Added; starts at 0.
  case bias
  /// Multiplied; starts at 1.
  case gain
  /// Looked up by row or added as a whole.
  case embedding
}

/// Layer types as the field counts them.
public enum LayerType: String, CaseIterable, Sendable {
  case linear = "Linear"
  case layerNorm = "LayerNorm"
  case embedding = "Embedding"
  case conv2d = "Conv2d"
}
