import Arrays
import Checkpoints
import NetFile
import Synchronization

/// A net file that was written.
public struct WrittenNet: Sendable {
  public let path: String
  public let combination: Combination
  public let header: NetHeader
  /// Arrays in which numbers were too large for the new element type and became infinite, in the order of the file, and how
  /// many in each.
  public let overflows: [(array: String, count: Int)]
  /// Elements that training set, where the weights were published quantized: those of the float net.
  public let floatParameters: Int?

  package init(
    path: String, combination: Combination, header: NetHeader, overflows: [(array: String, count: Int)] = [],
    floatParameters: Int? = nil
  ) {
    self.floatParameters = floatParameters
    self.path = path
    self.combination = combination
    self.header = header
    self.overflows = overflows
  }
}

extension ConversionPlan {
  /// Writes the plan's nets on a shelf. Reading, hashing and writing go on at once, on all cores, a small piece at a
  /// time.
  ///
  /// Either all nets appear or none: they are put in place together when every one is whole and on the disk. When that
  /// fails on the way, the shelf is as it was. When the process is killed within those milliseconds, each file is a former
  /// or a new one, whole, and the next command that writes there, or opens all the nets of a combination there, puts the
  /// former ones back (`Replacement`). Two conversions at once come one after the other; commands that open all nets of a
  /// combination see those of one of them.
  /// - Parameter replacing: whether nets that came from another checkpoint may be replaced.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  public func run(
    on shelf: Shelf, replacing: Bool, compress: Bool, progress: @escaping ProgressHandler = { _, _ in }
  ) throws -> [WrittenNet] {
    var writers: [NetFileWriter] = []
    for net in nets {
      writers.append(
        try NetFileWriter(shelf.path(family, net.combination), header: net.header, compress: compress))
    }
    let digests = Mutex([Digest](repeating: .zero, count: checkpoint.files.count))
    let overflows = Mutex([[Int: Int]](repeating: [:], count: nets.count))
    let jobs = jobs(compress: compress)
    try inParallel(jobs: jobs.count) { [writers] number in
      switch jobs[number] {
      case .hash(let index):
        let digest = try checkpoint.files[index].digest { progress("SHA-256 of the source", $0) }
        digests.withLock { $0[index] = digest }
      case .write(let net, let arrays):
        for index in arrays {
          let found = try write(nets[net].arrays[index], index, writers[net], progress)
          if found > 0 { overflows.withLock { $0[net][index] = found } }
        }
      }
    }
    let sources = digests.withLock(\.self) + smallFiles.map { SHA256.digest($0.bytes) }
    let headers = Mutex([Int: NetHeader]())
    try inParallel(jobs: writers.count) { [writers] index in
      let header = try writers[index].finish(sourceDigests: sources)
      headers.withLock { $0[index] = header }
    }
    let written = headers.withLock(\.self)
    try OutputFile.commit(writers.map(\.file)) { () throws(Failure) in
      if !replacing { try checkNothingIsLost(writers.map(\.path), sources) }
    }
    return nets.indices.compactMap { index in
      let net = nets[index]
      let found = overflows.withLock { $0[index] }.sorted { $0.key < $1.key }
      return written[index].map {
        WrittenNet(
          path: writers[index].path, combination: net.combination, header: $0,
          overflows: found.map { (net.arrays[$0.key].entry.name, $0.value) },
          floatParameters: quantization?.parameters)
      }
    }
  }

  /// The same combination from other weights is most often a second fine-tune under the first one's name.
  private func checkNothingIsLost(_ paths: [String], _ sources: [Digest]) throws(Failure) {
    for path in paths where try Paths.exists(path) {
      let there: NetFile
      do {
        there = try NetFile(path)
      } catch {
        throw Failure(
          .cannotCreate, file: path,
          "holds a file that can't be read as a net file (\(error.reason)), which would be lost",
          hint: "look at it, then replace it with --force")
      }
      let known = there.header.provenance.sources.prefix(checkpoint.files.count).map(\.sha256)
      let isOfSame = known == Array(sources.prefix(checkpoint.files.count))
      // Plain nets of several parts of one file have one name unless they are given others.
      let isSamePart = there.header.provenance.part == nets.first?.header.provenance.part
      guard there.header.isInitialized, !isOfSame || !isSamePart else { continue }
      let name = family.axes.first(where: \.isOpen)?.name
      let other = isOfSame ? "part of the checkpoint" : "checkpoint"
      throw Failure(
        .cannotCreate, file: path, "holds a net from another \(other), which would be lost",
        hint: (name.map { "keep both by naming this one with --set \($0)=NAME" } ?? "keep both with another --shelf")
          + ", or replace it with --force")
    }
  }

  private enum Job {
    /// The digest of one of the checkpoint's files.
    case hash(Int)
    /// Some arrays of a net, in order.
    case write(net: Int, arrays: [Int])
  }

  /// The digest of a whole file can't be divided and so comes first. Arrays are single jobs unless they are compressed,
  /// which has to go on in the order of the file.
  private func jobs(compress: Bool) -> [Job] {
    let digests = checkpoint.files.indices.map(Job.hash)
    let isArriving = checkpoint.files.contains(where: \.isArriving)
    let arrays: [Job] =
      if compress {
        nets.indices.map { .write(net: $0, arrays: Array(nets[$0].arrays.indices)) }
      } else {
        isArriving ? arraysInOrderOfSource : arraysOfNetsInTurn
      }
    // Of what is on its way, who fetches it makes the digests meanwhile.
    return isArriving ? arrays + digests : digests + arrays
  }

  /// In turn from each net, so that two threads seldom wait for the lock of one file.
  private var arraysOfNetsInTurn: [Job] {
    var jobs: [Job] = []
    for index in 0..<(nets.map(\.arrays.count).max() ?? 0) {
      jobs += nets.indices.filter { index < nets[$0].arrays.count }.map { .write(net: $0, arrays: [index]) }
    }
    return jobs
  }

  /// As their bytes come.
  private var arraysInOrderOfSource: [Job] {
    var jobs: [(source: Int, job: Job)] = []
    for (net, planned) in nets.enumerated() {
      for (index, array) in planned.arrays.enumerated() {
        jobs.append((array.sources.min() ?? 0, .write(net: net, arrays: [index])))
      }
    }
    return jobs.sorted { $0.source < $1.source }.map(\.job)
  }

  private func write(
    _ array: PlannedArray, _ index: Int, _ writer: NetFileWriter, _ progress: ProgressHandler
  ) throws -> Int {
    var overflows = 0
    try writer.write(index) { sink in
      overflows = try forEachChunk(of: array) { piece in
        try sink(piece)
        progress(array.entry.name, piece.byteCount)
      }
    }
    return overflows
  }
}
