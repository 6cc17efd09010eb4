import Arrays
import Media

/// Says which of some labels fits a picture best, by a CLIP net that was trained on none of them (Radford et al., 2021,
/// arXiv:2103.00020, section 3.1).
public final class ZeroShotClassification: Sendable {
  public let embedding: ImageTextEmbedding
  public let labels: [String]
  public let templates: [String]
  /// Labels whose texts have more tokens than the net takes: their ends are cut off.
  public let cut: [String]
  /// By label, of length 1.
  package let vectors: [[Float]]

  /// What a label's place in a template is.
  public static let placeholder = "{}"
  /// Where no other is given: the paper's.
  public static let usualTemplate = "a photo of a {}."

  /// - Parameters:
  ///   - labels: what pictures may show.
  ///   - templates: texts in which {} stands for a label. Of several, a label's vector is the mean of its texts' vectors,
  ///     all of length 1 (section 3.1.4).
  ///   - progress: is told how many labels are done, of how many.
  /// - Throws: `Failure` of kind `usage` when there are no labels, one comes twice, or a template has no place for a label;
  ///   `badData` when the net's numbers are not finite, `io` when memory is short.
  public init(
    _ embedding: ImageTextEmbedding, labels: [String], templates: [String] = [usualTemplate],
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    guard !labels.isEmpty, !templates.isEmpty else {
      throw Failure(.usage, "there are no labels", hint: "give at least one label, and two to choose between")
    }
    for template in templates where !template.contains(Self.placeholder) {
      throw Failure(
        .usage, "the template \"\(shortened(template, to: 60))\" has no {}",
        hint: "{} stands for the label: \"a photo of a {}.\"")
    }
    var seen: Set<[UInt8]> = []
    for label in labels where !seen.insert(Array(label.utf8)).inserted {
      throw Failure(.usage, "the label \"\(shortened(label, to: 60))\" comes twice", hint: "give each label once")
    }
    self.embedding = embedding
    self.labels = labels
    self.templates = templates
    let texts = labels.map { label in templates.map { $0.replacing(Self.placeholder, with: label) } }
    cut = zip(labels, texts).filter { $0.1.contains(where: embedding.isTooLong) }.map(\.0)
    // Together: the products are the faster the more rows they have.
    var done = 0
    let all = try embedding.vectors(of: texts.flatMap(\.self)) { more in
      done += more
      progress(done / templates.count, labels.count)
    }
    var vectors: [[Float]] = []
    for start in stride(from: 0, to: all.count, by: templates.count) {
      vectors.append(try Self.mean(of: all[start..<start + templates.count], embedding))
    }
    self.vectors = vectors
  }

  /// The same, of nets that see pictures otherwise; labels' vectors are as they were.
  package init(_ other: ZeroShotClassification, seeingBy embedding: ImageTextEmbedding) {
    self.embedding = embedding
    (labels, templates, cut, vectors) = (other.labels, other.templates, other.cut, other.vectors)
  }

  /// What the templates make of some labels that are spread over all of them.
  package func someTexts(_ most: Int) -> [String] {
    let count = min(most, labels.count)
    return (0..<count).map { templates[0].replacing(Self.placeholder, with: labels[$0 * labels.count / count]) }
  }

  private static func mean(of vectors: ArraySlice<[Float]>, _ embedding: ImageTextEmbedding) throws(Failure) -> [Float]
  {
    if vectors.count == 1, let only = vectors.first { return only }
    var mean = [Double](repeating: 0, count: embedding.size)
    for vector in vectors {
      for (index, element) in vector.enumerated() { mean[index] += Double(element) / Double(vectors.count) }
    }
    return try ImageTextEmbedding.directed(
      embedding.textEncoder.normalize(mean.map { Float($0) }), embedding.nets.textEncoder.path)
  }

  /// One score per label: the cosine of its vector and the picture's, times the net's scale.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func scores(_ picture: Picture) throws(Failure) -> [Float] {
    scores(of: try embedding.vector(of: picture))
  }

  /// The same of a picture's vector.
  package func scores(of seen: [Float]) -> [Float] {
    let scale = Double(embedding.scale)
    return vectors.map { vector in
      var product = 0.0
      for (a, b) in zip(vector, seen) { product += Double(a) * Double(b) }
      return Float(scale * product)
    }
  }

  /// Every label with its probability, by the softmax of the scores; the likeliest first, of equal ones the first.
  /// - Throws: `Failure` of kind `badData` when the net's numbers are not finite, `io` when memory is short.
  public func classes(_ picture: Picture) throws(Failure) -> [ImageClassification.Class] {
    try classes(ofVector: embedding.vector(of: picture))
  }

  /// The same of a picture's vector.
  public func classes(ofVector seen: [Float]) -> [ImageClassification.Class] {
    let scores = scores(of: seen)
    let values = ImageClassification.Function.softmax.values(of: scores)
    return ImageClassification.ranked(scores).map {
      ImageClassification.Class(index: $0, label: labels[$0], value: values[$0])
    }
  }
}
