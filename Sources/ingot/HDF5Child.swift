import ArgumentParser
import Arrays
import CHDF5

/// What this program runs itself as when it has to use libhdf5; not for people.
struct HDF5Child: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hdf5-child", abstract: "Reads or writes HDF5 for ingot itself.", shouldDisplay: false)

  @Option var memory: UInt64
  @Option var seconds: UInt32
  @Argument var words: [String]

  func run() throws {
    guard ingot_hdf5_limit(memory, seconds) == 0 else { throw ExitCode(Failure.Kind.io.exitStatus) }
    // The limit is of processor time; a child that waits for something must end too.
    ChildProcess.endAfter(seconds: 2 * min(seconds, 3600))
    let status: Int32
    switch (words.first, words.count) {
    case ("list", 4): status = unsafe ingot_hdf5_list(words[1], UInt64(words[2]) ?? 0, UInt64(words[3]) ?? 0, 1)
    case ("read", 5):
      status = unsafe ingot_hdf5_read(words[1], UInt64(words[2]) ?? 0, UInt64(words[3]) ?? 0, words[4], 1)
    case ("write", 2): status = unsafe ingot_hdf5_write(words[1], 0)
    default: status = Failure.Kind.usage.exitStatus
    }
    if status != 0 { throw ExitCode(status) }
  }
}
