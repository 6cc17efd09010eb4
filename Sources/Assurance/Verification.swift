import Arrays
import Checkpoints
import Families
import NetFile

/// Everything that can be checked of a net file: its checksums, and its equality with the checkpoint it came from.
public struct Verification: Sendable {
  private let net: NetFile
  private let comparison: SourceComparison?
  private let quantization: Quantization?
  private let source: String?
  private let obstacle: Failure?

  /// - Parameters:
  ///   - source: the checkpoint to compare with; nil: checksums only.
  ///   - isLenient: whether a net that no checkpoint can be compared with, as int8 ones, is not compared; else it throws.
  /// - Throws: `Failure` of kind `badData` when the checkpoint can't give such a net.
  public init(_ net: NetFile, source: (any Checkpoint)?, isLenient: Bool = false) throws(Failure) {
    self.net = net
    obstacle = source != nil && isLenient ? SourceComparison.obstacle(to: net) : nil
    self.source = source?.path
    comparison = if let source, obstacle == nil { try SourceComparison(net, source) } else { nil }
    quantization = nil
  }

  /// - Parameters:
  ///   - source: the float net that an int8 net came from: it is quantized again, and the bytes compared.
  ///   - isLenient: whether a net that has more than another precision of the float one's parameters is not compared; else it
  ///     throws.
  /// - Throws: `Failure` of kind `badData` when it can't have come from that.
  public init(_ net: NetFile, quantizedFrom source: NetFile, isLenient: Bool = false) throws(Failure) {
    self.net = net
    self.source = source.path
    comparison = nil
    obstacle = isLenient ? Quantization.obstacle(to: net, from: source) : nil
    quantization = obstacle == nil ? try Quantization(of: net, from: source) : nil
  }

  /// Whether the net is to be compared with a source.
  public var compares: Bool { comparison != nil || quantization != nil }

  public var totalBytes: Int {
    net.header.arrays.reduce(0) { $0 + $1.storedBytes } + (comparison?.totalBytes ?? quantization?.totalBytes ?? 0)
  }

  /// What was found; nothing in it means that all is well.
  public struct Findings: Sendable {
    public let path: String
    /// Arrays whose checksums were computed.
    public let arrays: Int
    public let damage: [Damage]
    /// nil: not compared.
    public let source: (path: String, arrays: Int, differences: [Damage])?
    /// Why it was not compared with the source that there is.
    public let obstacle: String?

    init(
      path: String, arrays: Int, damage: [Damage], source: (path: String, arrays: Int, differences: [Damage])?,
      obstacle: String? = nil
    ) {
      self.path = path
      self.arrays = arrays
      self.damage = damage
      self.source = source
      self.obstacle = obstacle
    }

    /// Of a file that can't be opened as a net file.
    public init(unreadable path: String, _ failure: Failure) {
      self.init(
        path: path, arrays: 0,
        damage: [
          Damage(array: "header", reason: [failure.place, failure.reason].compactMap(\.self).joined(separator: ": "))
        ],
        source: nil)
    }

    public var isVerified: Bool { damage.isEmpty && source?.differences.isEmpty != false }
  }

  /// - Throws: `Failure` of kind `io` when something can't be read.
  public func run(progress: @escaping ProgressHandler = { _, _ in }) throws -> Findings {
    let damage = try net.damage(progress: progress)
    var compared: (path: String, arrays: Int, differences: [Damage])?
    if let comparison, let source {
      compared = (source, comparison.arrays, try comparison.differences(progress: progress))
    }
    if let quantization, let source {
      compared = (source, quantization.arrays, try quantization.differences(from: net, progress: progress))
    }
    return Findings(
      path: net.path, arrays: net.header.arrays.count, damage: damage, source: compared, obstacle: obstacle?.reason)
  }
}
