import Arrays

/// How many rows or columns something has: fixed by a net's configuration, or as many as what the net is given.
public enum Extent: Hashable, Sendable {
  case fixed(Int)
  /// Tokens of a text; `most` that the net takes.
  case tokens(most: Int)
  /// Vectors of another net that are attended over.
  case context
}

/// One layer of a net as its definition made it: what it is, where, on what shapes, and how much work it is.
public struct LayerRecord: Sendable {
  /// Where it stands in the net, as its arrays' names begin.
  public let path: String
  /// nil: an array that belongs to no layer, such as positions that are added as a whole.
  public let type: LayerType?
  /// Of what goes in; of attention, that of the queries.
  public let input: [Extent]
  /// Keys and values that attention is over; nil for layers of other types.
  public let over: Extent?
  /// Of what comes out.
  public let output: [Extent]
  /// Whether running the net runs it; BERT's pooler, whose arrays are published, is not.
  public let isRun: Bool
  /// Elements of its own arrays that training sets; those of a tied array count where it is stored.
  public internal(set) var parameters = 0
  /// Factors of products, whose sum is the number of multiplications.
  let products: [[Extent]]

  init(
    _ type: LayerType?, path: String, _ input: [Extent], _ output: [Extent], over: Extent? = nil,
    products: [[Extent]] = [], isRun: Bool = true
  ) {
    (self.type, self.path, self.input, self.output, self.over) = (type, path, input, output, over)
    (self.products, self.isRun) = (products, isRun)
  }
}

/// How many tokens a net is given, and how many vectors of another net it attends over.
public struct RunLengths: Sendable, Equatable {
  public var tokens: Int
  public var context: Int

  public init(tokens: Int, context: Int) { (self.tokens, self.context) = (tokens, context) }
}

extension Extent {
  public func count(_ lengths: RunLengths) -> Int {
    switch self {
    case .fixed(let count): count
    case .tokens: lengths.tokens
    case .context: lengths.context
    }
  }
}

extension LayerRecord {
  /// Multiplications, each with an addition, of matrix products, convolutions and attention; 0 of all else, and of what
  /// isn't run. Attention that sees only what came before counts in full, as where it is computed as two products.
  /// - Throws: `Failure` of kind `badData` when there are too many to count.
  public func multiplyAdds(_ lengths: RunLengths) throws(Failure) -> Int {
    var sum = 0
    for factors in products where isRun {
      var product = 1
      var overflows = false
      for factor in factors {
        let result = product.multipliedReportingOverflow(by: factor.count(lengths))
        (product, overflows) = (result.partialValue, overflows || result.overflow)
      }
      let result = sum.addingReportingOverflow(product)
      guard !overflows, !result.overflow else {
        throw Failure(.badData, place: "layer \"\(path)\"", "has too many multiply-adds to count")
      }
      sum = result.partialValue
    }
    return sum
  }
}

extension NetDescription {
  /// Most tokens that the net takes; nil for a net that reads no text.
  public var mostTokens: Int? {
    for layer in layers { for case .tokens(let most) in layer.input { return most } }
    return nil
  }

  /// Vectors that a net makes of an image; nil for a net that reads none.
  public var imageVectors: Int? {
    guard layers.contains(where: { $0.type == .conv2d }) else { return nil }
    for layer in layers where layer.type == .attention {
      if case .fixed(let count) = layer.output.first { return count }
    }
    return nil
  }

  /// Whether the net attends over another's vectors.
  public var hasContext: Bool { layers.contains { $0.over == .context } }
}
