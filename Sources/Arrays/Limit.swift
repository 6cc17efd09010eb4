import Synchronization

/// A bound on what is taken from a file, so that a small or a hostile one can't use up memory or time. Each has a
/// standard value, above what published weights and data need, and can be set for the whole process. SECURITY.md has them
/// in a table, which a test compares with this list; what no one needs to raise is a constant beside the code it bounds.
public enum Limit: String, CaseIterable, Sendable {
  case arrays
  case arrayMemory = "array-memory"
  case expansion
  case headerBytes = "header-bytes"
  case indexBytes = "index-bytes"
  case shards
  case jsonValues = "json-values"
  case configBytes = "config-bytes"
  case vocabulary
  case zipEntries = "zip-entries"
  case zipDirectory = "zip-directory"
  case ggufHeader = "gguf-header"
  case metadata
  case pickleBytes = "pickle-bytes"
  case pickleValues = "pickle-values"
  case repeatedBytes = "repeated-bytes"
  case hdf5Memory = "hdf5-memory"
  case hdf5Seconds = "hdf5-seconds"
  case hdf5List = "hdf5-list"
  case hdf5Chunk = "hdf5-chunk"
  case hdf5Expansion = "hdf5-expansion"
  case netMemory = "net-memory"
  case imageBytes = "image-bytes"
  case imagePixels = "image-pixels"
  case images
  case pictureMemory = "picture-memory"
  case pictureSeconds = "picture-seconds"
  case videoMemory = "video-memory"
  case videoSeconds = "video-seconds"
  case videoPixels = "video-pixels"
  case videoFrames = "video-frames"
  case animationBytes = "animation-bytes"
  case lineBytes = "line-bytes"
  case answers
  case answersBytes = "answers-bytes"
  case questionsBytes = "questions-bytes"
  case journalBytes = "journal-bytes"
  case scanMemory = "scan-memory"
  case scanUnpacked = "scan-unpacked"
  case scanFiles = "scan-files"
  case signatureBytes = "signature-bytes"
  case signedFiles = "signed-files"
  case receiptBytes = "receipt-bytes"
  case requestBytes = "request-bytes"
  case requestMemory = "request-memory"
  case requestPixels = "request-pixels"
  case requestItems = "request-items"
  case requestSeconds = "request-seconds"
  case bodySeconds = "body-seconds"
  case headSeconds = "head-seconds"
  case connections
  case queue

  public enum Unit: String, Sendable {
    case bytes
    case seconds
    case count = ""
  }

  private typealias Facts = (usual: Int, largest: Int, unit: Unit, what: String)

