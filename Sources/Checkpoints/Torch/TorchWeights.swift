import Arrays

/// Which arrays of a file are the weights: by what stands where, not by what it is called.
///
/// A dictionary that holds matrices itself, and nothing but arrays, is a net. One that holds nets, and beside them numbers, texts or the state of an
/// optimizer, is a training's record: its nets are taken, or, where none has a matrix, the largest of its members. Anything
/// else is taken whole, and so are modules and programs. Of a copy that is an average by its name, and has the shapes of another member, the other is taken.
struct TorchWeights {
  /// Arrays that are taken, in the order of the file.
  private(set) var taken: [Int] = []
  /// What their names begin with and is left off.
  private(set) var prefix = ""
  private(set) var notes: [String] = []
  /// Why parts were left out, by part.
  private(set) var leftOut: [Int: String] = [:]
  /// Arrays that stand beside what is taken.
  private(set) var strays: Set<Int> = []

  private let found: TorchParts
  private let hasFloats: Bool
  /// By part: whether it is a net or holds one, and bytes of floating-point numbers in it.
  private let isNet: [Bool]
  private let bytes: [Int]

  /// Members of a training's record under which the net usually stands, the likeliest first. They decide where the arrays
  /// themselves don't, and are left off the names.
  private static let usualKeys = [
    "state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "weights", "params",
  ]

  init(_ found: TorchParts) {
    self.found = found
    hasFloats = found.tensors.contains { $0.view.elementType.isFloatingPoint }
    let signs = TrainingSigns(found)
    var isNet = [Bool](repeating: false, count: found.parts.count)
    var bytes = [Int](repeating: 0, count: found.parts.count)
    // Parts come after those that they are in.
    for (index, part) in found.parts.enumerated().reversed() {
      // A configuration has matrices beside numbers and texts.
      isNet[index] =
        part.parts.contains { isNet[$0] }
        || part.arrays.contains(where: { Self.isMatrix(found.tensors[$0]) }) && (part.isModule || !signs.isRecord(part))
      bytes[index] = part.arrays.reduce(0) { $0 &+ Self.floatBytes(found.tensors[$1]) }
      for inner in part.parts { bytes[index] &+= bytes[inner] }
    }
    (self.isNet, self.bytes) = (isNet, bytes)
    var root = 0
    var level = self.level(of: root, isOuter: true)
    while let usual = level.usual {
      let others =
        level.left.map { found.parts[$0].key }
        + level.strayArrays.map { found.tensors[$0].name.inside(found.parts[root].path) }
      let list = others.prefix(8).joined(separator: ", ")
      notes.append(
        "the arrays are those of \"\(found.parts[usual].key)\""
          + (others.isEmpty ? "" : "; those of \(list) are left out"))
      leave(level)
      root = usual
      level = self.level(of: root, isOuter: true)
    }
    prefix = found.parts[root].path
    take(root, level)
    taken.sort()
  }

  /// What there is in a part, and what of it is taken.
  private struct Level {
    /// The one part that everything is in, where it has a usual name.
    var usual: Int?
    var kept: [Int] = []
    var left: [Int] = []
    var why: [Int: String] = [:]
    /// Arrays that stand in it themselves.
    var arrays: [Int]
    var strayArrays: [Int] = []

    init(arrays: [Int]) { self.arrays = arrays }

    mutating func keep(_ parts: [Int], of candidates: [Int], arrays keepsArrays: Bool) {
      kept = parts
      let taken = Set(parts)
      left += candidates.filter { !taken.contains($0) }
      if !keepsArrays { (strayArrays, arrays) = (arrays, []) }
    }
  }

  private mutating func leave(_ level: Level) {
    for part in level.left { leftOut[part] = level.why[part] ?? "" }
    strays.formUnion(level.strayArrays)
  }

  private mutating func take(_ part: Int, _ level: Level) {
    leave(level)
    let trained = level.left.filter { level.why[$0] != nil }.map { found.parts[$0].path }
    let others = level.left.filter { level.why[$0] == nil }.map { found.parts[$0].path }
    let left = others + level.strayArrays.map { found.tensors[$0].name }
    if !trained.isEmpty {
      notes.append("the arrays of \(trained.prefix(8).joined(separator: ", ")) are no weights: left out")
    }
    if !left.isEmpty { notes.append("the arrays of \(left.prefix(8).joined(separator: ", ")) are left out") }
    if found.parts[part].isModule {
      taken += found.parts[part].all.filter { found.tensors[$0].isOfState }
      return
    }
    taken += level.arrays.filter { found.tensors[$0].isOfState }
    for inner in level.kept { take(inner, self.level(of: inner)) }
  }

