import Synchronization

/// Collects what several threads find, and gives it back in the order of the file.
final class DamageList: Sendable {
  private let found = Mutex<[(index: Int, damage: Damage)]>([])

  func add(_ damage: Damage, _ index: Int) { found.withLock { $0.append((index, damage)) } }

  var sorted: [Damage] {
    found.withLock { $0.enumerated().sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) } }
      .map(\.element.damage)
  }
}
