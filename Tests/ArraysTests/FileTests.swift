import Arrays
import Foundation
import Synchronization
import TestSupport
import Testing

final class Counter: Sendable {
  private let seen = Mutex<[Int]>([])
  func add(_ value: Int) { seen.withLock { $0.append(value) } }
  var values: [Int] { seen.withLock { $0.sorted() } }
}

@Suite struct OutputFileTests {
  @Test func appearsWholeOnCommit() throws {
    let folder = TemporaryFolder()
    try folder.write([9], to: "net")
    do {
      let file = try OutputFile(folder.file("net"))
      try file.write([1, 2, 3].rawSpan, at: 2)
      #expect(try bytes(of: folder.file("net")) == [9])
      try file.flush()
      try file.commit()
    }
    #expect(try bytes(of: folder.file("net")) == [0, 0, 1, 2, 3])
    #expect(folder.names == ["net"])
  }

  @Test func leavesNothingWithoutCommit() throws {
    let folder = TemporaryFolder()
    try folder.write([9], to: "net")
    do {
      let file = try OutputFile(folder.file("net"))
      try file.write([1, 2, 3].rawSpan, at: 0)
      #expect(folder.names.count == 2)
    }
    #expect(folder.names == ["net"])
    #expect(try bytes(of: folder.file("net")) == [9])
  }

  @Test func removesWhatADeadWriterLeftButNotALivingOnes() throws {
    let folder = TemporaryFolder()
    try folder.write([1], to: ".net.123-0.ingot-partial")
    let living = try OutputFile(folder.file("other"))
    let file = try OutputFile(folder.file("net"))
    #expect(folder.names.filter { $0.contains("partial") }.count == 2)
    try file.commit()
    try living.commit()
    #expect(folder.names == ["net", "other"])
  }

  @Test func makesFolders() throws {
    let folder = TemporaryFolder()
    try OutputFile(folder.file("a/b/c")).commit()
    #expect(try Paths.exists(folder.file("a/b/c")))
  }

  @Test func saysWhyItCannot() throws {
    let folder = TemporaryFolder()
    try folder.write([1], to: "file")
    let inFile = failure { _ = try OutputFile(folder.file("file/net")) }
    #expect(inFile?.kind == .cannotCreate)
    #expect(inFile?.withoutFile == "is a file where a folder is needed")
    try Paths.makeFolder(folder.file("folder"))
    #expect(
      failure { _ = try OutputFile(folder.file("folder")) }?.withoutFile == "is a folder where a file is to be written")
  }
}

@Suite struct InputFileTests {
  @Test func readsRanges() throws {
    let folder = TemporaryFolder()
    let content = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try InputFile(folder.write(content, to: "f"))
    #expect(file.size == content.count)
    #expect(try file.bytes(5, at: 1000) == Array(content[1000..<1005]))
    var all: [UInt8] = []
    try file.forEachChunk(in: 7..<content.count) { all.append(contentsOf: $0) }
    #expect(all == Array(content[7...]))
  }

  @Test func refusesFoldersAndWhatIsNotThere() {
    let folder = TemporaryFolder()
    #expect(failure { _ = try InputFile(folder.path) }?.withoutFile == "is a folder")
    let missing = failure { _ = try InputFile(folder.file("x")) }
    #expect(missing?.kind == .noInput && missing?.withoutFile == "no such file")
  }

  @Test func noticesAFileCutWhileRead() throws {
    let folder = TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 1, count: 100), to: "f")
    let file = try InputFile(path)
    try Data([1]).write(to: URL(filePath: path), options: [])
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: 0)
    try handle.close()
    let reopened = try InputFile(path)
    #expect(reopened.size == 0)
    let cut = failure { _ = try reopened.bytes(10, at: 0) }
    #expect(cut?.kind == .io && cut?.withoutFile == "byte 0: the file became shorter while it was being read")
    _ = file
  }

  @Test func mapsFiles() throws {
    let folder = TemporaryFolder()
    let path = try folder.write([5, 6, 7, 8], to: "f")
    let mapped = try MappedFile(InputFile(path))
    #expect(mapped.withBytes(in: 1..<3) { $0.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt16.self) } == 0x0706)
    #expect(try MappedFile(InputFile(folder.write([], to: "empty"))).count == 0)
  }
}
