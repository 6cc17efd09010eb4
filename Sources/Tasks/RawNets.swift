import Arrays
import Kernels

/// A tensor that goes into nets or comes out of them: pixels as they were prepared elsewhere, tokens of another's tokenizer.
public struct RawTensor: Sendable {
  public enum Values: Sendable {
    case floats([Float])
    case integers([Int])
  }

  public let name: String
  public let shape: [Int]
  /// Row by row; as many as the shape says.
  public let values: Values

  /// - Throws: `Failure` of kind `usage` when there are more or fewer values than the shape says.
  public init(_ name: String, shape: [Int], _ values: Values) throws(Failure) {
    let count =
      switch values {
      case .floats(let all): all.count
      case .integers(let all): all.count
      }
    var elements = 1
    for dimension in shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else {
        throw Failure(.usage, "\(shortened(name, to: 60)) has a shape that is none")
      }
      elements = product
    }
    guard elements == count else {
      throw Failure(.usage, "\(shortened(name, to: 60)) has \(count) elements; its shape says \(elements)")
    }
    (self.name, self.shape, self.values) = (name, shape, values)
  }
}

/// What nets take and give as tensors.
public struct RawTensorKind: Sendable, Equatable {
  public let name: String
  public let isInteger: Bool
  /// -1: any length.
  public let shape: [Int]
  /// Whether a request may do without it.
  public let isOptional: Bool

  init(_ name: String, isInteger: Bool = false, _ shape: [Int], isOptional: Bool = false) {
    (self.name, self.isInteger, self.shape, self.isOptional) = (name, isInteger, shape, isOptional)
  }
}

extension OpenNets {
  /// Tensors that the nets take: names and forms are those of the publisher's library (transformers).
  public var inputs: [RawTensorKind] {
    func pixels(_ side: Int, isOptional: Bool = false) -> RawTensorKind {
      RawTensorKind("pixel_values", [-1, 3, side, side], isOptional: isOptional)
    }
    func tokens(isOptional: Bool = false) -> [RawTensorKind] {
      [
        RawTensorKind("input_ids", isInteger: true, [-1, -1], isOptional: isOptional),
        RawTensorKind("attention_mask", isInteger: true, [-1, -1], isOptional: true),
      ]
    }
    switch self {
    case .answer(let nets): return [pixels(nets.profile.image.side)] + tokens()
    case .caption(let nets): return [pixels(nets.sight.image.side)]
    case .match(let nets): return [pixels(nets.sight.image.side)] + tokens()
    case .classify(let net): return [pixels(net.side)]
    case .embed(let nets):
      switch (nets.images, nets.texts) {
      case (let net as ImageTextEmbedding, _): return [pixels(net.side, isOptional: true)] + tokens(isOptional: true)
      case (let net as ImageFeatures, _): return [pixels(net.image.side)]
      default: return tokens()
      }
    }
  }

  /// Tensors that the nets give.
  public var outputs: [RawTensorKind] {
    switch self {
    case .answer, .caption: return [RawTensorKind("sequences", isInteger: true, [-1, -1])]
    case .match: return [RawTensorKind("itm_score", [-1, 2])]
    case .classify(let net): return [RawTensorKind("logits", [-1, net.labels.count])]
    case .embed(let nets):
      switch (nets.images, nets.texts) {
      case (is ImageTextEmbedding, _):
        return [
          RawTensorKind("image_embeds", [-1, nets.size], isOptional: true),
          RawTensorKind("text_embeds", [-1, nets.size], isOptional: true),
        ]
      case (is ImageFeatures, _): return [RawTensorKind("pooler_output", [-1, nets.size])]
      default: return [RawTensorKind("sentence_embedding", [-1, nets.size])]
      }
    }
  }

  /// Runs the nets on tensors; each item as if it were alone.
  /// - Parameter most: items that are run at most.
  /// - Throws: `Failure` of kind `usage` for tensors that the nets don't take, `badData` for a token that they don't have or
  ///   numbers that aren't finite, `io` when memory is short.
  public func run(_ tensors: [RawTensor], most: Int) throws(Failure) -> [RawTensor] {
    let given = try RawInputs(tensors, inputs, most: most)
    switch self {
    case .answer(let nets):
      let images = try given.pixels()
      let texts = try given.tokens()
      guard images.count == texts.count else { throw given.mismatch(images.count, texts.count) }
      var out: [[Int]] = []
      for (pixels, tokens) in zip(images, texts) {
        let answer = try nets.answer(tokens: [tokens], about: nets.look(at: pixels))[0]
        out.append([nets.profile.answer.startToken] + answer.tokens)
      }
      return [try Self.padded("sequences", out)]
    case .caption(let nets):
      var out: [[Int]] = []
      for pixels in try given.pixels() {
        let caption = try nets.caption(nets.look(at: pixels))
        out.append(caption.promptTokens + caption.tokens)
      }
      return [try Self.padded("sequences", out)]
    case .match(let nets):
      let images = try given.pixels()
      let texts = try given.tokens()
      guard images.count == texts.count else { throw given.mismatch(images.count, texts.count) }
      var out: [[Float]] = []
      for (pixels, tokens) in zip(images, texts) {
        let read = try nets.read([(text: "", tokens: tokens)])
        out.append(try nets.match(nets.look(at: pixels), read)[0].logits)
      }
      return [try Self.rows("itm_score", out)]
    case .classify(let net):
      var out: [[Float]] = []
      for pixels in try given.pixels() { out.append(try net.scores(ofPixels: pixels)) }
      return [try Self.rows("logits", out)]
    case .embed(let nets): return try Self.embed(nets, given)
    }
  }

