import Arrays
import Kernels

/// What the text blocks' cross-attention looks at.
public enum CrossContext: Sendable {
  /// Nothing: cross-attention is left out, as of a text that is read without an image. All sequences that run together do.
  case absent
  /// Keys and values per block, context vectors × size: computed once per image or question, for any number of queries.
  case projected(keys: [Matrix], values: [Matrix])
  /// The vectors themselves, and transposed: for a few queries it is less work to bring these to the vectors than the
  /// vectors to keys and values.
  case direct(Matrix, transposed: Matrix)

  /// Vectors that are looked at as they are.
  public static func direct(_ vectors: Matrix) -> CrossContext {
    .direct(vectors, transposed: vectors.transposed)
  }

  /// Vectors attended over.
  public var count: Int {
    switch self {
    case .absent: 0
    case .projected(let keys, _): keys.first?.rows ?? 0
    case .direct(let vectors, _): vectors.rows
    }
  }

  /// Whether both are direct, over the same vectors in memory.
  fileprivate func isDirect(overThoseOf other: CrossContext) -> Bool {
    guard case .direct(let vectors, _) = self, case .direct(let others, _) = other else { return false }
    return vectors.isSame(as: others)
  }

  var isAbsent: Bool { if case .absent = self { true } else { false } }

  /// Queries up to which `direct` is less work. Of 577 vectors of 768 elements, keys and values of 12 blocks cost
  /// 16 GFLOP, and each query that goes without 0.3.
  private static let mostDirectQueries = 40

  /// Whether texts of so many tokens, which run together, attend `direct`: the two ways are rounded differently. Each text
  /// is judged alone, so that what comes of it doesn't depend on the others; unless an engine is to be fast, which takes
  /// what is less work for all of them. An observer sees whole layers, which `direct` doesn't have.
  public static func areDirect(_ counts: [Int], _ engine: Engine) -> [Bool] {
    guard !engine.isObserved else { return counts.map { _ in false } }
    let all = counts.reduce(0, +)
    return counts.map { (engine.isFast ? all : $0) <= mostDirectQueries }
  }
}

/// Self-attention keys and values of the tokens that a sequence has so far.
public struct TextCache: Sendable {
  /// Per block: capacity × size.
  fileprivate let keys: [Matrix]
  fileprivate let values: [Matrix]
  /// Tokens so far.
  public private(set) var count = 0

  init(blocks: Int, capacity: Int, size: Int) {
    keys = (0..<blocks).map { _ in Matrix(rows: capacity, columns: size) }
    values = (0..<blocks).map { _ in Matrix(rows: capacity, columns: size) }
  }

  /// A cache that goes on from here in another way; this one stays as it is.
  public func forked() -> TextCache {
    guard let first = keys.first else { return self }
    var copy = TextCache(blocks: keys.count, capacity: first.rows, size: first.columns)
    for block in keys.indices {
      copy.keys[block].rows(0..<count).copy(keys[block].rows(0..<count))
      copy.values[block].rows(0..<count).copy(values[block].rows(0..<count))
    }
    copy.count = count
    return copy
  }

  fileprivate func append(_ newKeys: Matrix, _ newValues: Matrix, block: Int) -> (keys: Matrix, values: Matrix) {
    let end = count + newKeys.rows
    keys[block].rows(count..<end).copy(newKeys)
    values[block].rows(count..<end).copy(newValues)
    return (keys[block].rows(0..<end), values[block].rows(0..<end))
  }

  fileprivate mutating func advance(_ tokens: Int) { count += tokens }
}

/// Tokens that go through a text net together, after those in their cache.
public struct TextSequence: Sendable {
  public let tokens: [Int]
  public let context: CrossContext
  public var cache: TextCache?

  public init(_ tokens: [Int], context: CrossContext, cache: TextCache? = nil) {
    self.tokens = tokens
    self.context = context
    self.cache = cache
  }
}

extension TextTrunk {
  /// Width of the vectors.
  public var size: Int { embeddings.norm.weight.shape.elements }
  /// Width of the vectors attended over.
  public var contextSize: Int { blocks[0].crossAttention.key.inputs }

