import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct ReplacementTests {
  private let folder = TemporaryFolder()

  private func output(_ name: String, _ content: [UInt8]) throws -> OutputFile {
    let file = try OutputFile(folder.file(name))
    try file.write(content.rawSpan, at: 0)
    try file.flush()
    return file
  }

  @Test func putsFilesInPlaceTogether() throws {
    try folder.write([1], to: "a")
    try OutputFile.commit([output("a", [2]), output("b", [3])])
    #expect(try bytes(of: folder.file("a")) == [2])
    #expect(try bytes(of: folder.file("b")) == [3])
    #expect(folder.names == ["a", "b"])
  }

  @Test func leavesAllAsItWasWhenItMayNotBeReplaced() throws {
    try folder.write([1], to: "a")
    let refusal = failure {
      try OutputFile.commit([output("a", [2]), output("b", [3])]) { () throws(Failure) in
        throw Failure(.cannotCreate, "is another's")
      }
    }
    #expect(refusal?.reason == "is another's")
    #expect(try bytes(of: folder.file("a")) == [1])
    #expect(folder.names == ["a"])
  }

  @Test func leavesAllAsItWasWhenAFolderStandsThere() throws {
    try folder.write([1], to: "a")
    let files = [try output("a", [2]), try output("b", [3])]
    try Paths.makeFolder(folder.file("b"))
    let refusal = failure { try OutputFile.commit(files) }
    #expect(refusal?.withoutFile == "is a folder where a file is to be written")
    #expect(try bytes(of: folder.file("a")) == [1])
  }

  @Test func makesRoomForTheLongestNames() throws {
    let name = String(repeating: "é", count: 127)
    try output(name, [1]).commit()
    #expect(folder.names == [name])
  }

  // What a process leaves that was killed when it had replaced `a`, and not yet made `b`, for which the new file is ready.

  private func step(_ name: String, new path: String, replaces: Bool) throws -> String {
    var info = stat()
    #expect(stat(path, &info) == 0)
    let changed = info.st_mtim.tv_sec * 1_000_000_000 + info.st_mtim.tv_nsec
    return """
      {"name":"\(name)","temporary":".\(name).1-0.ingot-partial","number":"\(info.st_ino)","size":\(info.st_size),\
      "changed":\(changed),"replaces":\(replaces)}
      """
  }

  private func leaveHalf(digest: (String) -> String = { SHA256.digest(Array($0.utf8)).description }) throws {
    try folder.write([2, 2], to: "a")
    try folder.write([1], to: ".a.1-0.ingot-partial")
    try folder.write([3, 3, 3], to: ".b.1-0.ingot-partial")
    let journal = """
      {"files":[\(try step("a", new: folder.file("a"), replaces: true)),\
      \(try step("b", new: folder.file(".b.1-0.ingot-partial"), replaces: false))]}
      """
    try folder.write(Array("\(digest(journal))\n\(journal)".utf8), to: ".ingot-replacing")
  }

  @Test func theNextWriterPutsBackWhatAKilledOneReplaced() throws {
    try leaveHalf()
    try output("c", [4]).commit()
    #expect(try bytes(of: folder.file("a")) == [1])
    #expect(folder.names == ["a", "c"])
  }

  @Test func theNextReaderOfSeveralDoesToo() throws {
    try leaveHalf()
    let seen = try OutputFile.together(in: folder.path) { () throws(Failure) in
      try contents(of: folder.file("a"), limit: .configBytes)
    }
    #expect(seen == [1])
    #expect(!folder.names.contains(".ingot-replacing"))
  }

  @Test func aNewFileWithoutFormerOneIsRemoved() throws {
    try leaveHalf()
    try FileManager.default.moveItem(atPath: folder.file(".b.1-0.ingot-partial"), toPath: folder.file("b"))
    try output("c", [4]).commit()
    #expect(try bytes(of: folder.file("a")) == [1])
    #expect(folder.names == ["a", "c"])
  }

  @Test func whatSomebodyElsePutThereSinceStays() throws {
    try leaveHalf()
    try FileManager.default.removeItem(atPath: folder.file("a"))
    try folder.write([9, 9, 9], to: "a")
    try output("c", [4]).commit()
    #expect(try bytes(of: folder.file("a")) == [9, 9, 9])
    #expect(folder.names == ["a", "c"])
  }

  @Test func aTornJournalIsNotActedUpon() throws {
    try leaveHalf { _ in String(repeating: "0", count: 64) }
    try output("c", [4]).commit()
    #expect(try bytes(of: folder.file("a")) == [2, 2])
    #expect(folder.names == ["a", "c"])
  }

  @Test(arguments: ["../a", "", "..", "..\u{2f}\u{301}a"]) func aJournalReachesNoOtherFolder(_ name: String) throws {
    try folder.write([2, 2], to: "a")
    let journal = "{\"files\":[\(try step(name, new: folder.file("a"), replaces: true))]}"
    try folder.write(
      Array("\(SHA256.digest(Array(journal.utf8)))\n\(journal)".utf8), to: ".ingot-replacing")
    let refusal = failure { _ = try OutputFile(folder.file("c")) }
    #expect(refusal?.kind == .cannotCreate && refusal?.reason.contains("its journal names files elsewhere") == true)
    #expect(folder.names == [".ingot-replacing", "a"])
  }
}
