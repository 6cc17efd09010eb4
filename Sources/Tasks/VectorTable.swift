import Arrays
import Checkpoints
import Families

/// Vectors of texts, one after the other, as they are written into files and searched.
public struct VectorTable: Sendable {
  /// Row by row.
  public let elements: [Float]
  /// Elements of a vector.
  public let size: Int
  /// Of each vector; nil: they are not known.
  public private(set) var texts: [String]?

  public var count: Int { elements.count / size }

  public init(_ vectors: [[Float]], size: Int, texts: [String]? = nil) {
    elements = vectors.flatMap(\.self)
    self.size = size
    self.texts = texts
  }

  /// Reads a file as `write` makes it, or any other of one array of vectors: .npy, .npz, .safetensors.
  /// - Throws: `Failure` of kind `noInput`, or `badData` when it holds no such array.
  public init(_ path: String) throws(Failure) {
    let checkpoint = try openCheckpoint(path)
    let found = checkpoint.arrays.indices.filter { index in
      let array = checkpoint.arrays[index]
      return array.shape.rank == 2 && array.shape.elements > 0
        && FloatConversion.isPossible(from: array.elementType, to: .float32)
    }
    let named = found.first { ["embeddings", "features"].contains(checkpoint.arrays[$0].name) }
    guard let index = named ?? (found.count == 1 ? found[0] : nil) else {
      throw Failure(
        .badData, file: path,
        found.isEmpty
          ? "holds no array of vectors: floats of two dimensions"
          : "holds \(found.count) arrays that may be vectors, and none is called embeddings",
        hint: "`ingot embed --lines TEXTS --output VECTORS.npy` makes such a file")
    }
    let array = checkpoint.arrays[index]
    let bytes = try checkpoint.data(of: index)
    elements =
      array.elementType == .float32
      ? Floats.array(bytes)
      : Floats.array(FloatConversion.convert(bytes.rawSpan, from: array.elementType, to: .float32))
    size = array.shape.dimensions[1]
    guard elements.allSatisfy(\.isFinite) else {
      throw Failure(.badData, file: path, place: "array \"\(array.name)\"", "holds numbers that are not finite")
    }
    if let told = checkpoint.metadata.first(where: { $0.name == "texts" })?.value {
      do throws(Failure) {
        texts = try JSONValue(parsing: Array(told.utf8)).strings()
      } catch {
        throw Failure(.badData, file: path, place: "metadata", "texts are no list of texts: \(error.reason)")
      }
      try check(texts?.count ?? 0, of: path)
    }
  }

  /// The same vectors with their texts.
  /// - Throws: `Failure` of kind `badData` when there are not as many.
  public func with(texts: [String], of path: String) throws(Failure) -> VectorTable {
    try check(texts.count, of: path)
    var copy = self
    copy.texts = texts
    return copy
  }

  private func check(_ texts: Int, of path: String) throws(Failure) {
    guard texts == count else {
      throw Failure(
        .badData, file: path, "has \(texts) texts, but there are \(count) vectors",
        hint: "the two are of one list: a line for a vector")
    }
  }

  public enum Form: String, Sendable, CaseIterable {
    case npy, safetensors, csv

    /// The one that a file's name ends in; nil: none.
    public init?(file path: String) {
      guard let ending = Paths.name(path).split(separator: ".", omittingEmptySubsequences: false).dropFirst().last,
        let form = Form(rawValue: ending.lowercased())
      else { return nil }
      self = form
    }
  }

  /// Writes the vectors, count × size float32: an array as NumPy has it; in safetensors `embeddings`, with the texts as a
  /// JSON list in the metadata; in CSV a line each, of the text and its vector's elements.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func write(to path: String, as form: Form) throws {
    switch form {
    case .npy:
      let array = CheckpointArray(
        name: "embeddings", shape: try Shape([count, size]), elementType: .float32, bytes: elements.count * 4)
      let writer = try NumPyWriter(path, arrays: [array])
      try writer.write(0) { try $0(Floats.bytes(elements).rawSpan) }
      try writer.finish()
      try writer.file.commit()
    case .safetensors:
      let array = SafetensorsArray("embeddings", [count, size], .float32, Floats.bytes(elements))
      let metadata = texts.map { [("texts", JSONValue.strings($0).compactText)] } ?? []
      try writeSafetensors([array], to: path, metadata: metadata)
    case .csv: try writeCSV(to: path)
    }
  }

  private func writeCSV(to path: String) throws(Failure) {
    let output = try OutputFile(path)
    var offset = 0
    func write(_ line: String) throws(Failure) {
      let bytes = Array((line + "\n").utf8)
      try output.write(bytes.rawSpan, at: offset)
      offset += bytes.count
    }
    try write((["text"] + (0..<size).map { "v\($0)" }).joined(separator: ","))
    for row in 0..<count {
      let numbers = elements[row * size..<(row + 1) * size].map { "\($0)" }
      try write(([csvField(texts?[row] ?? "")] + numbers).joined(separator: ","))
    }
    try output.flush()
    try output.commit()
  }
}

/// A field of CSV (RFC 4180).
private func csvField(_ text: String) -> String {
  // By bytes: to a String, a comma or quote and a combining mark after it are one character, and another.
  let bytes = Array(text.utf8)
  guard bytes.contains(where: ",\"\r\n".utf8.contains) else { return text }
  return "\"" + String(decoding: bytes.replacing("\"".utf8, with: "\"\"".utf8), as: UTF8.self) + "\""
}

extension VectorTable {
  /// A vector that was found.
  public struct Match: Sendable {
    /// Which vector, from 0.
    public let index: Int
    public let similarity: Double
  }

  /// The vectors most alike to one, the most alike first; of equally alike ones the first.
  /// - Throws: `Failure` of kind `badData` when the vectors are of another size.
  public func nearest(
    to query: [Float], by similarity: TextVectorRules.Similarity, top: Int
  ) throws(Failure) -> [Match] {
    guard query.count == size else {
      throw Failure(
        .badData, "the vectors have \(size) elements, but those of the net \(query.count)",
        hint: "search with the net that the vectors were made with")
    }
    let matches = (0..<count).map { index in
      Match(index: index, similarity: similarity.value(elements[index * size..<(index + 1) * size], query))
    }
    return Array(
      matches.sorted { $0.similarity > $1.similarity || $0.similarity == $1.similarity && $0.index < $1.index }
        .prefix(top))
  }
}

extension TextVectorRules.Similarity {
  /// How alike two vectors are; the cosine with a vector of zeros is 0.
  public func value(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    var (product, first, second, distance) = (0.0, 0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      let (x, y) = (Double(x), Double(y))
      switch self {
      case .dot: product += x * y
      case .cosine:
        product += x * y
        first += x * x
        second += y * y
      case .euclidean: distance += (x - y) * (x - y)
      case .manhattan: distance += abs(x - y)
      }
    }
    switch self {
    case .dot: return product
    case .cosine: return first > 0 && second > 0 ? product / (first * second).squareRoot() : 0
    case .euclidean: return -distance.squareRoot()
    case .manhattan: return -distance
    }
  }
}