  /// What a limit is of, its standard value, and the largest that it can be set to, up to which the code was made.
  private var facts: Facts {
    let byte = Unit.bytes
    return switch self {
    case .arrays: (1_000_000, 1 << 24, .count, "arrays of a checkpoint; links in all groups of an HDF5 file")
    case .arrayMemory:
      (
        8 << 30, 1 << 44, byte,
        "an array that has to be gathered or compared in memory; all of a net that have to be unpacked to run it"
      )
    case .expansion:
      (
        64, 1 << 20, .count,
        "bytes of arrays that a file states, in multiples of its own, 1 GiB being free; of HDF5 files where they are measured"
      )
    case .headerBytes: (100_000_000, 1 << 32, byte, "a safetensors header; as in the reference implementation")
    case .indexBytes: (64 << 20, 1 << 32, byte, "the index of a checkpoint in shards")
    case .shards: (4096, 1 << 16, .count, "files of a checkpoint in shards")
    case .jsonValues: (500_000, 1 << 28, .count, "values in a JSON text, a net file's header apart")
    case .configBytes: (32 << 20, 1 << 32, byte, "a configuration or tokenizer file beside the weights")
    case .vocabulary: (400_000, 1 << 24, .count, "tokens of a vocabulary")
    case .zipEntries: (1_000_000, 1 << 24, .count, "entries of a zip archive")
    case .zipDirectory: (256 << 20, 1 << 32, byte, "the directory of a zip archive")
    case .ggufHeader: (256 << 20, 1 << 40, byte, "the header of a GGUF file: metadata and the list of its tensors")
    case .metadata: (100_000, 1 << 24, .count, "entries of metadata in a GGUF or ONNX file")
    case .pickleBytes: (64 << 20, 1 << 32, byte, "a pickle, without the storages of its tensors")
    case .pickleValues: (2_000_000, 1 << 28, .count, "values that a pickle puts on its stack and into its memo")
    case .repeatedBytes: (256 << 20, 1 << 40, byte, "a tensor whose strides repeat elements of a smaller storage")
    case .hdf5Memory: (2 << 30, 1 << 44, byte, "address space of the process that runs libhdf5")
    case .hdf5Seconds:
      (60, 1 << 20, .seconds, "processor time of that process for one call; twice as long by the clock")
    case .hdf5List: (256 << 20, 1 << 32, byte, "the list of arrays that it may print")
    case .hdf5Chunk: (256 << 20, 1 << 40, byte, "a chunk of a dataset, unpacked")
    case .hdf5Expansion: (1100, 1 << 30, .count, "bytes of all datasets in multiples of the file's, 64 MiB being free")
    case .netMemory: (2 << 30, 1 << 44, byte, "what a net computes with at once, its weights apart")
    case .imageBytes: (1 << 30, 1 << 40, byte, "the file of a picture")
    case .imagePixels: (178_956_970, 1 << 30, .count, "pixels of a picture; as in Pillow, which refuses more as a bomb")
    case .images: (100_000, 1 << 30, .count, "pictures that are found in folders")
    case .pictureMemory: (4 << 30, 1 << 44, byte, "address space of the process that decodes a picture for the server")
    case .pictureSeconds: (60, 1 << 20, .seconds, "processor time of that process; twice as long by the clock")
    case .videoMemory: (2 << 30, 1 << 44, byte, "address space of the process that runs FFmpeg's libraries")
    case .videoSeconds: (300, 1 << 20, .seconds, "processor time of that process; twice as long by the clock")
    case .videoPixels: (1 << 26, 1 << 30, .count, "pixels of a frame of a video: twice those of 8K")
    case .videoFrames: (4_000_000, 1 << 31, .count, "frames of a video: 18 hours at 60 a second")
    case .animationBytes: (256 << 20, 1 << 40, byte, "the file of an animated WebP, which is read as a whole")
    case .lineBytes:
      (32 << 20, 1 << 32, byte, "a line of standard input, which may hold a photograph in Base64")
    case .answers: (1 << 20, 1 << 30, .count, "answers of a closed list")
    case .answersBytes: (64 << 20, 1 << 40, byte, "the file of a closed list of answers")
    case .questionsBytes:
      (512 << 20, 1 << 40, byte, "a file of questions, annotations or texts, and what it unpacks to")
    case .journalBytes: (1 << 30, 1 << 40, byte, "the journal of an evaluation")
    case .scanMemory: (256 << 20, 1 << 40, byte, "a packed file, or an entry of an archive, unpacked to be scanned")
    case .scanUnpacked: (4 << 30, 1 << 50, byte, "all that is unpacked of a file to be scanned")
    case .scanFiles:
      (1_000_000, 1 << 30, .count, "files of folders, and entries of a file's archives, that are scanned")
    case .signatureBytes: (64 << 20, 1 << 32, byte, "the file of a signature, which lists what is signed")
    case .receiptBytes: (256 << 20, 1 << 32, byte, "a receipt")
    case .signedFiles: (100_000, 1 << 24, .count, "files of a folder that are signed, or compared with their signature")
    case .requestBytes: (32 << 20, 1 << 32, byte, "the body of a request to the server")
    case .requestMemory: (256 << 20, 1 << 44, byte, "the bodies of all requests that the server holds at a time")
    case .requestPixels: (50_000_000, 1 << 30, .count, "pixels of a picture in a request")
    case .requestItems: (2048, 1 << 20, .count, "texts and pictures of a request; as OpenAI's embeddings have it")
    case .requestSeconds: (60, 1 << 20, .seconds, "waiting of a request for its turn to be computed")
    case .bodySeconds: (30, 1 << 20, .seconds, "the arrival of a request's body")
    case .headSeconds:
      (10, 1 << 20, .seconds, "the arrival of a request's head; idle connections have six times as long")
    case .connections: (1024, 1 << 20, .count, "connections to the server at a time")
    case .queue: (64, 1 << 20, .count, "requests that wait to be computed, or are")
    }
  }

  public var usual: Int { facts.usual }
  public var largest: Int { facts.largest }
  public var unit: Unit { facts.unit }
  /// What it bounds, for people.
  public var what: String { facts.what }

  private static let chosen = Mutex<[Limit: Int]>([:])

  /// The value in force.
  public var value: Int { Limit.chosen.withLock { $0[self] } ?? usual }

  /// Sets it for the whole process.
  /// - Throws: `Failure` of kind `usage` unless the value is in 1 ... `largest`.
  public func set(_ value: Int) throws(Failure) {
    guard (1...largest).contains(value) else {
      throw Failure(
        .usage, "the limit \(rawValue) can't be \(value)", hint: "it is a whole number from 1 to \(largest)")
    }
    Limit.chosen.withLock { $0[self] = value }
  }

