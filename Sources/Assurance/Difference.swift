import Arrays
import Checkpoints
import Families
import Synchronization

/// What differs between two nets or checkpoints, knowing names and layouts.
public struct Difference: Sendable {
  /// How two arrays of one name differ.
  public enum Kind: String, Sendable {
    case shape
    /// Floats of two types are compared all the same; floats and integers are not.
    case elementType
    case values
  }

  public struct Item: Sendable {
    public let name: String
    public let kind: Kind
    /// Of each side.
    public let shapes: (Shape, Shape)
    public let elementTypes: (ElementType, ElementType)
    /// Elements that differ; nil where values were not compared.
    public let count: Int?
    /// Of the absolute differences of all elements; NaN where one side has no number.
    public let maxError: Double?
    public let meanError: Double?
    /// 10 log₁₀(Σ w² / Σ (w - v)²) in dB, where one side's numbers v were made of the other's w by int8 or a narrower type;
    /// infinite where nothing was lost, nil elsewhere.
    public let sqnr: Double?
  }

  /// Arrays that are the same once something was done to one of them.
  public struct Equivalence: Sendable {
    public let name: String
    /// `transposed` or `resized`.
    public let how: String
  }

  public let paths: (a: String, b: String)
  public let onlyInA: [String]
  public let onlyInB: [String]
  public let different: [Item]
  /// Arrays that are bit-identical, those of `equivalent` among them.
  public let equal: Int
  public let equivalent: [Equivalence]
  /// Published arrays that are another one under a second name, by side.
  public let tied: (a: [(name: String, same: String)], b: [(name: String, same: String)])
  /// Configuration fields that differ; they don't make the arrays differ.
  public let configuration: [(field: String, a: JSONValue?, b: JSONValue?)]

  /// Whether both hold the same arrays.
  public var isIdentical: Bool { onlyInA.isEmpty && onlyInB.isEmpty && different.isEmpty }

  /// Largest difference of position embeddings that were resized, to count as the same: the arithmetic of resizing is
  /// not defined to the last bit.
  static let resizeTolerance = 1e-6
}

/// Two things about to be compared.
public struct Comparison: Sendable {
  private let a: ComparisonSide
  private let b: ComparisonSide
  /// Pairs by name, in the order of a.
  private let pairs: [(a: ComparisonSide.Item, b: ComparisonSide.Item)]
  private let onlyInA: [String]
  private let onlyInB: [String]

  /// - Parameter part: which arrays are compared, of checkpoints.
  /// - Throws: `Failure` when one of the paths holds nothing that can be compared.
  public init(_ first: String, _ second: String, _ part: CheckpointPart = .weights) throws(Failure) {
    let (a, b) = (try ComparisonSide(first, part), try ComparisonSide(second, part))
    // A net file holds one net of a family, a checkpoint all of them: what both can have is compared.
    let common = a.nets.intersection(b.nets)
    func relevant(_ side: ComparisonSide) -> [ComparisonSide.Item] {
      guard a.family == b.family, !common.isEmpty else { return side.items }
      return side.items.filter { item in common.contains { item.name.hasPrefix("\($0).") } }
    }
    let (itemsA, itemsB) = (relevant(a), relevant(b))
    // By their bytes: Swift's String equality would take differently composed accents for the same.
    let byName = Dictionary(itemsB.map { (Array($0.name.utf8), $0) }) { first, _ in first }
    pairs = itemsA.compactMap { item in byName[Array(item.name.utf8)].map { (item, $0) } }
    let names = Set(itemsA.map { Array($0.name.utf8) })
    // What belongs to int8 elements is part of them where they are compared with floats.
    let parts = pairs.filter { ($0.a.quantized == nil) != ($0.b.quantized == nil) }
    let partsOfA = Set(parts.flatMap { $0.a.quantized?.belongings ?? [] })
    let partsOfB = Set(parts.flatMap { $0.b.quantized?.belongings ?? [] })
    onlyInA = itemsA.map(\.name).filter { byName[Array($0.utf8)] == nil && !partsOfA.contains($0) }
    onlyInB = itemsB.map(\.name).filter { !names.contains(Array($0.utf8)) && !partsOfB.contains($0) }
    (self.a, self.b) = (a, b)
  }

  public var totalBytes: Int { pairs.reduce(0) { $0 + $1.b.shape.elements * $1.b.elementType.size } }

  /// - Throws: `Failure` of kind `io` when something can't be read.
  public func run(progress: @escaping ProgressHandler = { _, _ in }) throws -> Difference {
    let verdicts = Mutex([Int: PairVerdict]())
    try inParallel(jobs: pairs.count) { index in
      let verdict = try PairComparison(pairs[index].a, pairs[index].b).verdict()
      verdicts.withLock { $0[index] = verdict }
      progress(pairs[index].b.name, pairs[index].b.shape.elements * pairs[index].b.elementType.size)
    }
    let found = verdicts.withLock(\.self)
    var (different, equivalent, equal): ([Difference.Item], [Difference.Equivalence], Int) = ([], [], 0)
    for index in pairs.indices {
      switch found[index] {
      case .different(let item): different.append(item)
      case .same(let how):
        equal += 1
        if let how { equivalent.append(.init(name: pairs[index].a.name, how: how)) }
      case nil: break
      }
    }
    return Difference(
      paths: (a.path, b.path), onlyInA: onlyInA, onlyInB: onlyInB, different: different, equal: equal,
      equivalent: equivalent, tied: (a.tied, b.tied), configuration: configurationDifferences)
  }

  private var configurationDifferences: [(field: String, a: JSONValue?, b: JSONValue?)] {
    var out: [(field: String, a: JSONValue?, b: JSONValue?)] = []
    for net in a.nets.intersection(b.nets).sorted() {
      let (first, second) = (a.configurations[net] ?? [], b.configurations[net] ?? [])
      for key in first.map(\.key) + second.map(\.key).filter({ key in !first.contains { $0.key == key } }) {
        let values = (first.first { $0.key == key }?.value, second.first { $0.key == key }?.value)
        if values.0 != values.1 { out.append(("\(net).\(key)", values.0, values.1)) }
      }
    }
    return out
  }
}
