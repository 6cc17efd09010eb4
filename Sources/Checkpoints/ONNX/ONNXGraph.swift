import Arrays

/// Operators between values, as an ONNX file has them (https://github.com/onnx/onnx/blob/main/docs/IR.md). What is written of
/// it is in `ONNXGraph+Bytes.swift`.
public struct ONNXGraph: Hashable, Sendable {
  /// The set of operators that graphs are of; the least that has LayerNormalization, whose files are of IR version 8.
  public static let (operators, irVersion) = (17, 8)

  /// How many there are of something along a dimension.
  public enum Extent: Hashable, Sendable {
    case fixed(Int)
    /// As many as the graph is given; of one name, as many each time.
    case named(String)
  }

  /// What goes in or comes out.
  public struct Port: Hashable, Sendable {
    public let name: String
    public let elementType: ElementType
    public let shape: [Extent]

    public init(_ name: String, _ elementType: ElementType, _ shape: [Extent]) {
      (self.name, self.elementType, self.shape) = (name, elementType, shape)
    }
  }

  public enum AttributeValue: Hashable, Sendable {
    case integer(Int)
    case integers([Int])
    case float(Float)
    /// The number of a type in ONNX files.
    case type(ElementType)
    /// What an operator runs, as `Loop` does. It may refer to values of the graph that it stands in.
    case graph(ONNXGraph)
  }

  public struct Attribute: Hashable, Sendable {
    public let name: String
    public let value: AttributeValue

    public init(_ name: String, _ value: AttributeValue) { (self.name, self.value) = (name, value) }
  }

  public struct Node: Hashable, Sendable {
    public let name: String
    public let type: String
    /// Names of values; an empty one stands for an input that is left out.
    public let inputs: [String]
    public let outputs: [String]
    public let attributes: [Attribute]

    public init(
      _ name: String, _ type: String, inputs: [String], outputs: [String], attributes: [Attribute] = []
    ) {
      (self.name, self.type, self.inputs, self.outputs) = (name, type, inputs, outputs)
      self.attributes = attributes
    }
  }

  /// A value that is there from the beginning.
  public struct Initializer: Hashable, Sendable {
    public enum Data: Hashable, Sendable {
      /// Little-endian, in the file itself.
      case bytes([UInt8])
      /// In the file beside it that the weights are in.
      case external(offset: Int, bytes: Int)
    }

    public let name: String
    public let elementType: ElementType
    public let dimensions: [Int]
    public let data: Data

    public init(_ name: String, _ elementType: ElementType, _ dimensions: [Int], _ data: Data) {
      (self.name, self.elementType, self.dimensions, self.data) = (name, elementType, dimensions, data)
    }
  }

  public let name: String
  /// Each after those that give its inputs.
  public var nodes: [Node] = []
  public var initializers: [Initializer] = []
  public var inputs: [Port] = []
  public var outputs: [Port] = []

  public init(_ name: String) { self.name = name }
}
