import Arrays
import TestSupport
import Testing

@Suite struct LinesTests {
  /// Lines of an input that comes in these pieces.
  private func lines(_ pieces: [[UInt8]]) throws -> [[UInt8]?] {
    var rest = pieces[...]
    var input = InputLines { () throws(Failure) in rest.popFirst() ?? [] }
    var out: [[UInt8]?] = []
    while let line = try input.next() {
      if case .bytes(let bytes) = line { out.append(bytes) } else { out.append(nil) }
    }
    return out
  }

  @Test func linesAreWholeHoweverTheyCome() throws {
    #expect(try lines([]) == [])
    #expect(try lines([[0x0a]]) == [[]])
    #expect(try lines([[1, 2], [3, 0x0a, 4], [0x0a, 0x0a]]) == [[1, 2, 3], [4], []])
    #expect(try lines([[1, 0x0a], [2]]) == [[1], [2]])
  }

  /// Of a line that is too long nothing is held, and the one after it is read.
  @Test func endlessLinesAreNotHeld() throws {
    let long = [UInt8](repeating: 7, count: Limit.lineBytes.value)
    #expect(try lines([long + [0x0a, 1, 0x0a]]) == [long, [1]])
    #expect(try lines([long, [7], [0x0a, 1, 0x0a]]) == [nil, [1]])
    #expect(try lines([long, long, long, [8]]) == [nil])
  }

  @Test func aJournalKeepsWholeLines() throws {
    let folder = TemporaryFolder()
    let path = try folder.write(Array("one\n\ntwo\nhal".utf8), to: "journal")
    do {
      let (file, lines) = try JournalFile.open(path)
      #expect(lines == [Array("one".utf8), Array("two".utf8)])
      try file.add("3")
      try file.add("four")
      #expect(
        failure { _ = try JournalFile.open(path) }?.withoutFile == "another process is writing it")
    }
    #expect(try bytes(of: path) == Array("one\n\ntwo\n3\nfour\n".utf8))
    #expect(try JournalFile.open(path).lines.count == 4)
    #expect(try JournalFile.open(folder.file("new")).lines.isEmpty)
    let error = failure { _ = try JournalFile.open(folder.path) }
    #expect(error?.kind == .cannotCreate && error?.withoutFile == "can't be opened for writing: is a directory")
    #expect(failure { _ = try JournalFile.open("/dev/null") }?.withoutFile == "is no regular file")
  }
}
