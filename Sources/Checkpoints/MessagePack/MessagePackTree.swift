import Arrays

/// The tree of dictionaries, lists and arrays that flax.serialization writes. Names of an array's dictionaries are joined by
/// dots, as PyTorch's are and as transformers' loaders join them.
///
/// Arrays are extensions of type 1, scalars of NumPy of type 3: a list of shape, name of the type, and bytes. One of more
/// than 1 GiB is a dictionary of chunks.
struct MessagePackTree {
  struct Entry {
    let array: CheckpointArray
    /// Where its bytes stand in the file, one part after the other.
    let parts: [Range<Int>]
  }

  private(set) var entries: [Entry] = []
  private(set) var leftovers: [Leftover] = []
  private var cursor: FileCursor
  private let end: Int
  private var names = UniqueNames()

  /// Containers in containers.
  static let mostDepth = 64
  /// Bytes of a key.
  static let mostKey = 4096
  private static let chunkMark = "__msgpack_chunked_array__"

  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(_ file: any Source) throws(Failure) {
    end = file.size
    cursor = FileCursor(file, 0..<file.size)
    try value("", depth: 0)
    guard cursor.position == end else {
      throw Failure(
        .badData, place: "byte \(cursor.position)", "\(byteCount(end - cursor.position)) after the end of the tree")
    }
  }

  private mutating func value(_ name: String, depth: Int) throws(Failure) {
    let start = cursor.position
    switch try MessagePackValue(&cursor, end: end) {
    case .map(let count): try map(name, count, start, depth)
    case .list(let count): try list(name, count, start, depth)
    case .extension(let type, let range):
      if type == 1 || type == 3 {
        let (parts, what) = try array(range, start, isScalar: type == 3)
        try add(name, parts.map { [$0] }, what)
      } else {
        let what = type == 2 ? "a complex number" : "an extension of type \(type), of \(byteCount(range.count))"
        try leave(name, what)
      }
      cursor.move(to: range.upperBound)
    case .text(let range):
      let bytes = range.count <= 64 ? try cursor.bytes(range.count) : []
      cursor.move(to: range.upperBound)
      try leave(
        name,
        (range.count <= 64 ? try? readText(bytes) : nil).map { "\"\($0)\"" } ?? "a text of \(byteCount(range.count))")
    case .bytes(let range):
      cursor.move(to: range.upperBound)
      try leave(name, "\(byteCount(range.count)) of no stated type")
    case .none: try leave(name, "nothing")
    case .boolean(let value): try leave(name, value ? "true" : "false")
    case .integer(let value): try leave(name, "\(value)")
    case .large(let value): try leave(name, "\(value)")
    case .float(let value): try leave(name, "\(value)")
    }
  }

  private mutating func leave(_ name: String, _ what: String) throws(Failure) {
    try Limit.arrays.check(leftovers.count + 1, "values that are no arrays")
    leftovers.append(Leftover(name: name.isEmpty ? "the tree" : name, what: what))
  }

  private func nested(_ start: Int, _ depth: Int) throws(Failure) {
    guard depth < MessagePackTree.mostDepth else {
      throw Failure(.badData, place: "byte \(start)", "nested more than \(MessagePackTree.mostDepth) deep")
    }
  }

  /// A list of something else than arrays is one thing that is left over, however long it is.
  private mutating func list(_ name: String, _ count: Int, _ start: Int, _ depth: Int) throws(Failure) {
    try nested(start, depth)
    let (arrays, others) = (entries.count, leftovers.count)
    var scalars = 0
    for index in 0..<count {
      let (before, place) = (leftovers.count, cursor.position)
      // Numbers, of which there may be very many, get no names.
      switch try MessagePackValue(&cursor, end: end) {
      case .none, .boolean, .integer, .large, .float:
        scalars += 1
        continue
      default: cursor.move(to: place)
      }
      try value(joined(name, "\(index)"), depth: depth + 1)
      // Nor are texts told one by one.
      if leftovers.count == before + 1, entries.count == arrays {
        leftovers.removeLast()
        scalars += 1
      }
    }
    if entries.count == arrays, leftovers.count == others, count > 0 {
      try leave(name, "a list of \(count) values")
    } else if scalars > 0 {
      try leave(name, "a list, in which \(scalars) of \(count) values are no arrays")
    }
  }

