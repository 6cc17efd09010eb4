import CSystemCalls
import Glibc

/// Child processes, and the streams between them and this one.
extension System {
  /// Writes to a stream such as standard output; 0, or the error number when it takes no more.
  static func print(_ buffer: UnsafeRawBufferPointer, to descriptor: Descriptor) -> Int32 {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = moving(descriptor == 2 ? .tell : .write, buffer.count - done) {
        unsafe Glibc.write(descriptor, start + done, $0)
      }
      guard count > 0 else { return errno }
      done += count
    }
    return 0
  }

  /// Writes to a socket; false when the other end takes no more.
  static func send(_ buffer: UnsafeRawBufferPointer, to socket: Descriptor) -> Bool {
    guard let start = buffer.baseAddress else { return true }
    var done = 0
    while done < buffer.count {
      // A signal would end a program that did not expect it, and how it takes signals is not this library's business.
      let count = moving(.send, buffer.count - done) {
        unsafe Glibc.send(socket, start + done, $0, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// Lets neither end of a socket read or write any more: whoever waits for it goes on.
  static func shutDown(_ socket: Descriptor) { _ = Glibc.shutdown(socket, Int32(SHUT_RDWR)) }

  /// Bytes read from a stream, fewer than the buffer holds only at its end.
  static func readStream(
    _ descriptor: Descriptor, into buffer: UnsafeMutableRawBufferPointer, _ path: String
  ) throws(Failure) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = moving(.read, buffer.count - done) { unsafe Glibc.read(descriptor, start + done, $0) }
      guard count >= 0 else { throw failure(.io, path, "can't be read", errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// What a stream has at the moment, at least a byte; empty at its end.
  static func readAvailable(_ descriptor: Descriptor, _ path: String) throws(Failure) -> [UInt8] {
    var count = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { out, used in
      count = moving(.read, out.count) { unsafe Glibc.read(descriptor, out.baseAddress, $0) }
      used = max(0, count)
    }
    guard count >= 0 else { throw failure(.io, path, "can't be read", errno) }
    return bytes
  }

  /// No other program inherits the ends.
  static func pipe() throws(Failure) -> (read: Descriptor, write: Descriptor) {
    var ends: [Descriptor] = [-1, -1]
    guard retrying(.pipe, { unsafe ingot_pipe(&ends) }) == 0 else {
      throw failure(.io, "pipe", "can't be made", errno)
    }
    return (ends[0], ends[1])
  }

  /// Two ends of a stream in both directions, which no other program inherits.
  static func socketPair() throws(Failure) -> (Descriptor, Descriptor) {
    var ends: [Descriptor] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard retrying(.socketpair, { unsafe socketpair(AF_UNIX, kind, 0, &ends) }) == 0 else {
      throw failure(.io, "socket", "can't be made", errno)
    }
    return (ends[0], ends[1])
  }

  /// What such an end of a pipe doesn't take at once is lost, and nobody waits.
  static func neverBlock(_ descriptor: Descriptor) { _ = once(.fcntl) { fcntl(descriptor, F_SETFL, O_NONBLOCK) } }

  /// Starts a program, found on the path if its name has no slash.
  /// - Parameter descriptors: that become its 0, 1, 2 and so on.
  static func spawn(
    _ path: String, _ arguments: [String], descriptors: [Descriptor]
  ) throws(Failure) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    _ = unsafe posix_spawn_file_actions_init(&actions)
    defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in descriptors.enumerated() {
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // Whoever uses this library may have files and connections open that a child would get: it may know of none of them.
    _ = unsafe ingot_close_from(&actions, Int32(descriptors.count))
    // What a terminal sends to all processes ends this one, and that ends the child; else it might be the child's end
    // that is told.
    var blocked = sigset_t()
    _ = unsafe sigemptyset(&blocked)
    for signal in [SIGINT, SIGTERM, SIGHUP] { _ = unsafe sigaddset(&blocked, signal) }
    var attributes = posix_spawnattr_t()
    _ = unsafe posix_spawnattr_init(&attributes)
    defer { _ = unsafe posix_spawnattr_destroy(&attributes) }
    _ = unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    _ = unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe texts.forEach { unsafe free($0) } }
    var process: pid_t = 0
    let status = retrying(.spawn) {
      errno = unsafe posix_spawnp(&process, path, &actions, &attributes, &texts, environ)
      return errno == 0 ? 0 : -1
    }
    guard status == 0 else { throw failure(.io, path, "can't be started", errno) }
    return process
  }

  /// Goes on as another program. Returns when that can't be, with what the system says.
  static func become(_ path: String, _ arguments: [String]) -> String {
    var texts = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe texts.forEach { unsafe free($0) } }
    _ = unsafe execvp(path, &texts)
    return unsafe String(cString: strerror(errno))
  }

  static func kill(_ process: pid_t) { _ = once(.kill) { Glibc.kill(process, SIGKILL) } }

  static func wait(_ process: pid_t) -> ChildProcess.Ending {
    var status: Int32 = 0
    guard retrying(.waitpid, { unsafe waitpid(process, &status, 0) }) == process else { return .exited(-1) }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal)
  }

  /// Waits until the other end of a pipe is closed; false when `descriptor` is no pipe.
  static func waitForEnd(of descriptor: Descriptor) -> Bool {
    var info = stat()
    guard unsafe fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFIFO else { return false }
    var byte: UInt8 = 0
    while true {
      let count = unsafe Glibc.read(descriptor, &byte, 1)
      if count == 0 { return true }
      if count < 0, errno != EINTR { return false }
    }
  }

  /// Ends this process at once.
  static func end(status: Int32) -> Never { _exit(status) }

  /// The file of the running program.
  static var thisProgram: String {
    var path = ""
    _ = retrying(.realpath) {
      guard let found = unsafe realpath("/proc/self/exe", nil) else { return -1 }
      defer { unsafe free(found) }
      path = unsafe String(cString: found)
      return 0
    }
    return path
  }
}
