import Arrays
import Checkpoints
import Families

/// Vectors of texts and pictures, one after the other, as they are written into files and searched.
public struct VectorTable: Sendable {
  /// Row by row.
  public let elements: [Float]
  /// Elements of a vector.
  public let size: Int
  /// What each vector is of; nil: it is not known.
  public private(set) var items: [VectorItem]?

  public var count: Int { elements.count / size }

  public init(_ vectors: [[Float]], size: Int, items: [VectorItem]? = nil) {
    elements = vectors.flatMap(\.self)
    self.size = size
    self.items = items
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
    do throws(Failure) { items = try Self.items(checkpoint) } catch { throw error.inFile(path) }
    if let items { try check(items.count, "\(Self.what(items))s", of: path) }
  }

  /// What the metadata say that vectors are of.
  private static func items(_ checkpoint: any Checkpoint) throws(Failure) -> [VectorItem]? {
    func list(_ key: String) throws(Failure) -> [String]? {
      guard let told = checkpoint.metadata.first(where: { $0.name == key })?.value else { return nil }
      do throws(Failure) {
        return try JSONValue(parsing: Array(told.utf8)).strings()
      } catch {
        throw Failure(.badData, place: "metadata", "\(key) are no list of texts: \(error.reason)")
      }
    }
    guard let texts = try list("texts") else { return try list("images")?.map { .image($0) } }
    guard let kinds = try list("kinds") else { return texts.map { .text($0) } }
    guard kinds.count == texts.count, kinds.allSatisfy(["image", "text"].contains) else {
      throw Failure(
        .badData, place: "metadata", "kinds don't say of each of \(texts.count) whether it is an image or a text")
    }
    return zip(kinds, texts).map { kind, name in kind == "image" ? .image(name) : .text(name) }
  }

  /// What all of some are: `image`, `text`, or either.
  static func what(_ items: [VectorItem]) -> String {
    items.allSatisfy(\.isImage) ? "image" : items.contains(where: \.isImage) ? "item" : "text"
  }

  /// The same vectors with what they are of.
  /// - Throws: `Failure` of kind `badData` when there are not as many.
  public func with(items: [VectorItem], of path: String) throws(Failure) -> VectorTable {
    try check(items.count, "\(Self.what(items))s", of: path)
    var copy = self
    copy.items = items
    return copy
  }

  private func check(_ items: Int, _ what: String, of path: String) throws(Failure) {
    guard items == count else {
      throw Failure(
        .badData, file: path, "has \(items) \(what), but there are \(count) vectors",
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

  /// Writes the vectors, count × size float32: an array as NumPy has it; in safetensors `embeddings`, with what they are
  /// of as a JSON list in the metadata: `texts` or `images`, and of both together `texts` with `kinds`, which say of each
  /// whether it is an image or a text; in CSV a line each, of the text or the image, or both, and its vector's elements.
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
      try writeSafetensors([array], to: path, metadata: metadata)
    case .csv: try writeCSV(to: path)
    }
  }

  private var metadata: [(String, String)] {
    guard let items else { return [] }
    let names = JSONValue.strings(items.map(\.name)).compactText
    guard items.contains(where: \.isImage) else { return [("texts", names)] }
    if items.allSatisfy(\.isImage) { return [("images", names)] }
    return [("texts", names), ("kinds", JSONValue.strings(items.map { $0.isImage ? "image" : "text" }).compactText)]
  }

  private func writeCSV(to path: String) throws(Failure) {
    let output = try OutputFile(path)
    var offset = 0
    func write(_ line: String) throws(Failure) {
      let bytes = Array((line + "\n").utf8)
      try output.write(bytes.rawSpan, at: offset)
      offset += bytes.count
    }
    let what = Self.what(items ?? [])
    let names = items == nil ? ["text"] : what == "item" ? ["image", "text"] : [what]
    try write((names + (0..<size).map { "v\($0)" }).joined(separator: ","))
    for row in 0..<count {
      let numbers = elements[row * size..<(row + 1) * size].map { "\($0)" }
      let name = csvField(items?[row].name ?? "")
      let isImage = items?[row].isImage == true
      let fields = names.count == 1 ? [name] : isImage ? [name, ""] : ["", name]
      try write((fields + numbers).joined(separator: ","))
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
