import Arrays
import Checkpoints
import Families
import NetFile
import Synchronization

/// Proves that a net file's arrays are those of a checkpoint: each is made from the checkpoint again, as the conversion
/// did, and its digest compared.
public struct SourceComparison: Sendable {
  private let net: NetFile
  private let plan: ConversionPlan
  private let planned: ConversionPlan.PlannedNet

  /// - Throws: `Failure` of kind `badData` when the checkpoint can't give such a net.
  public init(_ net: NetFile, _ checkpoint: any Checkpoint) throws(Failure) {
    self.net = net
    if let obstacle = Self.obstacle(to: net) { throw obstacle }
    let header = net.header
    guard let family = (Family.known + [.plain]).first(where: { $0.name == header.family }) else {
      throw Failure(
        .badData, file: net.path, "is of a family that this version does not know: \(header.family)",
        hint: "use a newer version of ingot")
    }
    let combination: Combination
    do { combination = try family.combination(ofHeader: header) } catch { throw error.inFile(net.path) }
    // Planned as the net was: with its own profile.
    plan = try ConversionPlan(
      checkpoint,
      ConversionRequest(
        family: family, parameters: combination.parameters.filter { $0.name != family.netAxis?.name },
        profile: try? header.profile.member("name").string(), allowsUnused: true))
    guard let planned = plan.nets.first(where: { $0.header.net == header.net }) else {
      throw Failure(.badData, file: checkpoint.path, "gives no net \(header.net)")
    }
    self.planned = planned
  }

  /// Why no checkpoint can be compared with a net; nil where one can.
  static func obstacle(to net: NetFile) -> Failure? {
    do { try net.checkHasWeights(": there is nothing to compare") } catch { return error }
    if net.header.arrays.contains(where: { $0.scales != nil }) {
      return Failure(
        .usage, file: net.path, "is an int8 net, which was made of a float net and not of a checkpoint",
        hint: "give that float net's file as the source: the int8 one is made of it again, and compared")
    }
    return nil
  }

  public var totalBytes: Int { planned.arrays.reduce(0) { $0 + $1.entry.bytes } }

  /// How many arrays were compared.
  public var arrays: Int { planned.arrays.count }

  /// Arrays that differ from the checkpoint's, and why, in the order of the net.
  public func differences(progress: @escaping ProgressHandler = { _, _ in }) throws -> [Damage] {
    let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    let found = Mutex([Int: Damage]())
    try inParallel(jobs: planned.arrays.count) { index in
      let array = planned.arrays[index]
      var hash = SHA256()
      try plan.forEachChunk(of: array) { piece in
        hash.update(piece)
        progress(array.entry.name, piece.byteCount)
      }
      let digest = hash.finish()
      let reason: String?
      if let entry = entries[array.entry.name] {
        reason =
          entry.elementType != array.entry.elementType
          ? "its element type is \(entry.elementType.rawValue), the source's \(array.entry.elementType.rawValue)"
          : entry.shape != array.entry.shape
            ? "its shape is \(entry.shape.dimensions), the source's \(array.entry.shape.dimensions)"
            : entry.sha256 != digest ? "its elements differ from the source's" : nil
      } else {
        reason = "it is not in the net file"
      }
      if let reason { found.withLock { $0[index] = Damage(array: array.entry.name, reason: reason) } }
    }
    let wanted = Set(planned.arrays.map(\.entry.name))
    let extra = net.header.arrays.filter { !wanted.contains($0.name) }.map {
      Damage(array: $0.name, reason: "it is not in the source")
    }
    return found.withLock(\.self).sorted { $0.key < $1.key }.map(\.value) + extra
  }
}
