import CSystem
import Glibc

/// Every system call of the project, each retried after an interrupt and turned into a `Failure` that names the file.
enum System {
  typealias Descriptor = Int32

  struct Status {
    let size: Int
    let isDirectory: Bool
    let isRegular: Bool
    /// Names that the file has; 0 once it was removed while open.
    let links: Int
    /// Nanoseconds since 1970 of the last change.
    let changed: Int
  }

  /// Not blocking, so that a named pipe can't hold the program up before it is refused for being no file.
  static func openForReading(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { throw Failure(.noInput, file: path, "no such file") }
      throw failure(code == EACCES ? .noInput : .io, path, "can't be opened", code)
    }
    return descriptor
  }

  /// A new file that must not exist yet, readable and writable.
  static func create(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw failure(.cannotCreate, path, "can't be created", errno) }
    return descriptor
  }

  /// A file to be read and written, made where there is none.
  static func openForUpdating(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666) }
    guard descriptor >= 0 else { throw failure(.cannotCreate, path, "can't be opened for writing", errno) }
    return descriptor
  }

  /// Takes the numbers of standard input, output and error where these are closed, so that no file gets them and is read,
  /// or written to, in their place. Using them fails as it would have.
  static func takeClosedStandardDescriptors() {
    for descriptor: Descriptor in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given: the one missing.
      _ = unsafe open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  static func close(_ descriptor: Descriptor) {
    _ = Glibc.close(descriptor)
  }

  static func status(_ descriptor: Descriptor, _ path: String) throws(Failure) -> Status {
    var info = stat()
    guard unsafe fstat(descriptor, &info) == 0 else { throw failure(.io, path, "has no readable status", errno) }
    return Status(info)
  }

  /// nil when nothing is there.
  static func status(_ path: String) -> Status? {
    var info = stat()
    guard unsafe stat(path, &info) == 0 else { return nil }
    return Status(info)
  }

  /// Bytes read, fewer than the buffer holds only at the end of the file.
  static func read(
    _ descriptor: Descriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, _ path: String
  ) throws(Failure) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = retrying {
        unsafe pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
      }
      guard count >= 0 else { throw failure(.io, path, "byte \(offset + done) can't be read", errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  static func write(
    _ descriptor: Descriptor, _ buffer: UnsafeRawBufferPointer, at offset: Int, _ path: String
  ) throws(Failure) {
    guard let start = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = retrying {
        unsafe pwrite(descriptor, start + done, buffer.count - done, off_t(offset + done))
      }
      guard count > 0 else { throw failure(.io, path, "can't be written at byte \(offset + done)", errno) }
      done += count
    }
  }

  /// Writes to a stream such as standard output; false when it takes no more.
  @discardableResult
  static func print(_ buffer: UnsafeRawBufferPointer, to descriptor: Descriptor) -> Bool {
    guard let start = buffer.baseAddress else { return true }
    var done = 0
    while done < buffer.count {
      let count = retrying { unsafe Glibc.write(descriptor, start + done, buffer.count - done) }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// Bytes read from a stream, fewer than the buffer holds only at its end.
  static func readStream(
    _ descriptor: Descriptor, into buffer: UnsafeMutableRawBufferPointer, _ path: String
  ) throws(Failure) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = retrying { unsafe Glibc.read(descriptor, start + done, buffer.count - done) }
      guard count >= 0 else { throw failure(.io, path, "can't be read", errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  // MARK: Processes

  static func pipe() throws(Failure) -> (read: Descriptor, write: Descriptor) {
    var ends: [Descriptor] = [-1, -1]
    guard unsafe Glibc.pipe(&ends) == 0 else { throw failure(.io, "pipe", "can't be made", errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// What such an end of a pipe doesn't take at once is lost, and nobody waits.
  static func neverBlock(_ descriptor: Descriptor) { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

  /// Ends this process by a signal after so many seconds.
  static func endAfter(seconds: UInt32) { _ = alarm(seconds) }

  /// Starts a program, found on the path if its name has no slash, with these as its standard streams.
  static func spawn(
    _ path: String, _ arguments: [String], input: Descriptor, output: Descriptor, errors: Descriptor
  ) throws(Failure) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    _ = unsafe posix_spawn_file_actions_init(&actions)
    defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
    for (stream, descriptor) in [(0, input), (1, output), (2, errors)] {
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(stream))
    }
    var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe texts.forEach { unsafe free($0) } }
    var process: pid_t = 0
    let status = unsafe posix_spawnp(&process, path, &actions, nil, &texts, environ)
    guard status == 0 else { throw failure(.io, path, "can't be started", status) }
    return process
  }

  static func kill(_ process: pid_t) { _ = Glibc.kill(process, SIGKILL) }

  static func wait(_ process: pid_t) -> ChildProcess.Ending {
    var status: Int32 = 0
    guard retrying({ unsafe waitpid(process, &status, 0) }) == process else { return .exited(-1) }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
  }

  /// Writing to a child that ended is then an error, not a signal.
  static func ignoreBrokenPipes() { _ = Glibc.signal(SIGPIPE, SIG_IGN) }

  /// The file of the running program.
  static var thisProgram: String {
    guard let path = unsafe realpath("/proc/self/exe", nil) else { return "" }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  static func truncate(_ descriptor: Descriptor, to size: Int, _ path: String) throws(Failure) {
    guard retrying({ ftruncate(descriptor, off_t(size)) }) == 0 else {
      throw failure(.io, path, "can't be given its size", errno)
    }
  }

  /// Starts writing a range to the disk without waiting, so that the final `sync` has less to wait for.
  static func startWriting(_ descriptor: Descriptor, from offset: Int, count: Int) {
    ingot_start_writing(descriptor, Int64(offset), Int64(count))
  }

  static func sync(_ descriptor: Descriptor, _ path: String) throws(Failure) {
    guard retrying({ fsync(descriptor) }) == 0 else { throw failure(.io, path, "can't be flushed to the disk", errno) }
  }

  static func syncFolder(_ path: String) throws(Failure) {
    let descriptor = retrying { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw failure(.io, path, "can't be opened as a folder", errno) }
    defer { close(descriptor) }
    try sync(descriptor, path)
  }

  /// An exclusive advisory lock that ends with the process; false when somebody else holds it.
  static func lock(_ descriptor: Descriptor) -> Bool {
    retrying { flock(descriptor, LOCK_EX | LOCK_NB) } == 0
  }

  static func rename(_ old: String, to new: String) throws(Failure) {
    let result = unsafe Glibc.rename(old, new)
    guard result == 0 else { throw failure(.cannotCreate, new, "can't be put in place", errno) }
  }

  static func remove(_ path: String) {
    _ = unsafe unlink(path)
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(Failure) {
    if let there = status(path) {
      guard there.isDirectory else { throw Failure(.cannotCreate, file: path, "is a file where a folder is needed") }
      return
    }
    let parent = folderOf(path)
    if parent != path { try makeFolder(parent) }
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw failure(.cannotCreate, path, "can't be created as a folder", errno)
    }
  }

  /// Names in a folder, sorted by their bytes; nil when it can't be listed.
  static func list(_ path: String) -> [String]? {
    guard let stream = unsafe opendir(path) else { return nil }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Maps `count` bytes of a file for reading.
  static func map(_ descriptor: Descriptor, count: Int, _ path: String) throws(Failure) -> UnsafeRawBufferPointer {
    if count == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard unsafe address != MAP_FAILED, let address = unsafe address else {
      throw failure(.io, path, "can't be mapped", errno)
    }
    return unsafe UnsafeRawBufferPointer(start: address, count: count)
  }

  static func unmap(_ bytes: UnsafeRawBufferPointer) {
    guard let address = bytes.baseAddress else { return }
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
  }

  /// Whether the front of `first` is the same as all of `second`.
  static func isSame(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
    guard let left = first.baseAddress, let right = second.baseAddress else { return unsafe second.isEmpty }
    return unsafe memcmp(left, right, second.count) == 0
  }

  /// Whether so much memory could be had; none is kept.
  static func canAllocate(_ count: Int) -> Bool {
    guard let memory = unsafe malloc(count) else { return count == 0 }
    unsafe free(memory)
    return true
  }

  static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  static var process: Int32 { getpid() }

  static func isTerminal(_ descriptor: Descriptor) -> Bool { isatty(descriptor) == 1 }

  /// Monotonic seconds.
  static var clock: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// What a stream has at the moment, at least a byte; empty at its end.
  static func readAvailable(_ descriptor: Descriptor, _ path: String) throws(Failure) -> [UInt8] {
    var count = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { out, used in
      count = retrying { unsafe Glibc.read(descriptor, out.baseAddress, out.count) }
      used = max(0, count)
    }
    guard count >= 0 else { throw failure(.io, path, "can't be read", errno) }
    return bytes
  }

  private static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  private static func failure(_ kind: Failure.Kind, _ path: String, _ what: String, _ code: Int32) -> Failure {
    let failure = Failure(kind, file: path, "\(what): \(message(code))")
    return switch code {
    case ENOSPC, EDQUOT: failure.hinting("free some space on the disk and run the command again; nothing was changed")
    case EACCES, EPERM, EROFS: failure.hinting("check the permissions of the file and of its folder")
    default: failure
    }
  }

  private static func message(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text).lowercased()
  }
}

extension System.Status {
  fileprivate init(_ info: stat) {
    let type = info.st_mode & S_IFMT
    self.init(
      size: Int(info.st_size), isDirectory: type == S_IFDIR, isRegular: type == S_IFREG,
      links: Int(info.st_nlink), changed: Int(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(info.st_mtim.tv_nsec))
  }
}

/// The folder part of a path; "." when it has none.
func folderOf(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