  /// Refuses a small file that states far more arrays than it has bytes, because they are packed, or repeat elements.
  /// - Throws: `Failure` of kind `badData` for more than `expansion` times the file's bytes, or 16 MiB where it has fewer.
  public static func checkExpansion(_ bytes: Int, ofFileOf fileBytes: Int, file: String? = nil) throws(Failure) {
    let fair = max(fileBytes, 1 << 24)
    guard bytes / Limit.expansion.value <= fair else {
      throw Limit.expansion.failure(
        file: file, "states arrays of \(bytes) bytes but has \(fileBytes)", needed: bytes / fair + 1)
    }
  }

  /// Refuses a file, or the place in it, that has more of something than this limit.
  /// - Throws: `Failure` of kind `badData`.
  public func check(_ number: Int, _ unit: String, file: String? = nil, place: String? = nil) throws(Failure) {
    guard number <= value else {
      throw failure(file: file, place: place, "has \(number) \(unit); at most \(value) are read", needed: number)
    }
  }

  /// The error of a file that goes past this limit; its hint says how to raise it.
  /// - Parameter needed: what would have been enough, where that is known.
  public func failure(file: String? = nil, place: String? = nil, _ reason: String, needed: Int? = nil) -> Failure {
    Failure(.badData, file: file, place: place, reason, hint: hint(needed: needed))
  }

  /// What to do about a file that goes past this limit.
  public func hint(needed: Int? = nil) -> String {
    if let needed, needed > largest { return "the file is malformed, or more than this program is made for" }
    let enough = needed.map { "\($0)" } ?? (unit == .bytes ? "SIZE" : unit == .seconds ? "SECONDS" : "NUMBER")
    return "if you trust the file, raise the limit: --allow \(rawValue)=\(enough)"
  }

  /// Checks, before an array of so many bytes is held in memory, that it may be and can be.
  /// - Parameter verb: what it does with the bytes.
  /// - Throws: `Failure` of kind `badData` for more than `arrayMemory`, `io` when there is not so much memory.
  public static func checkArrayMemory(
    _ bytes: Int, file: String? = nil, place: String? = nil, _ verb: String = "has"
  ) throws(Failure) {
    guard bytes <= Limit.arrayMemory.value else {
      throw Limit.arrayMemory.failure(
        file: file, place: place, "\(verb) \(bytes) bytes; at most \(Limit.arrayMemory.value) are held in memory",
        needed: bytes)
    }
    guard System.canAllocate(bytes) else {
      throw Failure(
        .io, file: file, place: place, "\(verb) \(bytes) bytes, for which there is not enough memory",
        hint: "close other programs")
    }
  }
}

// MARK: - On a command line

extension Limit {
  /// Sets limits as an option gives them: `NAME=VALUE`, sizes with a unit if need be (`16GB`, `512MiB`).
  /// - Throws: `Failure` of kind `usage` naming what is wrong.
  public static func set(_ arguments: [String]) throws(Failure) {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let limit = Limit(rawValue: parts[0]) else {
        throw Failure(.usage, "there is no limit \"\(shortened(parts[0], to: 40))\"", hint: "`ingot limits` lists them")
      }
      guard parts.count == 2 else {
        throw Failure(
          .usage, "\"\(limit.rawValue)\" is not NAME=VALUE",
          hint: "for example --allow \(limit.rawValue)=\(limit.usual)")
      }
      guard let value = limit.parsed(parts[1]) else {
        throw Failure(
          .usage, "the limit \(limit.rawValue) can't be \"\(shortened(parts[1], to: 40))\"",
          hint: "it is a whole number from 1 to \(limit.largest)"
            + (limit.unit == .bytes ? ", of bytes or with a unit: 512MiB, 16GB" : ""))
      }
      try limit.set(value)
    }
  }

  /// The limit that a child process names at the end of a reason: `… (limit hdf5-chunk)`.
  public static func named(in reason: String) -> Limit? {
    allCases.first { reason.hasSuffix("(limit \($0.rawValue))") }
  }

  private static let units = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1000), ("MB", 1_000_000),
    ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
  ]

  private func parsed(_ text: String) -> Int? {
    let suffix = unit == .bytes ? Limit.units.first { text.hasSuffix($0.0) } : nil
    let digits = text.dropLast(suffix?.0.utf8.count ?? 0)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else {
      return nil
    }
    let (value, overflow) = number.multipliedReportingOverflow(by: suffix?.1 ?? 1)
    return overflow ? nil : value
  }
}
