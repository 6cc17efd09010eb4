import Arrays
import TestSupport
import Testing

@Suite struct PartialFileTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.file("whole.bin") }
  /// Three pieces of 4, 4 and 2 bytes.
  private func open() throws -> PartialFile { try PartialFile(path, size: 10, pieceSize: 4) }

  @Test func comesPieceByPieceOverSeveralRuns() throws {
    do {
      let file = try open()
      #expect(file.missing == [0, 1, 2])
      try file.write([5, 6, 7, 8], as: 1)
      #expect(file.missing == [0, 2])
    }
    #expect(try !Paths.exists(path))
    let file = try open()
    #expect(file.missing == [0, 2])
    #expect(file.digest(noted: 1) == SHA256.digest([5, 6, 7, 8]))
    try file.write([1, 2, 3, 4], as: 0)
    try file.write([9, 10], as: 2)
    try file.commit()
    #expect(try bytes(of: path) == Array(1...10))
    #expect(try Paths.names(in: folder.path) == ["whole.bin"])
  }

  /// What a crash of the machine lost is known by the journal's digests.
  @Test func piecesThatAreNotWhatTheJournalSaysAreMissing() throws {
    do {
      let file = try open()
      try file.write([1, 2, 3, 4], as: 0)
      try file.write([5, 6, 7, 8], as: 1)
    }
    var content = try bytes(of: path + ".ingot-fetch")
    content[5] ^= 1
    try folder.write(content, to: "whole.bin.ingot-fetch")
    #expect(try open().missing == [1, 2])
    try folder.write([], to: "whole.bin.ingot-fetch")
    #expect(try open().missing == [0, 1, 2])
  }

  @Test(arguments: [
    "", "ingot ranges 1 11 4\n0 x\n", "ingot ranges 1 10 4\n9 x\n0 abc\nnonsense\n", "\n\n", "ingot ranges 1 10 4",
  ])
  func anotherJournalIsNone(_ journal: String) throws {
    try folder.write(Array(1...10), to: "whole.bin.ingot-fetch")
    try folder.write(Array(journal.utf8), to: "whole.bin.ingot-ranges")
    #expect(try open().missing == [0, 1, 2])
  }

  @Test func leavesNothingThatIsDiscarded() throws {
    let file = try open()
    try file.write([1, 2, 3, 4], as: 0)
    file.discard()
    #expect(try Paths.names(in: folder.path).isEmpty)
    try folder.write([1], to: "whole.bin")
    try folder.write([], to: "whole.bin.ingot-ranges")
    PartialFile.clean(besides: path)
    #expect(try Paths.names(in: folder.path) == ["whole.bin"])
  }

  @Test func saysWhereTheDiskIsTooSmall() {
    let error = failure { _ = try PartialFile(path, size: 1 << 60, pieceSize: 1 << 40) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.reason.contains("bytes more are needed, and the disk has") == true)
  }

  /// By `printf 'hello\n' | git hash-object --stdin`, and of nothing.
  @Test func namesBlobsAsGitDoes() {
    #expect(SHA256.gitBlob(Array("hello\n".utf8)) == "ce013625030ba8dba906f756967f9e9ca394464a")
    #expect(SHA256.gitBlob([]) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
  }

  @Test func linksLeadWhereTheyAreTold() throws {
    try folder.write([7], to: "a")
    try folder.write([8], to: "b")
    let link = folder.file("link")
    try Paths.link("a", at: link)
    try Paths.link("a", at: link)
    #expect(try bytes(of: link) == [7])
    try Paths.link("b", at: link)
    #expect(try bytes(of: link) == [8])
  }
}
