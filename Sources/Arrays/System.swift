import Glibc

/// Every system call of the project, each retried after an interrupt and turned into a `Failure` that names the file.
/// What C libraries call (libhdf5 and FFmpeg in child processes, CEnding when a signal ends the process) is outside of it.
enum System {
  typealias Descriptor = Int32

  /// The calls, as faults and counts name them (System+Faults.swift).
  enum Call: String, CaseIterable {
    case open, close, fstat, stat, pread, pwrite, read, write, ftruncate, fsync
    case startWriting = "sync_file_range"
    case flock, rename, exchange, link, unlink, mkdir, opendir, readdir, mmap, munmap
    case fcntl, pipe, socketpair, send, spawn, kill, waitpid, realpath
    /// Writing to standard error, which is where faults show: it has none.
    case tell
  }

  /// Makes a call again for as long as it is interrupted.
  @inline(__always)
  static func retrying<Result: SignedInteger>(_ kind: Call, _ call: () -> Result) -> Result {
    while true {
      let result = once(kind, call)
      if result >= 0 || errno != EINTR { return result }
    }
  }

  /// A call that moves up to `count` bytes.
  @inline(__always)
  static func moving(_ kind: Call, _ count: Int, _ call: (_ count: Int) -> Int) -> Int {
    #if DEBUG
      retrying(kind) { call(Faults.shortened(count)) }
    #else
      retrying(kind) { call(count) }
    #endif
  }

  /// A call that isn't made again.
  @inline(__always)
  static func once<Result: SignedInteger>(_ kind: Call, _ call: () -> Result) -> Result {
    #if DEBUG
      if let code = Faults.next(kind) {
        // A descriptor is closed even where that fails.
        if kind == .close { _ = call() }
        errno = code
        return -1
      }
    #endif
    return call()
  }

  static func failure(_ kind: Failure.Kind, _ path: String, _ what: String, _ code: Int32) -> Failure {
    var failure = Failure(kind, file: path, "\(what): \(message(code))")
    failure.isOfSystem = true
    return switch code {
    case ENOSPC, EDQUOT: failure.hinting("free some space on the disk and run the command again; nothing was changed")
    case EFBIG: failure.hinting("files may not become that large here: see `ulimit -f`, or use another disk")
    case EACCES, EPERM, EROFS: failure.hinting("check the permissions of the file and of its folder")
    default: failure
    }
  }

  private static func message(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text).lowercased()
  }

  /// Whether so much memory could be had; none is kept.
  static func canAllocate(_ count: Int) -> Bool {
    guard let memory = unsafe malloc(count) else { return count == 0 }
    unsafe free(memory)
    return true
  }

  static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  static var process: Int32 { getpid() }

  static var user: UInt32 { geteuid() }

  static func isTerminal(_ descriptor: Descriptor) -> Bool { isatty(descriptor) == 1 }

  /// Monotonic seconds.
  static var clock: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  static func pause(seconds: Double) {
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    _ = unsafe nanosleep(&time, nil)
  }
}
