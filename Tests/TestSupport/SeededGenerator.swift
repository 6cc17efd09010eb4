/// Numbers that look random and are the same in every run: a linear congruential generator, with Knuth's multiplier for
/// MMIX (The Art of Computer Programming, volume 2, 3.3.4).
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(_ seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state
  }
}