  /// - Parameter isOuter: whether all that is taken stands in the part.
  private func level(of part: Int, isOuter: Bool = false) -> Level {
    let whole = found.parts[part]
    var level = Level(arrays: whole.arrays)
    guard !whole.isModule, !whole.parts.isEmpty else { return level }
    // All of a TorchScript program's objects are its modules.
    if found.tree.function(of: whole.value)?.hasPrefix("__torch__.") == true {
      level.kept = whole.parts
      return level
    }
    let signs = TrainingSigns(found)
    var candidates: [Int] = []
    for inner in whole.parts {
      if let why = signs.why(inner) {
        level.left.append(inner)
        level.why[inner] = why
      } else {
        candidates.append(inner)
      }
    }
    for (copy, original) in averages(of: candidates) {
      level.left.append(copy)
      level.why[copy] = "averaged copy of \(found.parts[original].path)"
    }
    candidates.removeAll { level.why[$0] != nil }
    let isRecord = signs.isRecord(whole) || !level.left.isEmpty
    let nets = candidates.filter { isNet[$0] }
    if isOuter, let usual = usual(of: candidates), nets.allSatisfy({ $0 == usual }) {
      level.usual = usual
      level.keep([usual], of: candidates, arrays: false)
    } else if !isRecord || whole.arrays.contains(where: { Self.isMatrix(found.tensors[$0]) }) {
      // A net's own dictionary is taken whole.
      level.kept = candidates
    } else if !nets.isEmpty {
      level.keep(nets, of: candidates, arrays: false)
    } else if let largest = candidates.max(by: { bytes[$0] < bytes[$1] }),
      bytes[largest] >= level.arrays.reduce(0, { $0 &+ Self.floatBytes(found.tensors[$1]) }), hasFloats
    {
      level.keep([largest], of: candidates, arrays: false)
    } else if hasFloats {
      level.keep([], of: candidates, arrays: true)
    } else {
      level.kept = candidates
    }
    level.left.sort()
    return level
  }

  private func usual(of parts: [Int]) -> Int? {
    for key in Self.usualKeys {
      if let part = parts.first(where: { found.parts[$0].key.isSameBytes(as: key) }) { return part }
    }
    return nil
  }

  // MARK: What arrays are

  private static func isMatrix(_ tensor: TorchTensor) -> Bool {
    tensor.isOfState && tensor.view.shape.rank >= 2
      && (tensor.view.elementType.isFloatingPoint || tensor.name.hasSuffix(".int_repr"))
  }

  private static func floatBytes(_ tensor: TorchTensor) -> Int {
    let type = tensor.view.elementType
    guard type.isFloatingPoint else { return 0 }
    return (try? tensor.view.shape.bytes(of: type)) ?? 0
  }

  /// Words for averages of a net, which a training keeps beside it.
  private static let averageWords: Set<String> = [
    "ema", "shadow", "average", "averaged", "averages", "avg", "swa", "polyak", "moving",
  ]

  private static let mostMembers = 64

  /// Parts that are averages by their names, and hold no shape more often than another part does that is none.
  private func averages(of parts: [Int]) -> [(copy: Int, original: Int)] {
    func isAverage(_ part: Int) -> Bool {
      TrainingSigns.words(found.parts[part].key).contains(where: Self.averageWords.contains)
    }
    // Of a training's record; what has more members is none.
    guard parts.count <= Self.mostMembers else { return [] }
    let marked = parts.filter(isAverage)
    guard !marked.isEmpty, marked.count < parts.count else { return [] }
    func shapes(_ part: Int) -> [Shape: Int] {
      var out: [Shape: Int] = [:]
      for tensor in found.parts[part].all where Self.floatBytes(found.tensors[tensor]) > 0 {
        out[found.tensors[tensor].view.shape, default: 0] += 1
      }
      return out
    }
    let others = parts.filter { !isAverage($0) }.map { (part: $0, shapes: shapes($0)) }
    return marked.compactMap { copy in
      let own = shapes(copy)
      guard !own.isEmpty else { return nil }
      let original = others.first { other in own.allSatisfy { other.shapes[$0.key, default: 0] >= $0.value } }
      return original.map { (copy, $0.part) }
    }
  }
}

extension String {
  /// What a path is inside another that it begins with.
  func inside(_ path: String) -> String {
    path.isEmpty ? self : String(decoding: utf8.dropFirst(path.utf8.count + 1), as: UTF8.self)
  }
}
