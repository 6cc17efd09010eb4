import Arrays

/// Runs of the child process in which alone libhdf5 is used.
package enum HDF5Child {
  /// Bytes of address space and seconds of processor time that the child may take.
  static let memoryLimit = 2 << 30
  static let timeLimit = 60

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

  /// - Parameter limit: most bytes of output.
  package typealias Run = @Sendable (_ arguments: [String], _ limit: Int) throws(Failure) -> Answer

  package static let run: Run = { arguments, limit throws(Failure) in
    let child = try ChildProcess(ChildProcess.ingot, arguments)
    let output = try child.readAll(limit: limit)
    let (ending, message) = child.finish()
    return Answer(output: output, ending: ending, message: message)
  }

  /// - Parameter range: of the HDF5 data in the file.
  static func arguments(_ verb: String, _ file: InputFile, _ range: Range<Int>) -> [String] {
    arguments(verb, file.path) + ["\(range.lowerBound)", "\(range.count)"]
  }

  static func arguments(_ verb: String, _ path: String) -> [String] {
    ["hdf5-child", "--memory", "\(memoryLimit)", "--seconds", "\(timeLimit)", "--", verb, path]
  }

  static func hint(_ ending: ChildProcess.Ending) -> String? {
    ending == .exited(69) ? "install libhdf5, for example with `apt-get install libhdf5-103`" : nil
  }

  static func failure(_ ending: ChildProcess.Ending, _ message: String) -> Failure {
    switch ending {
    case .killed(let signal):
      let why =
        switch signal {
        case 24, 9, 14: "it takes libhdf5 more than \(timeLimit) s, or more memory than there is,"
        case 11, 7, 6, 8, 4: "libhdf5 crashes (signal \(signal))"
        default: "the reading process was ended by signal \(signal)"
        }
      return Failure(.badData, "\(why) when this file is read", hint: "the file is malformed: don't trust it")
    case .exited(65): return Failure(.badData, message.isEmpty ? "can't be read" : message)
    case .exited(let status):
      return Failure(
        .io, message.isEmpty ? "the reading process failed with status \(status)" : message, hint: hint(ending))
    }
  }
}
