import CSystemCalls
import Glibc

/// Files: opening, reading, writing, mapping.
extension System {
  struct Status {
    let size: Int
    let isDirectory: Bool
    let isRegular: Bool
    /// Names that the file has; 0 once it was removed while open.
    let links: Int
    /// Number of the file on its disk, and of that.
    let number: UInt64
    let disk: UInt64
    let owner: UInt32
    /// Of a folder: whether only their owners may remove files, as in /tmp, where anybody may make some.
    let isSticky: Bool
    /// Nanoseconds since 1970 of the last change.
    let changed: Int
  }

  /// Not blocking, so that a named pipe can't hold the program up before it is refused for being no file.
  static func openForReading(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying(.open) { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR {
        // What `String` puts in the place of bytes that it can't hold.
        guard path.unicodeScalars.contains("\u{FFFD}") else { throw Failure(.noInput, file: path, "no such file") }
        throw Failure(.noInput, file: path, "no such file, or its name is not UTF-8", hint: "rename it if it is there")
      }
      throw failure(code == EACCES ? .noInput : .io, path, "can't be opened", code)
    }
    return descriptor
  }

  /// A new file that must not exist yet, readable and writable.
  static func create(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying(.open) { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw failure(.cannotCreate, path, "can't be created", errno) }
    return descriptor
  }

  /// A file to be read and written, made where there is none.
  static func openForUpdating(_ path: String) throws(Failure) -> Descriptor {
    let descriptor = retrying(.open) { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666) }
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
    _ = once(.close) { Glibc.close(descriptor) }
  }

  static func status(_ descriptor: Descriptor, _ path: String) throws(Failure) -> Status {
    var info = stat()
    guard retrying(.fstat, { unsafe fstat(descriptor, &info) }) == 0 else {
      throw failure(.io, path, "has no readable status", errno)
    }
    return Status(info)
  }

  /// nil when nothing is there.
  /// - Throws: `Failure` of kind `io` when it can't be said whether something is.
  static func status(_ path: String) throws(Failure) -> Status? {
    var info = stat()
    if retrying(.stat, { unsafe stat(path, &info) }) == 0 { return Status(info) }
    let code = errno
    // A name may be longer than any that could be there, and a link may lead to itself.
    guard ![ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP].contains(code) else { return nil }
    throw failure(.io, path, "has no readable status", code)
  }

  /// Whether the path itself is a symbolic link, wherever it leads.
  /// - Throws: `Failure` of kind `io` when that can't be said.
  static func isLink(_ path: String) throws(Failure) -> Bool {
    var info = stat()
    if retrying(.stat, { unsafe lstat(path, &info) }) == 0 { return info.st_mode & S_IFMT == S_IFLNK }
    let code = errno
    guard ![ENOENT, ENOTDIR, ENAMETOOLONG].contains(code) else { return false }
    throw failure(.io, path, "has no readable status", code)
  }

  /// Bytes read, fewer than the buffer holds only at the end of the file.
  static func read(
    _ descriptor: Descriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, _ path: String
  ) throws(Failure) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = moving(.pread, buffer.count - done) {
        unsafe pread(descriptor, start + done, $0, off_t(offset + done))
      }
      guard count >= 0 else { throw failure(.io, path, "byte \(offset + done) can't be read", errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads up to `count` bytes into the front of `buffer`, which grows when it is too small.
  /// - Returns: how many: fewer only at the end of the file.
  static func read(
    _ descriptor: Descriptor, _ count: Int, at offset: Int, into buffer: inout [UInt8], _ path: String
  ) throws(Failure) -> Int {
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    let done: Result<Int, Failure> = unsafe buffer.withUnsafeMutableBytes { bytes in
      do throws(Failure) {
        return .success(try unsafe read(descriptor, into: .init(rebasing: bytes[..<count]), at: offset, path))
      } catch {
        return .failure(error)
      }
    }
    return try done.get()
  }

  private static func write(
    _ descriptor: Descriptor, _ buffer: UnsafeRawBufferPointer, at offset: Int, _ path: String
  ) throws(Failure) {
    guard let start = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = moving(.pwrite, buffer.count - done) {
        unsafe pwrite(descriptor, start + done, $0, off_t(offset + done))
      }
      guard count > 0 else { throw failure(.io, path, "can't be written at byte \(offset + done)", errno) }
      done += count
    }
  }

  static func write(
    _ descriptor: Descriptor, _ bytes: borrowing RawSpan, at offset: Int, _ path: String
  ) throws(Failure) {
    let result: Result<Void, Failure> = unsafe bytes.withUnsafeBytes { buffer in
      do throws(Failure) {
        return .success(try unsafe write(descriptor, buffer, at: offset, path))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  static func truncate(_ descriptor: Descriptor, to size: Int, _ path: String) throws(Failure) {
    guard retrying(.ftruncate, { ftruncate(descriptor, off_t(size)) }) == 0 else {
      throw failure(.io, path, "can't be given its size", errno)
    }
  }

  /// Starts writing a range to the disk without waiting, so that the final `sync` has less to wait for.
  static func startWriting(_ descriptor: Descriptor, from offset: Int, count: Int) {
    _ = once(.startWriting) {
      ingot_start_writing(descriptor, Int64(offset), Int64(count))
      return 0
    }
  }

  static func sync(_ descriptor: Descriptor, _ path: String) throws(Failure) {
    guard retrying(.fsync, { fsync(descriptor) }) == 0 else {
      throw failure(.io, path, "can't be flushed to the disk", errno)
    }
  }

  /// Maps `count` bytes of a file for reading.
  static func map(_ descriptor: Descriptor, count: Int, _ path: String) throws(Failure) -> UnsafeRawBufferPointer {
    if count == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    var address: UnsafeMutableRawPointer?
    let status = retrying(.mmap) {
      unsafe address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
      return unsafe address == MAP_FAILED ? -1 : 0
    }
    guard status == 0, let address = unsafe address else { throw failure(.io, path, "can't be mapped", errno) }
    return unsafe UnsafeRawBufferPointer(start: address, count: count)
  }

  static func unmap(_ bytes: UnsafeRawBufferPointer) {
    guard let address = bytes.baseAddress else { return }
    _ = once(.munmap) { unsafe munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }

  /// Whether the front of `first` is the same as all of `second`.
  static func isSame(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Bool {
    guard let left = first.baseAddress, let right = second.baseAddress else { return unsafe second.isEmpty }
    return unsafe memcmp(left, right, second.count) == 0
  }
}

extension System.Status {
  fileprivate init(_ info: stat) {
    let type = info.st_mode & S_IFMT
    self.init(
      size: Int(info.st_size), isDirectory: type == S_IFDIR, isRegular: type == S_IFREG, links: Int(info.st_nlink),
      number: UInt64(info.st_ino), disk: UInt64(info.st_dev), owner: info.st_uid, isSticky: info.st_mode & S_ISVTX != 0,
      changed: Int(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(info.st_mtim.tv_nsec))
  }
}
