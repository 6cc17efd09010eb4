import Ingot
import Synchronization

/// What nets saw in pictures, so that further questions about one cost no second look. The pictures themselves aren't kept.
final class Looks: Sendable {
  /// What was made of a picture.
  enum Look: Sendable {
    case seen(SeenImage)
    case vector([Float])
    case classes([ImageClassification.Class])
  }

  struct Key: Hashable, Sendable {
    /// Of the nets.
    let nets: Digest
    /// Of the picture's file.
    let picture: Digest
  }

  private struct State {
    var looks: [Key: (look: Look, used: Int)] = [:]
    var clock = 0
    var hits = 0
    var misses = 0
  }

  private let most: Int
  private let state = Mutex(State())

  /// - Parameter most: pictures whose looks are kept; the one that was used longest ago goes first.
  init(most: Int) { self.most = most }

  subscript(key: Key) -> Look? {
    state.withLock { state in
      state.clock += 1
      guard let found = state.looks[key] else {
        state.misses += 1
        return nil
      }
      state.hits += 1
      state.looks[key] = (found.look, state.clock)
      return found.look
    }
  }

  func keep(_ look: Look, _ key: Key) {
    guard most > 0 else { return }
    state.withLock { state in
      state.clock += 1
      state.looks[key] = (look, state.clock)
      while state.looks.count > most, let oldest = state.looks.min(by: { $0.value.used < $1.value.used })?.key {
        state.looks[oldest] = nil
      }
    }
  }

  /// Forgets what nets saw that are no longer open.
  func keepOnly(_ nets: Set<Digest>) {
    state.withLock { state in state.looks = state.looks.filter { nets.contains($0.key.nets) } }
  }

  var counts: (hits: Int, misses: Int, kept: Int) {
    state.withLock { ($0.hits, $0.misses, $0.looks.count) }
  }
}
