import Arrays
import Kernels
import Media
import NetFile
import Tasks

/// Nets that make vectors of images and texts in one space, of length 1.
public struct RetrievalNets: Sendable {
  public let files: [NetFile]
  let engine: Engine
  let image: @Sendable (Picture) throws(Failure) -> [Float]
  let texts: @Sendable ([String]) throws(Failure) -> [[Float]]

  public init(_ nets: ImageTextEmbedding) {
    (files, engine) = (nets.nets.files, nets.engine)
    image = { picture throws(Failure) in try nets.vector(of: picture) }
    texts = { texts throws(Failure) in try nets.vectors(of: texts) }
  }

  /// By the vectors alone; the matching head is not asked.
  public init(_ nets: ImageTextMatching) {
    (files, engine) = (nets.nets.files, nets.engine)
    image = { picture throws(Failure) in try nets.vector(of: nets.look(at: picture)) }
    texts = { texts throws(Failure) in try nets.read(texts).map(\.vector) }
  }
}

/// How well images and their captions find each other by the cosines of their vectors: recall at 1, 5 and 10 (Karpathy and
/// Fei-Fei, Deep Visual-Semantic Alignments, CVPR 2015). An image's captions are found when the best of them is among the
/// first; a caption's image, when it is.
public struct RetrievalEvaluation: Sendable {
  public static let depths = [1, 5, 10]

  /// Of one way, of the nets under evaluation, and of those that they are compared with.
  public struct Way: Sendable {
    /// Places, from 0, of what was looked for, one for each query.
    public let ranks: [Int]
    public let ranksB: [Int]?

    /// Share of the queries that find it among the first so many, 0...1.
    public func recall(_ depth: Int) -> Double { Self.recall(ranks, depth) }
    public func recallB(_ depth: Int) -> Double? { ranksB.map { Self.recall($0, depth) } }

    private static func recall(_ ranks: [Int], _ depth: Int) -> Double {
      ranks.isEmpty ? 0 : Double(ranks.count { $0 < depth }) / Double(ranks.count)
    }

    /// 95 % confidence interval of A's recall, by Wilson's score (Probable inference, the law of succession, and
    /// statistical inference, JASA 22, 1927).
    public func interval(_ depth: Int) -> ClosedRange<Double> {
      let (count, z) = (Double(max(1, ranks.count)), 1.959_963_984_540_054)
      let share = recall(depth)
      let middle = (share + z * z / (2 * count)) / (1 + z * z / count)
      let half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
      return max(0, middle - half)...min(1, middle + half)
    }

    /// A's recall less B's, of the same queries.
    public func difference(_ depth: Int) -> PairedDifference? {
      ranksB.map { others in
        var difference = PairedDifference()
        for (a, b) in zip(ranks, others) { difference.add(a < depth ? 1 : 0, b < depth ? 1 : 0) }
        return difference
      }
    }
  }

  public struct Result: Sendable {
    public let a: [NetFile]
    public let b: [NetFile]?
    public let images: Int
    public let captions: Int
    /// Captions by an image, and images by a caption.
    public let captionsFound: Way
    public let imagesFound: Way
    public let failed: [(path: String, failure: Failure)]
    /// Images that were taken with the camera turned and looked at as they are stored.
    public let turned: Int
  }

  private let a: RetrievalNets
  private let b: RetrievalNets?
  private let items: [EvaluationItem]
  private let isUpright: Bool

  /// - Parameter items: images, whose answers are their captions.
  /// - Throws: `Failure` of kind `usage` when there are none.
  public init(
    _ a: RetrievalNets, against b: RetrievalNets? = nil, on items: [EvaluationItem], isUpright: Bool = false
  ) throws(Failure) {
    guard items.contains(where: { !$0.answers.isEmpty }) else {
      throw Failure(.usage, "there are no images with captions to evaluate on")
    }
    (self.a, self.b, self.items, self.isUpright) = (a, b, items.filter { !$0.answers.isEmpty }, isUpright)
  }

  /// Images and captions that are embedded.
  public var total: Int { items.reduce(0) { $0 + 1 + $1.answers.count } * (b == nil ? 1 : 2) }

