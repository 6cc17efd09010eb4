import Glibc

/// Questions about paths and the process's surroundings.
public enum Paths {
  public static func exists(_ path: String) -> Bool { System.status(path) != nil }

  public static func isFolder(_ path: String) -> Bool { System.status(path)?.isDirectory == true }

  /// Says whether a file is still the one it was: its length and the time of its last change.
  public struct Stamp: Hashable, Sendable {
    private let size: Int
    private let changed: Int

    fileprivate init(_ status: System.Status) { (size, changed) = (status.size, status.changed) }
  }

  /// nil when there is no such file.
  public static func stamp(_ path: String) -> Stamp? { System.status(path).map(Stamp.init) }

  /// Names in a folder, sorted by their bytes; empty when it can't be listed.
  public static func names(in folder: String) -> [String] { System.list(folder) ?? [] }

  /// `folder/name`.
  public static func join(_ folder: String, _ name: String) -> String {
    folder == "." ? name : folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  /// The last component.
  public static func name(_ path: String) -> String {
    String(path.split(separator: "/").last ?? "")
  }

  /// All but the last component; "." when there is one only.
  public static func folder(of path: String) -> String { folderOf(path) }

  /// Makes a folder and those above it.
  public static func makeFolder(_ path: String) throws(Failure) { try System.makeFolder(path) }

  /// Removes a file, if it is there.
  public static func remove(_ path: String) { System.remove(path) }

  /// Number of this process.
  public static var process: Int32 { System.process }

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

  /// - Throws: `Failure` of kind `io` when standard output takes no more.
  public static func print(_ text: String) throws(Failure) {
    guard write(text + "\n", 1) else {
      throw Failure(.io, "standard output takes no more", hint: "is the disk full, or the reader gone?")
    }
  }

  public static func printError(_ text: String, terminator: String = "\n") { _ = write(text + terminator, 2) }

  private static func write(_ text: String, _ descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { unsafe System.print(UnsafeRawBufferPointer($0), to: descriptor) }
  }
}