  private static func embed(_ nets: Embedder, _ given: RawInputs) throws(Failure) -> [RawTensor] {
    switch (nets.images, nets.texts) {
    case (let net as ImageTextEmbedding, _):
      var out: [RawTensor] = []
      if given.hasPixels {
        var vectors: [[Float]] = []
        for pixels in try given.pixels() { vectors.append(try net.vector(ofPixels: pixels)) }
        out.append(try rows("image_embeds", vectors))
      }
      if given.hasTokens { out.append(try rows("text_embeds", net.vectors(ofTokens: given.tokens()))) }
      guard !out.isEmpty else {
        throw Failure(.usage, "neither pixel_values nor input_ids are there", hint: "give one of them, or both")
      }
      return out
    case (let net as ImageFeatures, _):
      var vectors: [[Float]] = []
      for pixels in try given.pixels() { vectors.append(try net.vector(ofPixels: pixels)) }
      return [try rows("pooler_output", vectors)]
    case (_, let net as TextEmbedding):
      var vectors: [[Float]] = []
      for tokens in try given.tokens() { vectors += try net.vectors(ofTokens: [tokens]) }
      return [try rows("sentence_embedding", vectors)]
    default: throw Failure(.usage, "these nets take no tensors")
    }
  }

  private static func rows(_ name: String, _ rows: [[Float]]) throws(Failure) -> RawTensor {
    try RawTensor(name, shape: [rows.count, rows.first?.count ?? 0], .floats(rows.flatMap { $0 }))
  }

  /// Shorter ones are filled up with 0, the token that pads, as transformers' `generate` gives them.
  private static func padded(_ name: String, _ rows: [[Int]]) throws(Failure) -> RawTensor {
    let length = rows.map(\.count).max() ?? 0
    let all = rows.flatMap { $0 + [Int](repeating: 0, count: length - $0.count) }
    return try RawTensor(name, shape: [rows.count, length], .integers(all))
  }
}

/// Tensors that were given, checked against those that are taken.
private struct RawInputs {
  private let tensors: [RawTensor]

  init(_ tensors: [RawTensor], _ kinds: [RawTensorKind], most: Int) throws(Failure) {
    let taken = kinds.map(\.name).joined(separator: ", ")
    var seen: Set<String> = []
    for tensor in tensors {
      guard let kind = kinds.first(where: { $0.name == tensor.name }) else {
        throw Failure(.usage, "there is no input \(shortened(tensor.name, to: 60)); the inputs are \(taken)")
      }
      guard seen.insert(tensor.name).inserted else { throw Failure(.usage, "the input \(kind.name) is given twice") }
      let isInteger = if case .integers = tensor.values { true } else { false }
      guard isInteger == kind.isInteger else {
        throw Failure(.usage, "\(kind.name) is to be of \(kind.isInteger ? "whole numbers" : "float32")")
      }
      let fits =
        tensor.shape.count == kind.shape.count
        && zip(tensor.shape, kind.shape).allSatisfy { given, wanted in wanted < 0 ? given > 0 : given == wanted }
      guard fits, tensor.shape[0] <= most else {
        throw Failure(
          .usage,
          "\(kind.name) has the shape \(tensor.shape); \(kind.shape) is wanted, with -1 for any number, and up to \(most) items"
        )
      }
    }
    for kind in kinds where !kind.isOptional && !seen.contains(kind.name) {
      throw Failure(.usage, "the input \(kind.name) is missing; the inputs are \(taken)")
    }
    self.tensors = tensors
  }

  private subscript(_ name: String) -> RawTensor? { tensors.first { $0.name == name } }

  var hasPixels: Bool { self["pixel_values"] != nil }
  var hasTokens: Bool { self["input_ids"] != nil }

  func mismatch(_ images: Int, _ texts: Int) -> Failure {
    Failure(.usage, "there are \(images) images in pixel_values and \(texts) texts in input_ids")
  }

  /// 3 × (side · side) each.
  func pixels() throws(Failure) -> [Matrix] {
    guard let tensor = self["pixel_values"], case .floats(let all) = tensor.values else { return [] }
    guard all.allSatisfy(\.isFinite) else { throw Failure(.usage, "pixel_values has numbers that are not finite") }
    let columns = tensor.shape[2] * tensor.shape[3]
    return (0..<tensor.shape[0]).map {
      Matrix(rows: 3, columns: columns, Array(all[$0 * 3 * columns..<($0 + 1) * 3 * columns]))
    }
  }

  /// Of each text, without those that the mask hides, which stand at the end.
  func tokens() throws(Failure) -> [[Int]] {
    guard let tensor = self["input_ids"], case .integers(let all) = tensor.values else {
      guard self["attention_mask"] == nil else { throw Failure(.usage, "attention_mask is given without input_ids") }
      return []
    }
    let (count, length) = (tensor.shape[0], tensor.shape[1])
    var mask = [Int](repeating: 1, count: all.count)
    if let given = self["attention_mask"], case .integers(let values) = given.values {
      guard given.shape == tensor.shape else {
        throw Failure(.usage, "attention_mask has the shape \(given.shape), input_ids \(tensor.shape)")
      }
      mask = values
    }
    var out: [[Int]] = []
    for row in 0..<count {
      let shown = mask[row * length..<(row + 1) * length].prefix { $0 == 1 }.count
      guard shown > 0, mask[row * length + shown..<(row + 1) * length].allSatisfy({ $0 == 0 }) else {
        throw Failure(.usage, "attention_mask is to be 1 for a text's tokens and 0 behind them, where it is filled up")
      }
      out.append(Array(all[row * length..<row * length + shown]))
    }
    return out
  }
}
