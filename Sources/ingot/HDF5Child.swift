import ArgumentParser
import Arrays
import CChild
import CHDF5

/// What this program runs itself as when it has to use libhdf5; not for people.
struct HDF5Child: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "hdf5-child", abstract: "Reads or writes HDF5 for ingot itself.", shouldDisplay: false)

  @OptionGroup var limits: LimitOptions
  @Argument var words: [String]

  func run() throws {
    guard ingot_child_limit(Limit.hdf5Memory.number(), Limit.hdf5Seconds.number()) == 0 else {
      throw ExitCode(Failure.Kind.io.exitStatus)
    }
    ingot_hdf5_set_limits(
      ingot_hdf5_limits(
        objects: Limit.arrays.number(), list: Limit.hdf5List.number(), chunk: Limit.hdf5Chunk.number(),
        expansion: Limit.hdf5Expansion.number()))
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
