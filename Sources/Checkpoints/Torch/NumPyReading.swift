import Arrays

extension TensorReader {
  /// An array of NumPy's, whose elements stand in the pickle: numpy/core/multiarray.py `_reconstruct`, to which BUILD gives
  /// (version, shape, type, isFortran, elements), or, since protocol 5, `_frombuffer(elements, type, shape, order)`.
  func numpyArray(_ value: PickleValue, _ function: String) throws(Failure) -> TensorReading {
    let (data, type, shape, isFortran): (PickleValue, PickleValue, PickleValue, Bool)
    if function.hasSuffix("._frombuffer") {
      let given = tree.arguments(of: value)
      guard given.count >= 4 else { throw Self.malformed }
      (data, type, shape, isFortran) = (given[0], given[1], given[2], tree.isText(given[3], "F"))
    } else {
      guard let state = tree.state(of: value) else { return .unreadable("is a NumPy array without data") }
      // A subclass's own state may be anything.
      guard let state = tree.items(state), state.count >= 4 else {
        return .unreadable("is a NumPy array of a class of its own")
      }
      // Before version 1 the version was left out.
      let parts = state.count == 4 ? [.integer(0)] + state : Array(state.prefix(5))
      (data, type, shape, isFortran) = (parts[4], parts[2], parts[1], parts[3] == .boolean(true))
    }
    guard let dtype = NumPyType(type, in: tree) else { return .unreadable("is a NumPy array of an unknown type") }
    guard let dimensions = tree.integers(shape) else { throw Self.malformed }
    guard let elementType = dtype.elementType else {
      return .unreadable("is a NumPy array of type \(dtype.word), which is none of numbers")
    }
    guard let (source, bytes) = bytes(of: data) else {
      return .unreadable("is a NumPy array whose data are not in the file")
    }
    guard dimensions.count <= Shape.maximumRank else {
      return .unreadable("is a NumPy array of \(dimensions.count) dimensions; at most \(Shape.maximumRank) are read")
    }
    let (shapeBytes, size) = (try Shape(dimensions).bytes(of: elementType), elementType.size)
    guard shapeBytes == bytes else {
      throw Failure(.badData, "is a NumPy array of \(shapeBytes) bytes by its shape, for which there are \(bytes)")
    }
    return .array(
      try TorchView(
        elementType, source, count: bytes / size, offset: 0, dimensions: dimensions,
        strides: TorchView.strides(of: dimensions, isFortran: isFortran), isBigEndian: dtype.isBigEndian))
  }

  private static let malformed = Failure(.badData, "is a NumPy array of unknown form")

  /// A number of NumPy's, `scalar(type, bytes)`, as text; nil for anything else.
  func numpyScalar(_ value: PickleValue) -> String? {
    guard let function = tree.function(of: value), function.hasPrefix("numpy."),
      function.hasSuffix(".multiarray.scalar")
    else { return nil }
    let given = tree.arguments(of: value)
    guard let type = given.first, let dtype = NumPyType(type, in: tree) else { return "a NumPy number" }
    return "a NumPy number of type \(dtype.word)"
  }

  /// Where bytes stand, and how many there are, in whichever way they were written: as bytes; by protocols before 3 as
  /// text, encoded as Latin-1 by a call; by Python 2 as its strings.
  private func bytes(of value: PickleValue) -> (TorchSource, bytes: Int)? {
    switch value {
    case .bytes(let start, let count): return (.pickle(at: start, bytes: count), count)
    case .latin(let text, let start):
      return texts.bytes(of: text, at: start).map { (.pickle(at: start, bytes: $0), $0) }
    case .string(let text, let start?):
      let count = text.utf8.count
      return texts.bytes(of: text, at: start) == count ? (.pickle(at: start, bytes: count), count) : nil
    case .object:
      guard let function = tree.function(of: value) else { return nil }
      let given = tree.arguments(of: value)
      switch function {
      case "_codecs.encode":
        guard given.count == 2, case .string(let text, let start?) = given[0],
          ["latin1", "latin-1"].contains(where: { tree.isText(given[1], $0) }),
          let count = texts.bytes(of: text, at: start)
        else { return nil }
        return (.latin(at: start, bytes: text.utf8.count), count)
      case "builtins.bytes", "__builtin__.bytes", "__builtin__.str":
        return given.isEmpty ? (.value([]), 0) : nil
      default: return nil
      }
    default: return nil
    }
  }
}

/// Texts whose characters are bytes, by where they begin in the file: each is looked through once, however many arrays have
/// it for their data.
final class LatinTexts {
  private var counts: [Int: Int?] = [:]

  /// How many bytes a text stands for; nil where a character is none.
  func bytes(of text: String, at start: Int) -> Int? {
    if let known = counts[start] { return known }
    let scalars = text.unicodeScalars
    let count = scalars.allSatisfy { $0.value < 0x100 } ? scalars.count : nil
    counts[start] = .some(count)
    return count
  }
}

/// A type of NumPy's: `dtype("f4", …)`, to which BUILD gives (version, byte order, …).
private struct NumPyType {
  let word: String
  let isBigEndian: Bool

  init?(_ value: PickleValue, in tree: PickleTree) {
    guard tree.function(of: value) == "numpy.dtype", case .string(let word, _)? = tree.arguments(of: value).first else {
      return nil
    }
    var order = word.first
    var bare = word
    if let first = word.first, "<>|=".contains(first) { bare = String(word.dropFirst()) }
    if let state = tree.state(of: value).flatMap(tree.items), state.count > 1, case .string(let text, _) = state[1] {
      order = text.first
    }
    self.word = bare
    isBigEndian = order == ">"
  }

  var elementType: ElementType? { TorchTypes.ofNumPy(word) }
}
