import Remote
import TestSupport
import Testing

@Suite struct PieceQueueTests {
  private func piece(_ file: Int, _ number: Int) -> PieceQueue.Piece { .init(file: file, number: number) }

  /// Every missing piece once, whatever is wanted meanwhile.
  @Test(arguments: 0..<50)
  func takesEveryPieceOnce(seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    let counts = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 0...9, using: &random) }
    let missing = counts.map { count in (0..<count).filter { _ in Bool.random(using: &random) } }
    var queue = PieceQueue(counts: counts, missing: missing)
    var taken: [PieceQueue.Piece] = []
    while true {
      for (file, count) in counts.enumerated() where count > 0 && Bool.random(using: &random) {
        queue.want(piece(file, Int.random(in: 0..<count, using: &random)))
      }
      guard let next = queue.take() else { break }
      taken.append(next)
    }
    let all = missing.enumerated().flatMap { file, numbers in numbers.map { piece(file, $0) } }
    #expect(Set(taken) == Set(all))
    #expect(taken.count == all.count)
  }

  /// What is waited for comes first, and then what follows it.
  @Test func whatIsWantedComesFirst() {
    var queue = PieceQueue(counts: [6, 3], missing: [[0, 1, 2, 4, 5], [0, 2]])
    #expect(queue.take() == piece(0, 0))
    queue.want(piece(1, 2))
    queue.want(piece(0, 4))
    queue.want(piece(0, 3))  // is there
    #expect(queue.take() == piece(1, 2))
    #expect(queue.take() == piece(0, 4))
    #expect((0..<4).map { _ in queue.take() } == [piece(0, 5), piece(1, 0), piece(0, 1), piece(0, 2)])
    #expect(queue.take() == nil)
  }
}
