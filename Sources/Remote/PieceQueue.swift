/// Which pieces of some files are fetched next: those that somebody waits for, else those behind the last one.
package struct PieceQueue: Sendable {
  /// A piece of one of the files.
  package struct Piece: Hashable, Sendable {
    package var file: Int
    package var number: Int

    package init(file: Int, number: Int) { (self.file, self.number) = (file, number) }
  }

  /// By file and piece: whether it has yet to be begun.
  private var isMissing: [[Bool]]
  private var wanted: [Piece] = []
  private var next = Piece(file: 0, number: 0)
  private var left: Int

  /// - Parameters:
  ///   - counts: how many pieces each file has.
  ///   - missing: those of each that aren't there.
  package init(counts: [Int], missing: [[Int]]) {
    isMissing = counts.map { [Bool](repeating: false, count: $0) }
    left = 0
    for (file, numbers) in missing.enumerated() {
      for number in numbers { isMissing[file][number] = true }
      left += numbers.count
    }
  }

  /// Lets a piece come before others, unless it is there or begun.
  package mutating func want(_ piece: Piece) {
    if isMissing[piece.file][piece.number], !wanted.contains(piece) { wanted.append(piece) }
  }

  /// The next piece, which counts as begun; nil: there is none.
  package mutating func take() -> Piece? {
    while !wanted.isEmpty {
      let piece = wanted.removeFirst()
      if isMissing[piece.file][piece.number] { return begin(piece) }
    }
    guard left > 0 else { return nil }
    // Round all files, from behind the last one on.
    var file = next.file
    for step in 0...isMissing.count {
      let first = step == 0 ? next.number : 0
      if first < isMissing[file].count, let number = isMissing[file][first...].firstIndex(of: true) {
        return begin(Piece(file: file, number: number))
      }
      file = (file + 1) % isMissing.count
    }
    return nil
  }

  private mutating func begin(_ piece: Piece) -> Piece {
    isMissing[piece.file][piece.number] = false
    left -= 1
    next = Piece(file: piece.file, number: piece.number + 1)
    return piece
  }
}
