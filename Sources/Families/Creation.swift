import Arrays
import NetFile
import Nets

/// Makes nets that nobody published weights for.
public struct Creation: Sendable {
  public let family: Family
  public let combination: Combination
  /// nil: no weights at all.
  public let seed: Int?
  private let header: NetHeader
  private let description: NetDescription

  /// - Throws: `Failure` of kind `usage` when the combination can't have seeded weights.
  public init(_ family: Family, _ combination: Combination, seed: Int?) throws(Failure) {
    self.family = family
    self.combination = combination
    self.seed = seed
    let net = try family.net(of: combination)
    let configuration = try family.configuration(of: combination)
    description = try net.definition.description(configuration)
    let precision =
      combination[family.precisionAxis?.name ?? ""].flatMap { ElementType(rawValue: $0.description) } ?? .float32
    guard seed == nil || FloatConversion.isPossible(from: .float32, to: precision) else {
      throw Failure(
        .usage, "seeded weights can't be made as \(precision.rawValue)",
        hint: "choose Precision=float32, float16 or bfloat16, or --uninitialized")
    }
    var entries: [ArrayEntry] = []
    if seed != nil {
      for array in description.arrays {
        entries.append(try ArrayEntry(name: array.name, elementType: precision, shape: array.shape))
      }
    }
    let profileName = family.publication(of: combination)?.profile ?? family.defaultProfile
    let usual = family.profile(profileName)
    var profile = usual?.values ?? .object([:])
    if usual?.interpolates != true, let side = configuration["imageSide"] { profile = profile.settingImageSide(side) }
    header = NetHeader(
      family: family.name, net: net.name, parameters: family.written(combination).json,
      configuration: configuration.members,
      profile: profile, tokenizer: nil, provenance: Provenance(tool: Ingot.tool, seed: seed),
      isInitialized: seed != nil, ties: description.ties, arrays: entries)
  }

  public var totalBytes: Int { header.arrays.reduce(0) { $0 + $1.bytes } }

  /// Writes the net file on a shelf.
  /// - Parameter replacing: whether a net with weights that stands there may go.
  /// - Throws: `Failure` of kind `cannotCreate` when one does and may not, or when the file can't be written.
  public func run(
    on shelf: Shelf, replacing: Bool, compress: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> WrittenNet {
    let path = shelf.path(family, combination)
    if !replacing { try checkNothingIsLost(path) }
    let writer = try NetFileWriter(path, header: header, compress: compress)
    let arrays = header.arrays.isEmpty ? [] : description.arrays
    let seed = seed ?? 0
    try inParallel(jobs: arrays.count, workers: compress ? 1 : Paths.processors) { index in
      try writer.write(index) { sink in
        try SeededWeights.forEachChunk(of: arrays[index], seed: seed) { piece in
          let type = header.arrays[index].elementType
          try sink(FloatConversion.convert(piece, from: .float32, to: type).rawSpan)
          progress(arrays[index].name, piece.byteCount / 4 * type.size)
        }
      }
    }
    let written = try writer.finish()
    try OutputFile.commit([writer.file]) { () throws(Failure) in
      if !replacing { try checkNothingIsLost(path) }
    }
    return WrittenNet(path: path, combination: combination, header: written)
  }

  private func checkNothingIsLost(_ path: String) throws(Failure) {
    guard try Paths.exists(path) else { return }
    let there = try? NetFile(path).header
    if there?.isInitialized != false, there?.provenance.seed == nil {
      throw Failure(
        .cannotCreate, file: path, "holds a net with weights, which would be lost", hint: "use --force to replace it")
    }
  }
}
