import Arrays
import NetFile

/// Decides what becomes of every array of a plain net, of whose layers nothing is known.
struct PlainQuantizationPlan {
  /// Elements of a row, below which its scale costs too much of what int8 saves.
  static let shortestRow = 8

  private let net: NetFile
  private let options: QuantizationOptions
  private(set) var entries: [ArrayEntry] = []
  private(set) var steps: [Quantization.Step] = []
  private(set) var left: [(name: String, reason: LeftReason)] = []
  /// Type that was quantized or converted.
  private(set) var from: ElementType?

  init(_ net: NetFile, _ options: QuantizationOptions) {
    self.net = net
    self.options = options
  }

  mutating func addAll() throws(Failure) {
    guard net.header.arrays.allSatisfy({ $0.scales == nil }) else {
      throw Failure(
        .badData, file: net.path, "is an int8 net: only float nets can be quantized",
        hint: "quantize the float net that this one was made from")
    }
    var unknown = Set(options.kept.keys)
    let axes = OutputAxis(net.header)
    // A published array may have the name that scales would get.
    var names = Set(net.header.arrays.map(\.name))
    for array in net.header.arrays {
      let axis = options.axes[array.name] ?? axes[array]
      guard axis < max(1, array.shape.rank) else {
        throw Failure(.badData, place: "array \"\(array.name)\"", "has no dimension \(axis)")
      }
      guard options.precision == .int8 else {
        let isConverted = ElementConversion.isPossible(from: array.elementType, to: options.precision)
        try convert(array, isConverted ? options.precision : array.elementType)
        continue
      }
      if let reason = LeftReason(array, axis: axis) {
        left.append((array.name, reason))
        try convert(array, array.elementType.isFloatingPoint && array.elementType.bits > 8 ? options.rest : nil)
      } else if let type = options.kept[array.name] {
        unknown.remove(array.name)
        left.append((array.name, options.unfit[array.name] ?? .kept))
        try convert(array, type)
      } else {
        try quantize(array, axis, &names)
      }
    }
    guard unknown.isEmpty else {
      throw Failure(
        .usage, "\(unknown.sorted()[0]) is no array that would be quantized", hint: "`ingot inspect` lists the arrays")
    }
    guard options.precision == .int8 ? steps.contains(where: \.isQuantized) : from != nil else {
      throw Failure(
        .badData, file: net.path, "has no array that would become \(options.precision.rawValue)",
        hint: options.precision == .int8
          ? "int8 are floating-point arrays of two or more dimensions, with rows of \(Self.shortestRow) elements and more"
          : "it holds no floating-point numbers of another type")
    }
  }

  private mutating func quantize(_ array: ArrayEntry, _ axis: Int, _ names: inout Set<String>) throws(Failure) {
    from = wider(array.elementType)
    var scales = "\(array.name).scales"
    while !names.insert(scales).inserted { scales += "_" }
    steps.append(.init(source: array, target: entries.count, action: .quantize(nil), axis: axis))
    entries.append(
      try ArrayEntry(
        name: array.name, elementType: .int8, shape: array.shape, scales: scales, scaleAxis: axis == 0 ? nil : axis))
    entries.append(try ArrayEntry(name: scales, elementType: .float32, shape: Shape([array.shape.dimensions[axis]])))
  }

  /// - Parameter type: nil: as it is.
  private mutating func convert(_ array: ArrayEntry, _ type: ElementType?) throws(Failure) {
    let type = type ?? array.elementType
    if type != array.elementType { from = wider(array.elementType) }
    steps.append(.init(source: array, target: entries.count, action: .convert(type)))
    entries.append(try ArrayEntry(name: array.name, elementType: type, shape: array.shape))
  }

  private func wider(_ type: ElementType) -> ElementType {
    guard let from, from.bits >= type.bits else { return type }
    return from
  }
}