  private func joined(_ name: String, _ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

  private mutating func map(_ name: String, _ count: Int, _ start: Int, _ depth: Int) throws(Failure) {
    try nested(start, depth)
    var keys: Set<[UInt8]> = []
    for index in 0..<count {
      let place = cursor.position
      let key = try key()
      guard keys.insert(Array(key.utf8)).inserted else {
        throw Failure(
          .badData, place: "byte \(place)", "the key \"\(shortened(joined(name, key), to: 80))\" is there twice")
      }
      if key == MessagePackTree.chunkMark {
        // It is the first one wherever it is sorted or written.
        guard index == 0 else {
          throw Failure(.badData, place: "byte \(place)", "a chunked array whose mark isn't its first key")
        }
        return try chunked(name, count, start)
      }
      try value(joined(name, key), depth: depth + 1)
    }
  }

  private mutating func key() throws(Failure) -> String {
    let place = cursor.position
    switch try MessagePackValue(&cursor, end: end) {
    case .text(let range), .bytes(let range):
      guard range.count <= MessagePackTree.mostKey else {
        throw Failure(
          .badData, place: "byte \(place)", "a key of \(range.count) bytes; at most \(MessagePackTree.mostKey) are read"
        )
      }
      do throws(Failure) { return try readText(cursor.bytes(range.count)) } catch {
        throw error.place != nil ? error : Failure(.badData, place: "byte \(place)", "a key \(error.reason)")
      }
    case .integer(let value): return "\(value)"
    default: throw Failure(.badData, place: "byte \(place)", "a key that is neither a text nor a number")
    }
  }

  /// What follows the mark of an array in chunks: `true`, its shape and the chunks, as dictionaries by number.
  private mutating func chunked(_ name: String, _ count: Int, _ start: Int) throws(Failure) {
    func failure(_ reason: String) -> Failure {
      Failure(.badData, place: "byte \(start)", "the chunked array \"\(shortened(name, to: 80))\" \(reason)")
    }
    guard count == 3, case .boolean = try MessagePackValue(&cursor, end: end) else {
      throw failure("has other members than a shape and chunks")
    }
    var (dimensions, chunks): ([Int]?, [(part: Range<Int>, type: ArrayFacts)]?) = (nil, nil)
    for _ in 0..<2 {
      switch try key() {
      case "shape":
        dimensions = try numbered(
          Shape.maximumRank, failure("has a shape of more than \(Shape.maximumRank) dimensions")
        ) {
          tree throws(Failure) in
          let value = try MessagePackValue(&tree.cursor, end: tree.end)
          guard case .integer(let size) = value else { throw failure("has a shape of something else than numbers") }
          return Int(size)
        }
      case "chunks":
        chunks = try numbered(1 << 16, failure("has more than \(1 << 16) chunks")) { tree throws(Failure) in
          let place = tree.cursor.position
          guard case .extension(1, let range) = try MessagePackValue(&tree.cursor, end: tree.end) else {
            throw failure("has chunks that are no arrays")
          }
          let (part, facts) = try tree.array(range, place, isScalar: false)
          guard let part else { throw failure("has chunks of a type that isn't read") }
          tree.cursor.move(to: range.upperBound)
          return (part, facts)
        }
      default: throw failure("has other members than a shape and chunks")
      }
    }
    guard let dimensions, let chunks, let type = chunks.first?.type.elementType else {
      throw failure("has no chunks or no shape")
    }
    guard chunks.allSatisfy({ $0.type.elementType == type }) else { throw failure("has chunks of several types") }
    let shape: Shape
    do { shape = try Shape(dimensions) } catch { throw failure("has an impossible shape: \(error.reason)") }
    let elements = chunks.reduce(0) { $0 + $1.type.shape.elements }
    guard elements == shape.elements else {
      throw failure("has \(elements) elements, not the \(shape.elements) of its shape")
    }
    try add(name, chunks.map(\.part), ArrayFacts(name: type.rawValue, elementType: type, shape: shape))
  }

  /// The values of a dictionary with the keys 0, 1, 2 and so on, in this order.
  private mutating func numbered<Value>(
    _ most: Int, _ tooMany: Failure, _ read: (inout MessagePackTree) throws(Failure) -> Value
  ) throws(Failure) -> [Value] {
    let place = cursor.position
    guard case .map(let count) = try MessagePackValue(&cursor, end: end) else {
      throw Failure(.badData, place: "byte \(place)", "a dictionary of numbers is needed")
    }
    guard count <= most else { throw tooMany }
    var found: [Int: Value] = [:]
    for _ in 0..<count {
      let place = cursor.position
      let key = try key()
      guard let number = Int(key), (0..<count).contains(number), "\(number)" == key, found[number] == nil else {
        throw Failure(
          .badData, place: "byte \(place)", "the key \"\(shortened(key, to: 40))\" is not one of 0 to \(count - 1)")
      }
      found[number] = try read(&self)
    }
    return (0..<count).compactMap { found[$0] }
  }

  /// What an array's extension says of it.
  private struct ArrayFacts {
    /// NumPy's name of its type.
    let name: String
    let elementType: ElementType?
    let shape: Shape
  }

  private mutating func add(_ name: String, _ parts: [Range<Int>]?, _ facts: ArrayFacts) throws(Failure) {
    guard let parts, let type = facts.elementType else {
      return try leave(name, "\(facts.shape) of type \(shortened(facts.name, to: 40)), which isn't read")
    }
    guard entries.count < Limit.arrays.value else {
      throw Limit.arrays.failure("has more than \(Limit.arrays.value) arrays")
    }
    let bytes = parts.reduce(0) { $0 + $1.count }
    entries.append(
      Entry(
        array: CheckpointArray(
          name: names.taken(name.isEmpty ? "array" : name), shape: facts.shape, elementType: type, bytes: bytes),
        parts: parts))
  }

  /// Reads what an array's extension holds; nil for its bytes where its type isn't read.
  private mutating func array(
    _ range: Range<Int>, _ start: Int, isScalar: Bool
  ) throws(Failure) -> (Range<Int>?, ArrayFacts) {
    let inner = range.upperBound
    func failure(_ reason: String) -> Failure { Failure(.badData, place: "byte \(start)", "an array \(reason)") }
    guard case .list(3) = try MessagePackValue(&cursor, end: inner) else {
      throw failure("is no list of shape, type and bytes")
    }
    guard case .list(let rank) = try MessagePackValue(&cursor, end: inner) else {
      throw failure("has no list as its shape")
    }
    guard rank <= Shape.maximumRank else {
      throw failure("has \(rank) dimensions; at most \(Shape.maximumRank) are supported")
    }
    var dimensions: [Int] = []
    for _ in 0..<rank {
      guard case .integer(let size) = try MessagePackValue(&cursor, end: inner) else {
        throw failure("has a shape of something else than numbers")
      }
      dimensions.append(Int(size))
    }
    let name: String
    switch try MessagePackValue(&cursor, end: inner) {
    case .text(let range) where range.count <= 64, .bytes(let range) where range.count <= 64:
      let bytes = try cursor.bytes(range.count)
      do { name = try readText(bytes) } catch { throw failure("has a type whose name \(error.reason)") }
    default: throw failure("has no name as its type")
    }
    let data: Range<Int>
    switch try MessagePackValue(&cursor, end: inner) {
    // Older libraries wrote bytes as texts.
    case .bytes(let range), .text(let range): data = range
    default: throw failure("has no bytes as its data")
    }
    guard data.upperBound == inner else { throw failure("has \(byteCount(inner - data.upperBound)) after its data") }
    do throws(Failure) {
      let shape = try Shape(dimensions)
      guard !isScalar || rank == 0 else { throw Failure(.badData, "is a scalar of \(rank) dimensions") }
      guard let type = MessagePackTree.elementType(name) else {
        return (nil, ArrayFacts(name: name, elementType: nil, shape: shape))
      }
      guard try shape.bytes(of: type) == data.count else {
        throw Failure(
          .badData,
          "of shape \(dimensions) and type \(name) has \(byteCount(data.count)), not \(try shape.bytes(of: type))")
      }
      return (data, ArrayFacts(name: name, elementType: type, shape: shape))
    } catch {
      throw failure(error.reason)
    }
  }

  /// By NumPy's name, or that of ml_dtypes.
  private static func elementType(_ name: String) -> ElementType? {
    switch name {
    case "bool", "bool_": .bool
    case "float8_e4m3fn": ElementType(rawValue: "float8E4M3")
    case "float8_e5m2": ElementType(rawValue: "float8E5M2")
    case "float8_e4m3fnuz": ElementType(rawValue: "float8E4M3FNUZ")
    case "float8_e5m2fnuz": ElementType(rawValue: "float8E5M2FNUZ")
    case "float8_e8m0fnu": ElementType(rawValue: "float8E8M0")
    // A name of ours need not be one of theirs, nor are theirs packed.
    default:
      ElementType(rawValue: name).flatMap { type in
        name.contains("E") || type == .complex32 || type.isPacked ? nil : type
      }
    }
  }
}
