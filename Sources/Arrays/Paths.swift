import Glibc

/// Questions about paths and the process's surroundings.
public enum Paths {
  /// - Throws: `Failure` of kind `io` when it can't be said whether something is there: a file that is there must not be
  ///   passed over, or replaced, because its disk failed just then.
  public static func exists(_ path: String) throws(Failure) -> Bool { try System.status(path) != nil }

  /// - Throws: `Failure` of kind `io` when that can't be said.
  public static func isFolder(_ path: String) throws(Failure) -> Bool { try System.status(path)?.isDirectory == true }

  /// Whether there is a symbolic link, wherever it leads.
  /// - Throws: `Failure` of kind `io` when that can't be said.
  public static func isLink(_ path: String) throws(Failure) -> Bool { try System.isLink(path) }

  /// Whether there is a regular file; following links.
  /// - Throws: `Failure` of kind `io` when that can't be said.
  public static func isRegularFile(_ path: String) throws(Failure) -> Bool {
    try System.status(path)?.isRegular == true
  }

  /// Says whether a file is still the one it was: its length and the time of its last change.
  public struct Stamp: Hashable, Sendable {
    private let size: Int
    private let changed: Int

    fileprivate init(_ status: System.Status) { (size, changed) = (status.size, status.changed) }

    /// Of the last change, since 1970.
    public var seconds: Int { changed / 1_000_000_000 }
  }

  /// Which file or folder it is, whatever the path to it.
  public struct Identity: Hashable, Sendable {
    private let disk: UInt64
    private let number: UInt64

    fileprivate init(_ status: System.Status) { (disk, number) = (status.disk, status.number) }
  }

  /// - Throws: `Failure` of kind `io` when it can't be said.
  public static func identity(_ path: String) throws(Failure) -> Identity? {
    try System.status(path).map(Identity.init)
  }

  /// nil when there is no such file, or none that can be seen.
  public static func stamp(_ path: String) -> Stamp? { (try? System.status(path)).map(Stamp.init) }

  /// The path of what is there from the root on, without links in it; nil when nothing is.
  public static func resolved(_ path: String) -> String? { System.resolved(path) }

  /// Names in a folder, sorted by their bytes; empty when there is no such folder.
  /// - Throws: `Failure` of kind `io` when it can't be listed.
  public static func names(in folder: String) throws(Failure) -> [String] { try System.list(folder) ?? [] }

  /// `folder/name`.
  public static func join(_ folder: String, _ name: String) -> String {
    folder == "." ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  /// The last component.
  public static func name(_ path: String) -> String {
    path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? ""
  }

  /// All but the last component; "." when there is one only.
  public static func folder(of path: String) -> String { folderOf(path) }

  /// Makes a symbolic link, or one that there is lead to another place.
  /// - Throws: `Failure` of kind `cannotCreate`.
  public static func link(_ target: String, at path: String) throws(Failure) { try System.symlink(target, at: path) }

  /// Makes a folder and those above it.
  public static func makeFolder(_ path: String) throws(Failure) { try System.makeFolder(path) }

  public static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  public static var processors: Int { System.processors }

  public static var standardErrorIsTerminal: Bool { System.isTerminal(2) }

  public static var standardInputIsTerminal: Bool { System.isTerminal(0) }

  /// Seconds on a clock that never goes back.
  public static var seconds: Double { System.clock }
}

/// Writes text to standard output or standard error, whole.
public enum Console {
  /// To be called before any file is opened: one that gets the number of a closed standard input would be read as that.
  public static func takeClosedDescriptors() { System.takeClosedStandardDescriptors() }

  /// A name that is not UTF-8 can't be held by a `String`, which would put other characters in its place: another file
  /// would be read, or written.
  /// - Throws: `Failure` of kind `usage` when an argument, or `$INGOT_SHELF`, is no UTF-8.
  public static func checkArguments() throws(Failure) {
    func check(_ text: UnsafePointer<CChar>, _ what: String) throws(Failure) {
      guard unsafe String(validatingCString: text) == nil else { return }
      let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: text, count: strlen(text)))
      var shown = ""
      for byte in bytes {
        let hex = String(byte, radix: 16)
        shown +=
          (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\\")
          ? String(UnicodeScalar(byte)) : "\\x\(byte < 16 ? "0" : "")\(hex)"
      }
      throw Failure(
        .usage, "\(what) is not UTF-8: \(shown)", hint: "rename the file, or reach it by a link whose name is UTF-8")
    }
    for number in 1..<max(1, Int(CommandLine.argc)) {
      guard let text = unsafe CommandLine.unsafeArgv[number] else { break }
      try unsafe check(text, "argument \(number)")
    }
    if let shelf = unsafe getenv("INGOT_SHELF") { try unsafe check(shelf, "$INGOT_SHELF") }
  }

  /// - Throws: `Failure` of kind `io` when standard output takes no more.
  public static func print(_ text: String) throws(Failure) {
    let code = write(text + "\n", 1)
    if code == EPIPE { Ending.withReader() }
    guard code == 0 else {
      throw Failure(.io, "standard output takes no more", hint: "is the disk full, or the reader gone?")
    }
  }

  /// Writes bytes as they are to standard output.
  /// - Throws: `Failure` of kind `io` when it takes no more.
  package static func write(_ bytes: [UInt8]) throws(Failure) {
    let code = unsafe bytes.withUnsafeBytes { unsafe System.print($0, to: 1) }
    guard code == 0 else { throw Failure(.io, "standard output takes no more") }
  }

  public static func printError(_ text: String, terminator: String = "\n") { _ = write(text + terminator, 2) }

  /// 0, or an error number.
  private static func write(_ text: String, _ descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { unsafe System.print(UnsafeRawBufferPointer($0), to: descriptor) }
  }
}
