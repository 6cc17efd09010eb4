import Arrays
import Checkpoints
import Families
import NetFile
import Synchronization

/// What was measured of arrays. Names of other bytes may yet be the same text to `String`: these are told apart.
public struct MeasuredArrays: Sendable {
  private let byName: [[UInt8]: ArrayStatistics]

  public init(byName: [[UInt8]: ArrayStatistics] = [:]) { self.byName = byName }

  public subscript(name: String) -> ArrayStatistics? { byName[Array(name.utf8)] }

  public var values: some Collection<ArrayStatistics> { byName.values }
  public var isEmpty: Bool { byName.isEmpty }
}

/// The statistics of every array of a net file or checkpoint, read once or twice from beginning to end; each array's data
/// pass by in pieces, small arrays are kept between the two readings.
public struct InspectionStatistics: Sendable {
  private struct Source: Sendable {
    let name: String
    let shape: Shape
    let elementType: ElementType
    /// Whether reading a piece holds much more than that piece.
    let isUnpackedWhole: Bool
    /// Of each row, where integers are multiplied by one.
    let scales: (@Sendable () throws -> [Float])?
    /// The dimension that they go along.
    let scaleAxis: Int
    let forEachChunk: @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void

    /// As they are kept between the two readings.
    var bytes: Int { shape.elements * elementType.size }

    /// - Parameter forEachChunk: of the data as they stand in the file.
    init(
      name: String, shape: Shape, elementType: ElementType, isUnpackedWhole: Bool,
      scales: (@Sendable () throws -> [Float])?, scaleAxis: Int,
      forEachChunk: @escaping @Sendable ((borrowing RawSpan) throws -> Void) throws -> Void
    ) {
      (self.name, self.shape, self.isUnpackedWhole) = (name, shape, isUnpackedWhole)
      (self.scales, self.scaleAxis) = (scales, scaleAxis)
      self.elementType = elementType.isPacked ? .float32 : elementType
      self.forEachChunk = elementType.unpacking(shape, forEachChunk)
    }

    /// Of the numbers that are measured: of complex ones, the parts.
    var measured: Shape {
      guard elementType.isComplex else { return shape }
      return (try? Shape(shape.dimensions + [2])) ?? (try? Shape([2 * shape.elements])) ?? shape
    }
  }

  private let path: String
  private let sources: [Source]

  /// Values at a time: their double-precision numbers stay in the nearest cache.
  private static let batch = 2048
  /// What all threads together keep of arrays between the two readings.
  private static let keptBytes = 32 << 20

  /// nil: there are no weights that could be measured.
  /// - Throws: `Failure` of kind `badData` when the arrays are too much for their file.
  public init?(_ inspection: Inspection) throws(Failure) {
    switch inspection.subject {
    case .combination: return nil
    case .netFile(let net):
      guard net.header.isInitialized else { return nil }
      path = net.path
      sources = Self.sources(net)
    case .checkpoint(let checkpoint):
      path = checkpoint.path
      // Of HDF5 files: others were checked when they were opened.
      do {
        try Limit.checkExpansion(
          checkpoint.arrays.reduce(0) { $0 + $1.bytes }, ofFileOf: checkpoint.files.reduce(0) { $0 + $1.size },
          file: path)
      } catch {
        throw Failure(
          .badData, file: path, "\(error.reason): its values are not measured",
          hint: "inspect it without --html and --statistics, or \(error.hint ?? "")")
      }
      sources = Self.sources(checkpoint)
    }
  }

  private static func sources(_ net: NetFile) -> [Source] {
    let entries = Dictionary(net.header.arrays.map { ($0.name, $0) }) { first, _ in first }
    return net.header.arrays.map { entry in
      Source(
        name: entry.name, shape: entry.shape, elementType: entry.elementType,
        isUnpackedWhole: entry.encoding != .plain,
        scales: reader(of: entry.scales.flatMap { entries[$0] }, in: net), scaleAxis: entry.scaleAxis ?? 0
      ) { try net.forEachChunk(of: entry, $0) }
    }
  }

  private static func reader(of scales: ArrayEntry?, in net: NetFile) -> (@Sendable () throws -> [Float])? {
    guard let scales else { return nil }
    return { try net.floats(of: scales) }
  }

