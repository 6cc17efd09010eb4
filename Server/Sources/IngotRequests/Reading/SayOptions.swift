/// How it is to be said.
package struct SayOptions: Sendable {
  /// nil: as the net's publisher has it.
  package var maximumTokens: Int?
  package var temperature = 0.0
  package var seed: UInt64 = 0
  /// Texts before which the answer ends.
  package var stop: [String] = []

  package init() {}
}
