import Arrays
import Glibc

/// A file that is in memory only, for readers that take files: it has a path, and is gone with the process.
final class MemoryFile: Sendable {
  private let descriptor: Int32

  /// - Parameter number: that its descriptor gets.
  init(_ number: Int32) {
    let name = "/ingot-fuzz-\(getpid())-\(number)"
    let made = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    unsafe shm_unlink(name)
    precondition(made >= 0 && fcntl(made, F_DUPFD_CLOEXEC, number) == number, "no file in memory")
    close(made)
    descriptor = number
  }

  var path: String { "/proc/self/fd/\(descriptor)" }

  /// The file, with these bytes in it.
  func holding(_ bytes: [UInt8]) throws -> InputFile {
    write(bytes)
    return try sure("the file in memory") { try InputFile(path) }
  }

  /// The front of what it holds.
  func content(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
    return Array(bytes.prefix(got))
  }

  func write(_ bytes: [UInt8]) {
    precondition(ftruncate(descriptor, off_t(bytes.count)) == 0, "the file in memory can't be given its size")
    let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    precondition(count == bytes.count, "the file in memory can't be written")
  }
}
