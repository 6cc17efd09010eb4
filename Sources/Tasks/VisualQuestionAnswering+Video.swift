import Arrays
import Kernels
import Media

extension VisualQuestionAnswering {
  /// Looks at a video: at its frames one after the other, of which one at a time is in memory. What is asked about is the
  /// mean of what the image encoder makes of them, summed up in float64.
  /// - Parameter progress: is told how many frames were looked at, of how many different ones.
  /// - Throws: `Failure` of kind `badData` when the video can't be decoded, `io` when FFmpeg's libraries or memory can't be
  ///   had.
  public func look(
    at video: Video, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) -> SeenImage {
    try sight.look(at: video, keepsPixels: false, progress: progress)
  }

  /// Looks at frames that were prepared already: 3 × (side · side) values each, and how many times it counts.
  package func look(at frames: [(pixels: Matrix, picks: Int)]) throws(Failure) -> SeenImage {
    try sight.look(at: frames)
  }
}

extension SeenFrame {
  static func json(_ frames: [SeenFrame]) -> JSONValue {
    .array(
      frames.map { .object(["index": .integer($0.index), "time": .number($0.time), "picks": .integer($0.picks)]) })
  }
}
