import Arrays
import Kernels

/// Pictures, or texts, by their vectors: where they lie on maps of two dimensions, which are near each other, and whether those are of
/// the same class.
public struct FeatureMap: Sendable {
  public struct Point: Sendable {
    /// As it was given or found; of a text the text.
    public let path: String
    /// nil where classes can't be told.
    public let name: String?
    /// On the plane of the two principal components.
    public let components: [Double]
    /// By t-SNE; nil where there are too few or too many pictures.
    public let neighbourhood: [Double]?
    /// The nearest by cosine, nearest first, of equally near ones the earlier. A vector of zeros has the cosine 0 with all.
    public let neighbours: [(index: Int, cosine: Double)]
  }

  /// How many pictures' nearest neighbours are of their class, of those whose class has another picture.
  public struct Purity: Sendable {
    public let same: Int
    public let pictures: Int
    public var share: Double { Double(same) / Double(pictures) }
  }

  /// What the vectors are of.
  public enum Kind: String, Sendable {
    case image, text
  }

  public let kind: Kind
  public let points: [Point]
  /// Of one length.
  public let vectors: [[Float]]
  /// The share of the variance along each of the two principal components.
  public let variance: [Double]
  /// Kullback-Leibler divergence that t-SNE ended with, in nats.
  public let divergence: Double?
  /// In the order of their names; empty where there are none.
  public let classes: [String]
  /// nil where no class has two pictures.
  public let purity: Purity?
  public let classPurities: [String: Purity]

  /// Neighbours of each picture that are told.
  private static let told = 6

  /// What is computed for a map, and how much of it is done when told of it.
  public enum Work: Sendable {
    /// A vector's neighbours.
    case neighbours
    /// A step of t-SNE.
    case steps
    /// How many there are of them in all.
    public func count(_ vectors: Int) -> Int {
      switch self {
      case .neighbours: vectors
      case .steps: FeatureMap.isMapped(vectors) ? NeighbourMap.steps : 0
      }
    }
  }

  private static func isMapped(_ count: Int) -> Bool { (NeighbourMap.fewest...NeighbourMap.most).contains(count) }

  /// - Parameters:
  ///   - paths: of pictures; or texts.
  ///   - vectors: one per path, all of one length.
  ///   - classes: one per path, or nil.
  ///   - seed: of t-SNE.
  ///   - engine: computes products of all pairs.
  ///   - progress: is told of what was done.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public init(
    _ paths: [String], _ kind: Kind = .image, vectors: [[Float]], classes: [String]?, seed: UInt64 = 0, engine: Engine,
    progress: (Work, Int) -> Void = { _, _ in }
  ) throws(Failure) {
    precondition(paths.count == vectors.count && !paths.isEmpty && (classes?.count ?? paths.count) == paths.count)
    let components = PrincipalComponents(vectors)
    let isMapped = Self.isMapped(paths.count)
    let perplexity = NeighbourMap.usualPerplexity(paths.count)
    let nearest = try NearestVectors(
      vectors, byDistance: isMapped ? NeighbourMap.reach(perplexity) : 0, byCosine: Self.told, engine,
      progress: { progress(.neighbours, $0) })
    let map =
      isMapped
      ? NeighbourMap(
        nearest, start: components.places, perplexity: perplexity, seed: seed, threads: engine.threads,
        progress: { progress(.steps, 1) }) : nil
    let told = nearest.cosineCount
    points = paths.indices.map { index in
      Point(
        path: paths[index], name: classes?[index], components: components.places[index],
        neighbourhood: map?.places[index],
        neighbours: nearest.byCosine[index * told..<(index + 1) * told].map { (Int($0.index), $0.cosine) })
    }
    self.kind = kind
    self.vectors = vectors
    variance = components.shares
    divergence = map?.divergence
    self.classes = Set(classes ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var tallies: [String: (same: Int, pictures: Int)] = [:]
    for (index, name) in (classes ?? []).enumerated() {
      let isSame = points[index].neighbours.first.map { classes?[$0.index] == name } ?? false
      tallies[name, default: (0, 0)].same += isSame ? 1 : 0
      tallies[name, default: (0, 0)].pictures += 1
    }
    classPurities = tallies.filter { $0.value.pictures > 1 }
      .mapValues { Purity(same: $0.same, pictures: $0.pictures) }
    let counted = classPurities.values
    purity =
      counted.isEmpty
      ? nil : Purity(same: counted.reduce(0) { $0 + $1.same }, pictures: counted.reduce(0) { $0 + $1.pictures })
  }

  /// Classes by where files lie: the folder's name, where there are several folders; in one folder the name up to the first
  /// `-` that digits follow (`red-circle` of `red-circle-0004.png`).
  /// - Parameter part: take this part of the file's name instead, from 1, of those between `-` or `_`.
  /// - Returns: nil where files have no such part, or are all of one class.
  public static func classes(of paths: [String], part: Int? = nil) -> [String]? {
    let folders = paths.map { Paths.name(Paths.folder(of: $0)) }
    var out: [String] = []
    for (path, folder) in zip(paths, folders) {
      let name = Paths.name(path)
      let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
      if let part {
        let parts = stem.split { $0 == "-" || $0 == "_" }
        guard parts.indices.contains(part - 1) else { return nil }
        out.append(String(parts[part - 1]))
      } else if Set(folders).count > 1 {
        out.append(folder)
      } else {
        let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
        let digits = parts.indices.dropFirst().first {
          parts[$0].utf8.first.map { (0x30...0x39).contains($0) } ?? false
        }
        guard let digits else { return nil }
        out.append(parts[..<digits].joined(separator: "-"))
      }
    }
    return Set(out).count > 1 ? out : nil
  }

  /// Writes a safetensors file: `features` (pictures, elements), `principal_components` (pictures, 2) and, where there is
  /// one, `tsne` (pictures, 2); the metadata `images` (`texts`) and `classes` are JSON.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func writeSafetensors(_ path: String) throws {
    func floats(_ name: String, _ rows: [[Float]]) -> SafetensorsArray {
      SafetensorsArray(name, [rows.count, rows[0].count], .float32, Floats.bytes(rows.flatMap(\.self)))
    }
    var arrays = [
      floats("features", vectors), floats("principal_components", points.map { $0.components.map { Float($0) } }),
    ]
    let map = points.compactMap { $0.neighbourhood?.map { Float($0) } }
    if map.count == points.count { arrays.append(floats("tsne", map)) }
    var metadata = [(kind.rawValue + "s", JSONValue.strings(points.map(\.path)).compactText)]
    let names = points.compactMap(\.name)
    if !names.isEmpty { metadata.append(("classes", JSONValue.strings(names).compactText)) }
    try Tasks.writeSafetensors(arrays, to: path, metadata: metadata)
  }
}
