import Arrays

/// What a net file says about its net: everything but the arrays' data. See schemas/FORMAT.md.
public struct NetHeader: Equatable, Sendable {
  /// The family, e.g. `blip-vqa`.
  public var family: String
  /// Which net of the family, e.g. `ImageEncoder`.
  public var net: String
  /// The parameter combination: axis names to strings, booleans or integers, in the family's order.
  public var parameters: [JSONMember]
  /// Dimensions and constants from which the net's definition makes its layers.
  public var configuration: [JSONMember]
  /// How the net must be run to be itself.
  public var profile: JSONValue
  /// For nets that read or write text.
  public var tokenizer: TokenizerDescription?
  public var provenance: Provenance
  /// False for a net that has no weights yet; it then lists no arrays.
  public var isInitialized: Bool
  /// Names under which the net uses an array that is stored once, under another name.
  public var ties: [Tie]
  /// In the order of their data.
  public var arrays: [ArrayEntry]

  /// Names of arrays that belong to others: scales, and what is told of layers' inputs.
  public var hiddenArrays: Set<String> {
    Set(arrays.compactMap(\.scales) + arrays.compactMap(\.inputMeans) + arrays.compactMap(\.inputDirections))
  }

  public init(
    family: String, net: String, parameters: [JSONMember], configuration: [JSONMember], profile: JSONValue,
    tokenizer: TokenizerDescription?, provenance: Provenance, isInitialized: Bool, ties: [Tie], arrays: [ArrayEntry]
  ) {
    self.family = family
    self.net = net
    self.parameters = parameters
    self.configuration = configuration
    self.profile = profile
    self.tokenizer = tokenizer
    self.provenance = provenance
    self.isInitialized = isInitialized
    self.ties = ties
    self.arrays = arrays
  }
}

/// An array that is another one under a second name.
public struct Tie: Hashable, Sendable {
  public let name: String
  /// The name under which it is stored.
  public let same: String

  public init(name: String, same: String) {
    self.name = name
    self.same = same
  }
}

/// Where an array's data is in the file and what it must be.
public struct ArrayEntry: Hashable, Sendable {
  /// How data is stored.
  public enum Encoding: Hashable, Sendable {
    case plain
    /// zstd frames of byte planes, `bytes` long in the file, with the SHA-256 of those bytes.
    case zstdPlanes(bytes: Int, sha256: Digest)
  }

  public let name: String
  public let elementType: ElementType
  public let shape: Shape
  /// Bytes of the unpacked data.
  public let bytes: Int
  /// From the start of the file; a multiple of 64.
  public var offset: Int
  /// Of the unpacked data.
  public var sha256: Digest
  public var encoding: Encoding
  /// For int8: the name of the float32 array with one scale per row: per index of the first dimension, or of `scaleAxis`.
  public let scales: String?
  /// For int8 with scales along another dimension than the first: which, from 1.
  public let scaleAxis: Int?
  /// For int8: the name of the float32 array with the mean input of its layer, by which the layer's bias was corrected.
  public let inputMeans: String?
  /// For int8: the name of the float16 array with the directions in which its layer's inputs vary most, by which its elements
  /// were rounded.
  public let inputDirections: String?

  /// - Throws: `Failure` when the shape is too large.
  public init(
    name: String, elementType: ElementType, shape: Shape, scales: String? = nil, scaleAxis: Int? = nil,
    inputMeans: String? = nil, inputDirections: String? = nil, offset: Int = 0, sha256: Digest = .zero,
    encoding: Encoding = .plain
  ) throws(Failure) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    bytes = try shape.bytes(of: elementType)
    self.scales = scales
    self.scaleAxis = scaleAxis
    self.inputMeans = inputMeans
    self.inputDirections = inputDirections
    self.offset = offset
    self.sha256 = sha256
    self.encoding = encoding
  }

  /// Bytes that the array takes in the file, without padding.
  public var storedBytes: Int {
    switch encoding {
    case .plain: bytes
    case .zstdPlanes(let bytes, _): bytes
    }
  }
}

/// Where a net came from. No dates: the same source gives the same bytes.
public struct Provenance: Equatable, Sendable {
  public struct Source: Equatable, Sendable {
    /// Name without folder.
    public let file: String
    public let bytes: Int
    public var sha256: Digest

    public init(file: String, bytes: Int, sha256: Digest = .zero) {
      // A file's name may be none that a header may have.
      self.file = file.streamSafe
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  public enum Part: Equatable, Sendable {
    /// All that there are, the state of a training among them.
    case all
    /// Those whose paths in the file begin with this one, which is left off their names.
    case at(String)
  }

  /// Name and version of the program that wrote the file.
  public var tool: String
  /// The checkpoint's layout; nil for nets made without one.
  public var layout: String?
  /// Element type of the checkpoint's weights, where the net's is another.
  public var convertedFrom: ElementType?
  /// Which arrays of the checkpoint were taken, where these were chosen; nil: those of its net.
  public var part: Part?
  /// For nets with seeded random weights.
  public var seed: Int?
  /// The checkpoint's files that were read.
  public var sources: [Source]

  public init(
    tool: String, layout: String? = nil, convertedFrom: ElementType? = nil, part: Part? = nil, seed: Int? = nil,
    sources: [Source] = []
  ) {
    self.tool = tool
    self.layout = layout
    self.convertedFrom = convertedFrom
    self.part = part
    self.seed = seed
    self.sources = sources
  }
}

/// How text becomes token ids.
public struct TokenizerDescription: Equatable, Sendable {
  /// `wordpiece`: BERT's; `wordpiece-added`: where texts are searched for tokens that it hasn't got; `clip-bpe`: CLIP's
  /// byte-pair encoding.
  public var kind: String
  public var lowercase: Bool
  /// nil: as `lowercase`.
  public var stripAccents: Bool?
  /// Whether CJK characters are words of their own.
  public var splitCJK: Bool
  /// Token by id.
  public var vocabulary: [String]
  /// How many of the last tokens the checkpoint's vocabulary lacked.
  public var added: Int
  /// Tokens of the vocabulary that are found in a text as they are, besides BERT's own five.
  public var matched: [String]
  /// Tokens of the vocabulary that are found in a text once it is normalized, as themselves normalized, and are words of
  /// answers.
  public var matchedWords: [String]
  /// Of byte-pair encoding: pairs of tokens that are joined, a space between them, the first to be joined first.
  public var merges: [String]

  /// What is behind the name of a kind whose texts are searched for further tokens.
  public static let addedKind = "-added"
  /// CLIP's byte-pair encoding.
  public static let clipKind = "clip-bpe"

  public init(
    kind: String, lowercase: Bool, stripAccents: Bool?, splitCJK: Bool, vocabulary: [String], added: Int = 0,
    matched: [String] = [], matchedWords: [String] = [], merges: [String] = []
  ) {
    self.merges = merges
    self.added = added
    self.matched = matched
    self.matchedWords = matchedWords
    self.kind = kind
    self.lowercase = lowercase
    self.stripAccents = stripAccents
    self.splitCJK = splitCJK
    self.vocabulary = vocabulary
  }
}
