import Arrays

/// What stands before an array's data in NumPy's own format, versions 1.0, 2.0 and 3.0; see
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
///
/// Six bytes of magic, two of version, the header's length (2 bytes, or 4 from version 2.0 on), and a Python dictionary of
/// `descr`, `fortran_order` and `shape`.
struct NumPyHeader {
  /// What elements are: `<f4` and its like, in words that errors can use.
  enum Elements: Equatable {
    /// - Parameters:
    ///   - unit: bytes that are swapped together where the order is the other one.
    case numbers(ElementType, isBigEndian: Bool, unit: Int)
    /// Anything that is no array of numbers here; what follows "holds".
    case other(String)
  }

  let elements: Elements
  let shape: Shape
  let isFortran: Bool
  /// From the start of the magic.
  let dataStart: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Bytes of a header.
  static let mostBytes = 1 << 20

  /// - Parameters:
  ///   - length: of all that there is from the magic on.
  ///   - base: where the magic is in the file.
  ///   - bytes: gives so many bytes from an offset after the magic's start.
  /// - Throws: `Failure` of kind `badData` naming the byte.
  init(length: Int, base: Int, _ bytes: (Int, Int) throws(Failure) -> [UInt8]) throws(Failure) {
    func short(_ place: Int, _ wanted: Int, _ what: String) -> Failure {
      Failure(
        .badData, place: "byte \(base + place)", "\(what) of \(byteCount(wanted)) goes past the end",
        hint: Failure.truncationHint)
    }
    guard length >= 10 else { throw short(0, 10, "the beginning of a NumPy array") }
    let head = try bytes(0, min(12, length))
    guard head.starts(with: NumPyHeader.magic) else {
      throw Failure(.badData, place: "byte \(base)", "does not begin with NumPy's magic bytes")
    }
    let (major, minor) = (head[6], head[7])
    guard (1...3).contains(major), minor == 0 else {
      throw Failure.unsupported(
        place: "byte \(base + 6)", "is NumPy's format of version \(major).\(minor); 1.0, 2.0 and 3.0 are read",
        hint: "if the file should be sound, a newer version of this program may read it")
    }
    var reader = ByteReader(head)
    _ = try reader.take(8)
    let isShort = major == 1
    guard isShort || length >= 12 else { throw short(0, 12, "the beginning of a NumPy array") }
    let size = isShort ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
    let start = isShort ? 10 : 12
    guard size <= length - start else { throw short(8, size, "a header") }
    guard size <= NumPyHeader.mostBytes else {
      throw Failure(
        .badData, place: "byte \(base + 8)", "a header of \(size) bytes; at most \(NumPyHeader.mostBytes) are read")
    }
    dataStart = start + size
    // Up to version 2.0 the text is Latin-1, of which only names of fields have more than ASCII.
    let text = try bytes(start, size)
    let utf8 = major == 3 ? text : text.flatMap { Array(String(UnicodeScalar($0)).utf8) }
    let literal = try NumPyLiteralParser.value(utf8, base: base + start)
    do throws(Failure) {
      guard case .dictionary(let members) = literal else { throw Failure(.badData, "the header is no dictionary") }
      func member(_ name: String) throws(Failure) -> NumPyLiteral {
        guard let found = members.first(where: { $0.key == name }) else {
          throw Failure(.badData, "the header has no \(name)")
        }
        return found.value
      }
      let (descr, order, lengths) = (try member("descr"), try member("fortran_order"), try member("shape"))
      guard members.count == 3 else {
        let other = members.first { !["descr", "fortran_order", "shape"].contains($0.key) }
        throw Failure(.badData, "the header has the unknown key '\(shortened(other?.key ?? "", to: 40))'")
      }
      guard case .boolean(let isFortran) = order else {
        throw Failure(.badData, "fortran_order is neither True nor False")
      }
      guard case .tuple(let dimensions) = lengths else { throw Failure(.badData, "shape is no tuple") }
      self.isFortran = isFortran
      shape = try NumPyHeader.shape(dimensions)
      elements = try NumPyHeader.elements(descr)
    } catch {
      throw Failure(error.kind, place: "byte \(base + start)", error.reason, hint: error.hint)
    }
  }

  private static func shape(_ dimensions: [NumPyLiteral]) throws(Failure) -> Shape {
    var out: [Int] = []
    for dimension in dimensions {
      guard case .integer(let size) = dimension else {
        throw Failure(.badData, "shape holds something else than numbers")
      }
      out.append(size)
    }
    return try Shape(out)
  }

  private static func elements(_ descr: NumPyLiteral) throws(Failure) -> Elements {
    switch descr {
    case .text(let code): return try elements(code)
    case .list(let fields):
      let names = fields.prefix(8).map { field in
        if case .tuple(let parts) = field, case .text(let name) = parts.first {
          "\"\(shortened(name, to: 40))\""
        } else {
          "?"
        }
      }
      return .other("structured elements, of fields \(names.joined(separator: ", "))\(fields.count > 8 ? ", …" : "")")
    case .tuple: return .other("elements that are arrays themselves")
    default: throw Failure(.badData, "descr is no type")
    }
  }

  /// The array protocol's type strings: a byte order, a letter, bytes of an element.
  private static func elements(_ code: String) throws(Failure) -> Elements {
    let shown = shortened(code, to: 40)
    let unknown = Failure(.badData, "descr '\(shown)' is no type of NumPy")
    let bytes = Array(code.utf8)
    guard bytes.count >= 2, let order = bytes.first, Array("<>|=".utf8).contains(order) else { throw unknown }
    let letter = Unicode.Scalar(bytes[1])
    let digits = bytes[2...]
    if letter == "O" { return .other("Python objects as a pickle ('\(shown)'), which is never read") }
    if letter == "M" || letter == "m" { return .other("dates or times ('\(shown)')") }
    guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let size = Int(String(decoding: digits, as: UTF8.self))
    else { throw unknown }
    let words: [Unicode.Scalar: String] = ["b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"]
    switch letter {
    case "S", "a", "U": return .other("texts ('\(shown)')")
    case "V":
      return .other("bytes of no stated type ('\(shown)'); NumPy notes none of the types of ml_dtypes, as bfloat16")
    case "b" where size != 1: throw unknown
    default:
      guard let word = words[letter] else { throw unknown }
      guard let type = ElementType(rawValue: letter == "b" ? word : "\(word)\(8 * size)"), type.size == size,
        type != .complex32
      else {
        return .other("elements of type '\(shown)', which isn't read")
      }
      guard size == 1 || order != UInt8(ascii: "|") else { throw unknown }
      return .numbers(type, isBigEndian: order == UInt8(ascii: ">"), unit: letter == "c" ? size / 2 : size)
    }
  }
}