  /// An image that isn't there, or can't be read, is left out with its captions.
  /// - Parameter progress: is told how many more images and captions are embedded.
  /// - Throws: `Failure` as embedding does, and where not one image can be read.
  public func run(progress: (_ what: String, _ more: Int) -> Void = { _, _ in }) throws(Failure) -> Result {
    var (seen, seenB): ([[Float]], [[Float]]) = ([], [])
    var kept: [EvaluationItem] = []
    var failed: [(path: String, failure: Failure)] = []
    var turned = 0
    for item in items {
      do throws(Failure) {
        if let problem = item.imageProblem { throw problem }
        var picture = try Picture(item.image)
        if isUpright { picture = picture.upright() }
        turned += picture.isTurned ? 1 : 0
        let vector = try a.image(picture)
        if let b { seenB.append(try b.image(picture)) }
        seen.append(vector)
        kept.append(item)
      } catch {
        failed.append((item.image, error.inFile(item.image)))
      }
      progress(item.image, b == nil ? 1 : 2)
    }
    if kept.isEmpty, let first = failed.first { throw first.failure }
    let captions = kept.flatMap(\.answers)
    let owners = kept.indices.flatMap { index in kept[index].answers.map { _ in index } }
    let ours = try Self.ranks(seen, embedded(captions, a, progress), owners, a.engine)
    var theirs: (captions: [Int], images: [Int])?
    if let b { theirs = try Self.ranks(seenB, embedded(captions, b, progress), owners, b.engine) }
    return Result(
      a: a.files, b: b?.files, images: kept.count, captions: captions.count,
      captionsFound: Way(ranks: ours.captions, ranksB: theirs?.captions),
      imagesFound: Way(ranks: ours.images, ranksB: theirs?.images), failed: failed, turned: turned)
  }

  /// Captions that are embedded between two tellings of progress.
  private static let piece = 256

  private func embedded(
    _ captions: [String], _ nets: RetrievalNets, _ progress: (String, Int) -> Void
  ) throws(Failure) -> [[Float]] {
    var out: [[Float]] = []
    while out.count < captions.count {
      let some = Array(captions[out.count..<min(captions.count, out.count + Self.piece)])
      out += try nets.texts(some)
      progress("captions", some.count)
    }
    return out
  }

  /// Images whose products with all captions are held at once.
  private static let rows = 64

  /// Of each image the place of the first of its captions among all captions, and of each caption the place of its image
  /// among all images, by descending cosine; of equal ones the earlier is before the later.
  static func ranks(
    _ images: [[Float]], _ captions: [[Float]], _ owners: [Int], _ engine: Engine
  ) throws(Failure) -> (captions: [Int], images: [Int]) {
    let size = images[0].count
    let weight = KernelWeight(Matrix(rows: captions.count, columns: size, captions.flatMap(\.self)))
    var byImage = [Int](repeating: 0, count: images.count)
    func products(_ rows: Range<Int>) throws(Failure) -> Matrix {
      let out = Matrix(rows: rows.count, columns: captions.count)
      let x = Matrix(rows: rows.count, columns: size, images[rows].flatMap(\.self))
      try engine.run([LinearMap(x, weight, bias: nil, into: out)])
      return out
    }
    let pieces = stride(from: 0, to: images.count, by: rows).map { $0..<min($0 + rows, images.count) }
    // The products with the own image come first: images are counted against them, piece by piece.
    var own = [Float](repeating: 0, count: captions.count)
    for piece in pieces {
      let scores = try products(piece)
      for (row, image) in piece.enumerated() {
        let all = scores.rows(row..<row + 1).elements
        var best = 0
        var top = -Float.infinity
        for (caption, owner) in owners.enumerated() where owner == image {
          own[caption] = all[caption]
          if all[caption] > top { (best, top) = (caption, all[caption]) }
        }
        var before = 0
        for (caption, score) in all.enumerated() where score > top || score == top && caption < best { before += 1 }
        byImage[image] = before
      }
    }
    var byCaption = [Int](repeating: 0, count: captions.count)
    for piece in pieces {
      let scores = try products(piece)
      for (row, image) in piece.enumerated() {
        for (caption, score) in scores.rows(row..<row + 1).elements.enumerated() {
          if score > own[caption] || score == own[caption] && image < owners[caption] { byCaption[caption] += 1 }
        }
      }
    }
    return (byImage, byCaption)
  }
}
