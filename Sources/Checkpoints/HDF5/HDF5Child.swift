import Arrays

/// Runs of the child process in which alone libhdf5 is used.
package enum HDF5Child {
  /// Most bytes of a list: what the child says of an error may be longer than the shortest list.
  static var listLimit: Int { Limit.hdf5List.value + 1 << 20 }

  /// What a run of the child gave.
  package struct Answer: Sendable {
    let output: [UInt8]
    let ending: ChildProcess.Ending
    /// The first line of what it said of errors.
    let message: String

    package init(output: [UInt8], ending: ChildProcess.Ending, message: String) {
      (self.output, self.ending, self.message) = (output, ending, message)
    }

    /// Why there is no answer.
    var failure: Failure { HDF5Child.failure(ending, message) }
  }

  /// - Parameters:
  ///   - words: what it is to do.
  ///   - source: of whose bytes it is given those that it asks for; nil: it opens the file itself.
  ///   - limit: most bytes of output.
  package typealias Run =
    @Sendable (
      _ words: [String], _ source: (any Source)?, _ limit: Int
    ) throws(Failure) -> Answer

  package static let run: Run = { words, source, limit throws(Failure) in
    let child = try start(words)
    let answering = try source.map { source throws(Failure) in try child.answer(from: source) }
    let output: Result<[UInt8], Failure>
    do throws(Failure) { output = .success(try child.readAll(limit: limit)) } catch { output = .failure(error) }
    // What kept a child from its bytes is the cause of all that it says then.
    try answering?.end()
    let bytes = try output.get()
    let (ending, message) = child.finish()
    return Answer(output: bytes, ending: ending, message: message)
  }

  /// - Parameter file: for the child to write.
  static func start(_ words: [String], lending file: OutputFile? = nil) throws(Failure) -> ChildProcess {
    try ChildProcess(
      ingot: "hdf5-child", limits: [.hdf5Memory, .hdf5Seconds, .hdf5List, .hdf5Chunk, .hdf5Expansion, .arrays], words,
      lending: file)
  }

  /// - Parameter range: of the HDF5 data in the file.
  static func words(_ verb: String, _ file: any Source, _ range: Range<Int>) -> [String] {
    [verb, file.localPath ?? "", "\(range.lowerBound)", "\(range.count)"]
  }

  /// What the child is given the bytes of.
  static func asked(of file: any Source) -> (any Source)? { file.localPath == nil ? file : nil }

  /// In what the child says of a file, or an object in it, in a form that libhdf5 doesn't know yet.
  static let needsNewerLibrary = "may need a newer libhdf5 than"

  static func hint(_ ending: ChildProcess.Ending, _ reason: String) -> String? {
    if reason.contains(needsNewerLibrary) {
      return "a newer libhdf5 may read it, unless it is damaged: install one, or ask its author for a safetensors file"
    }
    return Limit.named(in: reason)?.hint()
      ?? (ending == .exited(69) ? "install libhdf5: in Debian, `apt-get install libhdf5-dev` brings it" : nil)
  }

  static func failure(_ ending: ChildProcess.Ending, _ message: String) -> Failure {
    switch ending {
    case .killed(let signal):
      let (why, isLimit) = ChildProcess.Ending.explanation(of: signal, "libhdf5", time: .hdf5Seconds)
      return Failure(
        .badData, "\(why) when this file is read",
        hint: isLimit ? Limit.hdf5Seconds.hint() : "the file is malformed: don't trust it")
    case .exited(65):
      return Failure(.badData, message.isEmpty ? "can't be read" : message, hint: hint(ending, message))
    case .exited(let status):
      return Failure(
        .io, message.isEmpty ? "the reading process failed with status \(status)" : message,
        hint: hint(ending, message))
    }
  }
}
