import Arrays
import Foundation
import Testing

/// A folder for a test's files, removed when the test lets go of it.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() {
    path = FileManager.default.temporaryDirectory.appending(path: "ingot-tests-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func file(_ name: String) -> String { Paths.join(path, name) }

  /// Writes a file, in a folder that is made where it isn't there yet, and gives its path.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    let path = file(name)
    try FileManager.default.createDirectory(atPath: Paths.folder(of: path), withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  public var names: [String] { (try? Paths.names(in: path)) ?? [] }
}

/// The package's own folder.
public let packageFolder = String(
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path)

/// A file of the package.
public func packageFile(_ name: String) -> String { Paths.join(packageFolder, name) }

/// All bytes of a file.
public func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// What `body` throws, with the file's folder left out so that texts can be compared; nil when it throws nothing or
/// something else than a `Failure`.
public func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch {
    return error as? Failure
  }
}

extension Failure {
  /// Place and reason, without the file.
  public var withoutFile: String {
    var copy = self
    copy.file = nil
    return copy.description
  }
}

/// The bytes of a safetensors file with that header text and that many bytes of data.
public func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let text = Array(header.utf8)
  return (length ?? UInt64(text.count)).littleEndianBytes + text + [UInt8](repeating: 7, count: data)
}
