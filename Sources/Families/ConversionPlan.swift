import Arrays
import Checkpoints
import NetFile
import Nets

/// What a conversion is asked for.
public struct ConversionRequest: Sendable {
  /// nil: recognized by the checkpoint's arrays.
  public var family: Family?
  /// Values for axes; those not given are found in the checkpoint or take their defaults.
  public var parameters: [Combination.Parameter]
  /// Which of its arrays the checkpoint was opened with, to be noted in the nets.
  public var part: CheckpointPart
  /// Element type of the nets' weights; nil: the checkpoint's.
  public var precision: ElementType?
  /// The profile that the nets will run with; nil: the layout's.
  public var profile: String?
  /// Whose arithmetic prepares pictures; nil: as the checkpoint says, else Pillow's.
  public var pixels: ImageBackend?
  /// Whether the plan serves to compare arrays, not to write nets: then each keeps its element type, and parameters that
  /// can't be told of the checkpoint are left open.
  public var isForComparing: Bool
  /// Whether arrays that belong to no net are left out with a word rather than refused.
  public var allowsUnused: Bool
  /// Whether arrays of no known family become a plain net, with a note, rather than being refused.
  public var keepsUnknown: Bool

  public init(
    family: Family? = nil, parameters: [Combination.Parameter] = [], precision: ElementType? = nil,
    profile: String? = nil, pixels: ImageBackend? = nil, isForComparing: Bool = false, allowsUnused: Bool = false,
    keepsUnknown: Bool = false, part: CheckpointPart = .weights
  ) {
    self.family = family
    self.parameters = parameters
    self.precision = precision
    self.profile = profile
    self.pixels = pixels
    self.isForComparing = isForComparing
    self.allowsUnused = allowsUnused
    self.keepsUnknown = keepsUnknown
    self.part = part
  }

  /// Whether a checkpoint that nothing is known of is to be kept as it is: nothing else was asked for than a name.
  func keepsWhatIsUnknown(of checkpoint: any Checkpoint) -> Bool {
    keepsUnknown && family == nil && !checkpoint.arrays.isEmpty
      && parameters.allSatisfy { ["Name", "Precision"].contains($0.name) }
  }
}

extension Provenance.Part {
  /// nil where nothing was chosen.
  init?(_ part: CheckpointPart) {
    switch part {
    case .weights: return nil
    case .all: self = .all
    case .at(let path): self = .at(path.streamSafe)
    }
  }
}

extension NetHeader {
  /// Which arrays of its checkpoint the net has.
  public var checkpointPart: CheckpointPart {
    switch provenance.part {
    case nil: .weights
    case .all: .all
    case .at(let path): .at(path)
    }
  }
}

/// How every array of every net of a family is made from a checkpoint, with the proof that each published array is used
/// once and each array of the nets is filled. Nothing is written yet.
public struct ConversionPlan: Sendable {
  public struct PlannedArray: Sendable {
    /// In the net's header.
    public let entry: ArrayEntry
    /// Indices of the checkpoint's arrays, joined along the first dimension.
    public let sources: [Int]
    /// What is done to each of them.
    public let transform: ArrayTransform
    /// Element type of the sources.
    public let sourceType: ElementType
  }

  public struct PlannedNet: Sendable {
    public let combination: Combination
    public let description: NetDescription
    /// Complete but for digests and offsets.
    public let header: NetHeader
    public let arrays: [PlannedArray]
  }

  public let checkpoint: any Checkpoint
  public let family: Family
  public let layout: Layout
  public let nets: [PlannedNet]
  public let coverage: Coverage
  /// What the user should know, but nothing stops at.
  public let notes: [String]
  /// The small files that were read, in the order of the header's sources after the weights.
  let smallFiles: [(name: String, bytes: [UInt8])]
  /// Of a plain net whose weights were published quantized.
  var quantization: PublishedQuantization?
}

/// The proof that a conversion used every array of a checkpoint once and filled every array of the nets.
public struct Coverage: Sendable {
  /// Arrays of the checkpoint.
  public let arrays: Int
  /// Those whose elements are in the nets.
  public let used: Int
  /// Those that hold the same elements as another.
  public let tied: [(name: String, same: String)]
  /// Those that are no weights.
  public let ignored: [(name: String, reason: String)]
}

extension ConversionPlan {
  /// - Throws: `Failure` of kind `badData` when the checkpoint is of no known family or doesn't cover its nets exactly;
  ///   `usage` when the request contradicts the checkpoint.
  /// - Parameter isSketch: whether the plan is for looking at only: then arrays that should be the same are not read and
  ///   compared, and no vocabulary is read.
  public init(
    _ checkpoint: any Checkpoint, _ request: ConversionRequest, isSketch: Bool = false
  ) throws(Failure) {
    do throws(Failure) {
      if request.family?.name == Family.plain.name {
        self = try ConversionPlan(plain: checkpoint, request)
        return
      }
      let keepsUnknown = request.keepsWhatIsUnknown(of: checkpoint)
      if let foreign = try Foreign(checkpoint) {
        // An adapter is no net; and whose arrays are a known family's is wanted as that, for which something is missing.
        guard keepsUnknown, !foreign.isAdapter, Self.isUnknown(checkpoint) else { throw foreign.failure }
        self = try ConversionPlan(plain: checkpoint, request, unknown: foreign.note)
        return
      }
      let naming = try Naming.recognize(checkpoint)
      if naming == nil, keepsUnknown {
        self = try ConversionPlan(plain: checkpoint, request, unknown: Self.unknownFamily)
      } else {
        var planner = try ConversionPlanner(checkpoint, request, naming)
        self = try planner.plan(isSketch: isSketch)
      }
    } catch {
      throw error.inFile(checkpoint.path)
    }
  }

  private static func isUnknown(_ checkpoint: any Checkpoint) -> Bool {
    do throws(Failure) { return try Naming.recognize(checkpoint) == nil } catch { return false }
  }

  /// Bytes that a conversion handles: reads of the source for its digest, and of the arrays.
  public var totalBytes: Int {
    checkpoint.files.reduce(0) { $0 + $1.size } + nets.reduce(0) { $0 + $1.arrays.reduce(0) { $0 + $1.entry.bytes } }
  }

  /// Hands an array's elements, as they will be stored, to `body` in pieces.
  /// - Returns: how many of them were too large for their new type, and became infinite.
  @discardableResult
  public func forEachChunk(of array: PlannedArray, _ body: (borrowing RawSpan) throws -> Void) throws -> Int {
    var overflows = 0
    for source in array.sources {
      var conversion = ElementConversion(
        from: array.sourceType, to: array.entry.elementType, elements: checkpoint.arrays[source].shape.elements)
      try checkpoint.forEachChunk(of: source, array.transform) { piece in
        if array.sourceType == array.entry.elementType {
          try body(piece)
        } else {
          let converted = conversion.convert(piece)
          try body(converted.rawSpan)
        }
      }
      overflows += conversion.overflows
    }
    return overflows
  }
}
