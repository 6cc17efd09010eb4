/// Where the files of a checkpoint stand together: a folder here, or one of a repository at an address.
public protocol SourceFolder: Sendable {
  /// Names it in messages.
  var path: String { get }
  /// The folder that it is in; nil where nothing above it can be of the checkpoint.
  /// - Throws: `Failure` of kind `io` or `unavailable` when that can't be said.
  var parent: (any SourceFolder)? { get throws(Failure) }
  /// Whether every file costs a request to another machine, so that only what is needed is to be read.
  var isRemote: Bool { get }

  /// What has been fetched for it and its files so far; nil where nothing has to be.
  var fetched: FetchTally? { get }

  /// Names of the files and folders in it, sorted.
  /// - Throws: `Failure` of kind `io` or `unavailable` when they can't be listed.
  func names() throws(Failure) -> [String]
  /// The file of a relative path; nil where there is none.
  /// - Throws: `Failure` of kind `noInput` when it is no regular file, `io` when it can't be opened.
  func file(_ name: String) throws(Failure) -> (any Source)?
  /// The folder of a name in it; nil where there is none.
  func folder(_ name: String) throws(Failure) -> (any SourceFolder)?
}

/// What was fetched from addresses.
public struct FetchTally: Hashable, Sendable {
  /// Requests that were answered by what was asked for, or why not; redirects on the way are part of one.
  public var requests = 0
  /// Answers that named another address.
  public var redirects = 0
  /// Bytes of all bodies.
  public var bytes = 0

  public init() {}
}

extension SourceFolder {
  /// The path of something in it, for messages.
  public func path(of name: String) -> String { Paths.join(path, name) }

  /// The file of a name that there is.
  /// - Throws: as `file`, and `Failure` of kind `noInput` where there is none.
  public func existing(_ name: String) throws(Failure) -> any Source {
    guard let file = try file(name) else { throw Failure(.noInput, file: path(of: name), "no such file") }
    return file
  }

  /// The whole content of a small file; nil where there is none.
  /// - Throws: as `file`, and `Failure` of kind `badData` when it is larger than `limit`.
  public func contents(of name: String, limit: Limit) throws(Failure) -> [UInt8]? {
    guard let file = try file(name) else { return nil }
    try limit.check(file.size, "bytes", file: file.path)
    return try file.bytes(file.size, at: 0)
  }
}

/// A folder here.
public struct LocalFolder: SourceFolder {
  public let path: String
  public let isRemote = false
  public var fetched: FetchTally? { nil }

  public init(_ path: String) { self.path = path }

  /// Of what the path leads to, links followed.
  public var parent: (any SourceFolder)? { LocalFolder(Paths.folder(of: Paths.resolved(path) ?? path)) }

  public func names() throws(Failure) -> [String] { try Paths.names(in: path) }

  public func file(_ name: String) throws(Failure) -> (any Source)? {
    let path = path(of: name)
    return try Paths.exists(path) ? InputFile(path) : nil
  }

  public func folder(_ name: String) throws(Failure) -> (any SourceFolder)? {
    let path = path(of: name)
    return try Paths.isFolder(path) ? LocalFolder(path) : nil
  }
}