  /// Keys and values of vectors that are attended over.
  /// - Parameter vectors: count × context size.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func context(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> CrossContext {
    // One piece of memory: of an image it is large, and large pages make it cheap to come by.
    let all = Matrix(rows: 2 * blocks.count * vectors.rows, columns: size)
    func part(_ index: Int) -> Matrix { all.rows(index * vectors.rows..<(index + 1) * vectors.rows) }
    let keys = blocks.indices.map { part(2 * $0) }
    let values = blocks.indices.map { part(2 * $0 + 1) }
    var maps: [LinearMap] = []
    for (index, block) in blocks.enumerated() {
      maps.append(block.crossAttention.key.map(vectors, into: keys[index]))
      maps.append(block.crossAttention.value.map(vectors, into: values[index]))
    }
    try engine.run(maps)
    return .projected(keys: keys, values: values)
  }

  /// An empty cache for a sequence of at most so many tokens.
  public func cache(capacity: Int) -> TextCache { TextCache(blocks: blocks.count, capacity: capacity, size: size) }

  /// Elements of such a cache.
  public func cacheElements(capacity: Int) -> Double { 2 * Double(blocks.count) * Double(capacity) * Double(size) }

  /// Most tokens of a sequence.
  public var mostTokens: Int { embeddings.position.count }

  /// Elements held while a text of the greatest length is run that attends over so many vectors.
  public func activationElements(contextVectors: Int) -> Double {
    let inner = Double(blocks.map { $0.mlp.mlp.fc1.outputs }.max() ?? 0)
    let heads = Double(blocks.map { $0.crossAttention.heads }.max() ?? 0)
    let perToken = 6 * Double(size) + inner + heads * (2 * Double(contextSize) + Double(contextVectors))
    return Double(mostTokens) * perToken + 2 * Double(contextVectors) * Double(blocks.count) * Double(size)
  }

  /// How many tokens there are.
  public var vocabularySize: Int { embeddings.word.count }

  /// Runs several sequences, which may be of different lengths: no padding is needed, since only attention knows of
  /// sequences and each has its own. Caches advance.
  /// - Parameters:
  ///   - isCausal: whether a token sees those before it only.
  ///   - crossAttention: called per block with each sequence's weights, (heads · tokens) × context vectors.
  /// - Returns: all tokens × size, one sequence after the other.
  /// - Throws: `Failure` of kind `badData` for a token or a position the net doesn't have; of kind `io` when memory is
  ///   short.
  public func callAsFunction(
    _ sequences: inout [TextSequence], isCausal: Bool, _ engine: Engine,
    crossAttention: ((_ sequence: Int, _ weights: Matrix) -> Void)? = nil
  ) throws(Failure) -> Matrix {
    let x = try embed(sequences, engine)
    var ranges: [Range<Int>] = []
    for sequence in sequences {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<start + sequence.tokens.count)
    }
    let isAlone = sequences.allSatisfy(\.context.isAbsent)
    for (index, block) in blocks.enumerated() {
      try block.selfAttention.run(x, engine) { (query, key, value, output) in
        zip(sequences, ranges).map { sequence, range in
          let new = (keys: key.rows(range), values: value.rows(range))
          let all = sequence.cache.map { $0.append(new.keys, new.values, block: index) } ?? new
          return block.selfAttention.attention.map(
            queries: query.rows(range), keys: all.keys, values: all.values, into: output.rows(range),
            isCausal: isCausal)
        }
      }
      if !isAlone {
        let weights = crossAttention.map { _ in
          sequences.map { sequence in
            Matrix(rows: block.crossAttention.heads * sequence.tokens.count, columns: sequence.context.count)
          }
        }
        try block.crossAttention.run(x, over: sequences.map(\.context), block: index, ranges, weights, engine)
        for (number, weights) in (weights ?? []).enumerated() { crossAttention?(number, weights) }
      }
      try block.mlp.mlp.add(x, to: x, engine)
      block.mlp.norm(x, into: x, engine)
    }
    for (index, range) in ranges.enumerated() { sequences[index].cache?.advance(range.count) }
    return x
  }

  private func embed(_ sequences: [TextSequence], _ engine: Engine) throws(Failure) -> Matrix {
    for sequence in sequences where (sequence.cache?.count ?? 0) + sequence.tokens.count > mostTokens {
      throw Failure(.badData, "a text has more than the net's \(mostTokens) tokens", hint: "shorten it")
    }
    let x = Matrix(rows: sequences.reduce(0) { $0 + $1.tokens.count }, columns: size)
    var row = 0
    for sequence in sequences {
      for (index, token) in sequence.tokens.enumerated() {
        let position = (sequence.cache?.count ?? 0) + index
        guard (0..<vocabularySize).contains(token) else {
          throw Failure(
            .badData, "token \(token) is none of the net's \(vocabularySize)",
            hint: "is the net file's vocabulary the one that its weights were trained with?")
        }
        x.setRow(row, embeddings.word.row(token))
        x.addToRow(row, embeddings.position.row(position))
        row += 1
      }
    }
    embeddings.norm(x, into: x, engine)
    return x
  }
}