  private static func sources(_ checkpoint: any Checkpoint) -> [Source] {
    checkpoint.arrays.indices.map { index in
      let array = checkpoint.arrays[index]
      return Source(
        name: array.name, shape: array.shape, elementType: array.elementType,
        isUnpackedWhole: checkpoint is HDF5Checkpoint, scales: nil, scaleAxis: 0
      ) { try checkpoint.forEachChunk(of: index, .none, $0) }
    }
  }

  public var totalBytes: Int { sources.reduce(0) { $0 + $1.bytes } }

  /// Measures all arrays, on all processors.
  /// - Parameter progress: called with the name of an array and bytes done since the last call, from any thread.
  /// - Throws: `Failure` when the file can't be read.
  public func run(progress: @escaping ProgressHandler = { _, _ in }) throws -> MeasuredArrays {
    // The largest first, so that no thread is left alone with one at the end.
    let order = sources.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    let workers = min(Paths.processors, max(1, order.count))
    let found = Mutex([[UInt8]: ArrayStatistics]())
    // Arrays that are held whole while they are read, one after the other.
    let large = Mutex(())
    try inParallel(jobs: order.count, workers: workers) { job in
      let source = order[job]
      let kept = Self.keptBytes / workers
      let statistics: ArrayStatistics
      do {
        statistics =
          source.isUnpackedWhole && source.bytes > kept
          ? try large.withLock { _ in try Self.measure(source, keeping: kept, progress) }
          : try Self.measure(source, keeping: kept, progress)
      } catch let failure as Failure {
        throw failure.inFile(path)
      }
      found.withLock { $0[Array(source.name.utf8)] = statistics }
    }
    return MeasuredArrays(byName: found.withLock(\.self))
  }

  private static func measure(
    _ source: Source, keeping most: Int, _ progress: ProgressHandler
  ) throws -> ArrayStatistics {
    var meter = ArrayMeter(source.measured)
    var kept: [UInt8] = []
    let isKept = source.bytes <= most
    if isKept { kept.reserveCapacity(source.bytes) }
    let scales = try source.scales?() ?? []
    var reader = ValueReader(source.elementType.component, scales: scales, axis: source.scaleAxis, source.measured)
    try source.forEachChunk { piece in
      if isKept { kept.append(contentsOf: piece) }
      reader.forEachBatch(of: piece) { meter.add($0, count: $1) }
      progress(source.name, piece.byteCount)
    }
    meter.finishValues()
    if meter.needsHistogram {
      reader = ValueReader(source.elementType.component, scales: scales, axis: source.scaleAxis, source.measured)
      if isKept {
        reader.forEachBatch(of: kept.rawSpan) { meter.addToHistogram($0, count: $1) }
      } else {
        try source.forEachChunk { piece in reader.forEachBatch(of: piece) { meter.addToHistogram($0, count: $1) } }
      }
    }
    meter.finishHistogram()
    return meter.statistics
  }

  /// Makes numbers of an array's pieces, a batch at a time.
  private struct ValueReader {
    private let type: ElementType
    private let scales: [Float]
    private let rowLength: Int
    private var row = 0
    private var column = 0
    private var values = [Double](repeating: 0, count: InspectionStatistics.batch)

    init(_ type: ElementType, scales: [Float], axis: Int, _ shape: Shape) {
      self.type = type
      self.scales = scales
      // Elements beside each other that have the same scale. Behind those of the last one come those of the first again.
      rowLength = scales.isEmpty ? 0 : max(1, shape.dimensions[(axis + 1)...].reduce(1, *))
    }

    mutating func forEachBatch(of piece: borrowing RawSpan, _ body: ([Double], Int) -> Void) {
      let count = piece.byteCount / type.size
      for start in stride(from: 0, to: count, by: InspectionStatistics.batch) {
        let range = start..<min(start + InspectionStatistics.batch, count)
        type.read(piece, range, into: &values)
        if rowLength > 0 { scale(range.count) }
        body(values, range.count)
      }
    }

    /// Multiplies as the nets do, in single precision.
    private mutating func scale(_ count: Int) {
      var index = 0
      while index < count {
        let end = min(count, index + rowLength - column)
        let scale = scales[row % scales.count]
        for place in index..<end { values[place] = Double(Float(values[place]) * scale) }
        column += end - index
        index = end
        if column == rowLength { (row, column) = (row + 1, 0) }
      }
    }
  }
}
