import Glibc
import Synchronization

/// A program run as a child, with streams to its standard input and from its standard output and standard error. A child
/// that is let go of before it ended is killed; and one that calls `Ending.withParent` ends when this process does, even
/// if that is killed. None is left behind.
public final class ChildProcess {
  /// How a child ended.
  public enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)

    /// What it means that a signal ended a child that runs a library on a file.
    /// - Parameters:
    ///   - library: for people.
    ///   - time: the limit of its processor time.
    /// - Returns: the beginning of a sentence, and whether a limit was met.
    public static func explanation(
      of signal: Int32, _ library: String, time: Limit
    ) -> (beginning: String, isLimit: Bool) {
      switch signal {
      case SIGXCPU, SIGKILL, SIGALRM:
        ("it takes \(library) more than \(time.value) s, or more memory than there is,", true)
      case SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL: ("\(library) crashes (signal \(signal))", false)
      default: ("the reading process was ended by signal \(signal)", false)
      }
    }
  }

  private let path: String
  private var process: pid_t = 0
  private var input: System.Descriptor = -1
  private var output: System.Descriptor = -1
  private var errors: System.Descriptor = -1
  /// The child holds the other end, and finds it closed when this process ends.
  private var life: System.Descriptor = -1
  private var ending: Ending?

  /// The descriptor by which a child sees its parent end.
  static let lifeline: Int32 = 3

  /// Where a child finds the file that it was lent.
  public static let lentFile = "/dev/fd/4"

  /// Starts a program.
  /// - Parameter file: for the child to write; it has the same lock.
  /// - Throws: `Failure` of kind `io` when it can't be started.
  public init(_ path: String, _ arguments: [String], lending file: OutputFile? = nil) throws(Failure) {
    self.path = path
    // If something fails on the way, what there is so far is closed when this object goes.
    var theirs: [System.Descriptor] = []
    defer { theirs.forEach(System.close) }
    let (here, there) = try System.socketPair()
    input = here
    theirs.append(there)
    let outputs = try System.pipe()
    output = outputs.read
    theirs.append(outputs.write)
    let messages = try System.pipe()
    errors = messages.read
    theirs.append(messages.write)
    // Errors are read last: a child that has endless ones to tell must not wait for that.
    System.neverBlock(messages.write)
    let lives = try System.pipe()
    life = lives.write
    theirs.append(lives.read)
    process = try System.spawn(path, arguments, descriptors: theirs + (file.map { [$0.descriptor] } ?? []))
  }

  /// Starts the `ingot` command as the child that uses a library on a stranger's file, under the limits of this process.
  /// - Parameters:
  ///   - command: one that isn't for people, such as `hdf5-child`.
  ///   - words: what it is to do; none is taken for an option.
  ///   - file: for the child to write; it has the same lock.
  /// - Throws: `Failure` of kind `io` when it can't be started.
  public convenience init(
    ingot command: String, limits: [Limit], _ words: [String], lending file: OutputFile? = nil
  ) throws(Failure) {
    let allowed = limits.flatMap { ["--allow", "\($0.rawValue)=\($0.value)"] }
    try self.init(ChildProcess.ingot, [command] + allowed + ["--"] + words, lending: file)
  }

  deinit {
    closeInput()
    for descriptor in [output, life] where descriptor >= 0 { System.close(descriptor) }
    if ending == nil, process > 0 {
      System.kill(process)
      _ = System.wait(process)
    }
    if errors >= 0 { System.close(errors) }
  }

  /// Hands the child some bytes.
  /// - Throws: `Failure` of kind `io` when it no longer takes any.
  public func write(_ bytes: borrowing RawSpan) throws(Failure) {
    let isTaken = unsafe bytes.withUnsafeBytes { unsafe System.send($0, to: input) }
    guard isTaken else { throw Failure(.io, file: path, "the child process takes no more input") }
  }

  /// Answers what the child asks on its standard input, an offset and a number of bytes (8 bytes each, little-endian), by
  /// those bytes of a source, beside what else is done with it.
  /// - Throws: `Failure` of kind `io` when a thread can't be started.
  public func answer(from source: any Source) throws(Failure) -> Answering {
    try Answering(source, input, path)
  }

  /// Answers that are given to a child.
  public final class Answering {
    private let socket: System.Descriptor
    private let work: BackgroundWork

    fileprivate init(_ source: any Source, _ socket: System.Descriptor, _ path: String) throws(Failure) {
      self.socket = socket
      work = try BackgroundWork {
        // A child that is given nothing more must not wait for it.
        defer { System.shutDown(socket) }
        var request = [UInt8](repeating: 0, count: 16)
        var bytes: [UInt8] = []
        while try ChildProcess.read(socket, path, request.count, into: &request) == request.count {
          var (offset, left) = try Self.range(request, of: source)
          while left > 0 {
            let count = min(left, chunkSize)
            try source.read(count, at: offset, into: &bytes)
            let isTaken = unsafe bytes.withUnsafeBytes { unsafe System.send(.init(rebasing: $0[..<count]), to: socket) }
            guard isTaken else { return }
            (offset, left) = (offset + count, left - count)
          }
        }
      }
    }

    /// A child that reads a stranger's bytes may ask for anything.
    private static func range(_ request: [UInt8], of source: any Source) throws(Failure) -> (Int, Int) {
      func number(_ place: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(request[place + $1]) << (8 * $1) } }
      guard let offset = Int(exactly: number(0)), let count = Int(exactly: number(8)), offset <= source.size,
        count <= source.size - offset
      else { throw Failure(.badData, file: source.path, "has fewer bytes than its reader needs") }
      return (offset, count)
    }

    /// Ends them, when the child has written all that it will, or is not wanted any more.
    /// - Throws: what kept it from being answered.
    public func end() throws(Failure) {
      System.shutDown(socket)
      do { try work.wait() } catch { throw Failure.wrapping(error, file: "") }
    }
  }

  /// Tells the child that nothing more comes.
  public func closeInput() {
    if input >= 0 { System.close(input) }
    input = -1
  }

  /// Reads up to `count` bytes of its output into the front of `buffer`, which must be as large; fewer only at its end.
  public func read(_ count: Int, into buffer: inout [UInt8]) throws(Failure) -> Int {
    try ChildProcess.read(output, path, count, into: &buffer)
  }

  private static func read(
    _ descriptor: System.Descriptor, _ path: String, _ count: Int, into buffer: inout [UInt8]
  ) throws(Failure) -> Int {
    let result: Result<Int, Failure> = unsafe buffer.withUnsafeMutableBytes { bytes in
      do throws(Failure) {
        return .success(try unsafe System.readStream(descriptor, into: .init(rebasing: bytes[..<count]), path))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// All of its output.
  /// - Throws: `Failure` of kind `badData` when it is more than `limit` bytes.
  public func readAll(limit: Int) throws(Failure) -> [UInt8] {
    var out: [UInt8] = []
    // Room that isn't used costs nothing; without it, growing would take twice what there is.
    out.reserveCapacity(min(limit, 1 << 30))
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try read(buffer.count, into: &buffer)
      if count == 0 { return out }
      guard out.count + count <= limit else {
        throw Failure(.badData, "the child process prints more than \(limit) bytes")
      }
      out += buffer[..<count]
    }
  }

  /// Waits for its end; gives that and the first line of what it said of errors.
  public func finish() -> (ending: Ending, message: String) {
    closeInput()
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = (try? ChildProcess.read(errors, path, buffer.count, into: &buffer)) ?? 0
    // What it says beyond that is of no interest, but must not keep it from ending.
    var rest = [UInt8](repeating: 0, count: 8192)
    while count == buffer.count, let more = try? ChildProcess.read(errors, path, rest.count, into: &rest), more > 0 {}
    let how = ending ?? System.wait(process)
    ending = how
    let line = buffer[..<count].prefix { $0 != 0x0a }
    return (how, String(decoding: line, as: UTF8.self))
  }

  private static let isIngot = Atomic(false)

  /// Says that this program is the `ingot` command, whatever its file is called.
  public static func thisProgramIsIngot() { isIngot.store(true, ordering: .relaxed) }

  /// A program that stands beside this one; else its name alone, to be found on the path.
  public static func beside(_ name: String) -> String {
    let path = Paths.join(Paths.folder(of: System.thisProgram), name)
    return (try? Paths.exists(path)) == true ? path : name
  }

  /// Goes on as another program, which is found on the path if its name has no slash.
  /// - Returns: why that can't be.
  public static func become(_ path: String, _ arguments: [String]) -> String { System.become(path, arguments) }

  /// The `ingot` command: this program, or the one that stands beside it, or the one on the path.
  public static var ingot: String {
    // Whatever became of the file's name since: that may hold anything, and there may be another version now.
    if isIngot.load(ordering: .relaxed) { return "/proc/self/exe" }
    return beside("ingot")
  }
}