extension TextAttention {
  var heads: Int { attention.heads }

  /// x ← norm(x + output(attention of x over itself)).
  func run(
    _ x: Matrix, _ engine: Engine,
    _ attentions: (_ q: Matrix, _ k: Matrix, _ v: Matrix, _ out: Matrix) -> [AttentionMap]
  ) throws(Failure) {
    let size = query.outputs
    let (q, k, v) = (
      Matrix(rows: x.rows, columns: size), Matrix(rows: x.rows, columns: size), Matrix(rows: x.rows, columns: size)
    )
    try engine.run([query.map(x, into: q), key.map(x, into: k), value.map(x, into: v)])
    let attended = Matrix(rows: x.rows, columns: size)
    try engine.run(attentions(q, k, v, attended))
    try finish(x, attended, engine)
  }

  /// x ← norm(x + output(attention of x over contexts)), each context for a range of rows.
  fileprivate func run(
    _ x: Matrix, over contexts: [CrossContext], block: Int, _ ranges: [Range<Int>], _ weights: [Matrix]?,
    _ engine: Engine
  ) throws(Failure) {
    let q = try query(x, engine)
    let attended = Matrix(rows: x.rows, columns: query.outputs)
    var projected: [AttentionMap] = []
    var next = 0
    while next < contexts.count {
      let (number, context) = (next, contexts[next])
      next += 1
      var range = ranges[number]
      // Those that look at the same vectors go together: each row stands for itself.
      while weights == nil, next < contexts.count, context.isDirect(overThoseOf: contexts[next]) {
        range = range.lowerBound..<ranges[next].upperBound
        next += 1
      }
      let (queries, output) = (q.rows(range), attended.rows(range))
      switch context {
      case .absent: preconditionFailure("texts with and without an image don't run together")
      case .projected(let keys, let values):
        projected.append(
          attention.map(
            queries: queries, keys: keys[block], values: values[block], into: output, weights: weights?[number]))
      case .direct(let vectors, let transposed):
        try attend(queries, over: vectors, transposed, into: output, weights?[number], engine)
      }
    }
    try engine.run(projected)
    try finish(x, attended, engine)
  }

  /// Attention over vectors without making their keys and values. A score is q · (K v + b) = (q K) · v + q · b, whose last
  /// term is the same for all v and so falls out of the softmax; and a sum of values, whose weights have the sum 1, is
  /// Σ w (V v + b) = V (Σ w v) + b.
  private func attend(
    _ queries: Matrix, over vectors: Matrix, _ transposed: Matrix, into output: Matrix, _ weights: Matrix?,
    _ engine: Engine
  ) throws(Failure) {
    let (count, width) = (queries.rows, vectors.columns)
    let headSize = queries.columns / heads
    func columns(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
    func rows(_ head: Int) -> Range<Int> { head * count..<(head + 1) * count }
    /// The rows of a head, of a weight.
    func part(_ weight: Weight, _ head: Int) -> KernelWeight {
      // A few rows are no gain with integers.
      weight.kernel.part(head * headSize * width..<(head + 1) * headSize * width).withFloatActivations
    }
    let scaled = queries.scaled(by: 1 / Float(headSize).squareRoot())
    let brought = Matrix(rows: heads * count, columns: width)
    engine.run(
      (0..<heads).map { ProductMap(scaled.columns(columns($0)), part(key.weight, $0), into: brought.rows(rows($0))) })
    let scores = weights ?? Matrix(rows: heads * count, columns: vectors.rows)
    try engine.run([LinearMap(brought, KernelWeight(vectors), bias: nil, into: scores)])
    engine.softmax(scores)
    try engine.run([LinearMap(scores, KernelWeight(transposed), bias: nil, into: brought)])
    try engine.run(
      (0..<heads).map { head in
        LinearMap(
          brought.rows(rows(head)), part(value.weight, head), bias: value.bias?.kernel.part(columns(head)),
          into: output.columns(columns(head)))
      })
  }

  private func finish(_ x: Matrix, _ attended: Matrix, _ engine: Engine) throws(Failure) {
    try engine.run([output.map(attended, into: x, .add)])
    norm(x, into: x, engine)
  }
}

extension BlipTextDecoder {
  /// One score (logit) per word for each row of the trunk's output.
  /// - Returns: rows × words.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func scores(_ vectors: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    let transformed = try head.transform(vectors, engine, head.activation.finish)
    head.norm(transformed, into: transformed, engine)
    return try head.projection(transformed, engine)
  }
}
