import Arrays
import NetFile

/// Joins neighbouring tokens, always the pair that comes first in a list of merges, and of equal ones the leftmost
/// (Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016, arXiv:1508.07909), in the order of
/// tokenizers' `Word::merge_all`: a pair that has just come to be is joined before a later one of a lower place.
struct PairJoining: Sendable {
  /// By both ids: the place in the list, and the id of what they become.
  private let merges: [UInt64: (rank: Int, id: Int)]

  /// - Throws: `Failure` of kind `badData` when a merge is none, or of tokens that there aren't.
  init(_ lines: [String], _ ids: [TokenBytes: Int]) throws(Failure) {
    var merges: [UInt64: (rank: Int, id: Int)] = [:]
    merges.reserveCapacity(lines.count)
    for (rank, line) in lines.enumerated() {
      guard let merge = TokenizerDescription.merge(line) else {
        throw Self.failure(rank, line, "is not two tokens with a space between them")
      }
      guard let first = ids[merge.first], let second = ids[merge.second], let joined = ids[merge.joined] else {
        throw Self.failure(rank, line, "joins or makes a token that the vocabulary lacks")
      }
      merges[Self.key(first, second)] = (rank, joined)
    }
    self.merges = merges
  }

  private static func failure(_ rank: Int, _ line: String, _ reason: String) -> Failure {
    Failure(.badData, place: "tokenizer", "merge \(rank + 1), \"\(shortened(line, to: 40))\", \(reason)")
  }

  private static func key(_ first: Int, _ second: Int) -> UInt64 {
    UInt64(UInt32(truncatingIfNeeded: first)) << 32 | UInt64(UInt32(truncatingIfNeeded: second))
  }

  /// Two neighbours that wait to be joined.
  private struct Candidate {
    let rank: Int
    let position: Int
    let id: Int

    func isBefore(_ other: Candidate) -> Bool { (rank, position) < (other.rank, other.position) }
  }

  private struct Symbol {
    var id: Int
    var previous: Int
    var next: Int
    var isJoined = false
  }

  func joined(_ ids: [Int]) -> [Int] {
    guard ids.count > 1 else { return ids }
    var symbols = ids.indices.map { Symbol(id: ids[$0], previous: $0 - 1, next: $0 + 1) }
    var queue = Heap()
    func offer(_ position: Int, to queue: inout Heap) {
      guard symbols.indices.contains(position), symbols.indices.contains(symbols[position].next) else { return }
      let pair = Self.key(symbols[position].id, symbols[symbols[position].next].id)
      if let merge = merges[pair] { queue.push(Candidate(rank: merge.rank, position: position, id: merge.id)) }
    }
    for position in symbols.indices { offer(position, to: &queue) }
    while let top = queue.pop() {
      let (position, next) = (top.position, symbols[top.position].next)
      // The pair may have been joined with others meanwhile.
      guard !symbols[position].isJoined, next < symbols.count,
        merges[Self.key(symbols[position].id, symbols[next].id)]?.id == top.id
      else { continue }
      symbols[position].id = top.id
      symbols[position].next = symbols[next].next
      symbols[next].isJoined = true
      if symbols[next].next < symbols.count { symbols[symbols[next].next].previous = position }
      offer(symbols[position].previous, to: &queue)
      offer(position, to: &queue)
    }
    return symbols.lazy.filter { !$0.isJoined }.map(\.id)
  }

  /// A binary heap, whose first element is before all others.
  private struct Heap {
    private var elements: [Candidate] = []

    mutating func push(_ candidate: Candidate) {
      elements.append(candidate)
      var index = elements.count - 1
      while index > 0, elements[index].isBefore(elements[(index - 1) / 2]) {
        elements.swapAt(index, (index - 1) / 2)
        index = (index - 1) / 2
      }
    }

    mutating func pop() -> Candidate? {
      guard let first = elements.first, let last = elements.popLast() else { return nil }
      guard !elements.isEmpty else { return first }
      elements[0] = last
      var index = 0
      while true {
        let left = 2 * index + 1
        guard left < elements.count else { return first }
        let right = left + 1
        let child = right < elements.count && elements[right].isBefore(elements[left]) ? right : left
        guard elements[child].isBefore(elements[index]) else { return first }
        elements.swapAt(index, child)
        index = child
      }
    }
  }
}
