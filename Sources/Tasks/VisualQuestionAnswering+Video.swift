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
    try look(at: video, keepsPixels: false, progress: progress)
  }

  /// - Parameter keepsPixels: for a trace.
  func look(
    at video: Video, keepsPixels: Bool, progress: (_ done: Int, _ total: Int) -> Void
  ) throws(Failure) -> SeenImage {
    let start = Paths.seconds
    let reader = try VideoReader(video)
    var (mean, pixels, frames): (FeatureMean, [Matrix], [SeenFrame]) = (FeatureMean(), [], [])
    progress(0, reader.count)
    while let frame = try reader.next() {
      let values = try profile.image.pixels(of: frame.picture)
      mean.add(try imageEncoder.trunk(values, engine), frame.picks)
      if keepsPixels { pixels.append(values) }
      frames.append(SeenFrame(index: frame.index, time: frame.time, picks: frame.picks))
      progress(frames.count, reader.count)
    }
    return seen(mean.vectors, pixels: pixels, frames: frames, since: start)
  }

  /// Looks at frames that were prepared already: 3 × (side · side) values each, and how many times it counts.
  package func look(at frames: [(pixels: Matrix, picks: Int)]) throws(Failure) -> SeenImage {
    let start = Paths.seconds
    var mean = FeatureMean()
    for frame in frames { mean.add(try imageEncoder.trunk(frame.pixels, engine), frame.picks) }
    return seen(mean.vectors, pixels: [], since: start)
  }
}

/// The mean of frames' vectors. Kept in float64, so that their order makes no difference to float32.
private struct FeatureMean {
  private var sum: [Double] = []
  private var count = 0
  private var rows = 0

  mutating func add(_ vectors: Matrix, _ picks: Int) {
    if sum.isEmpty { sum = [Double](repeating: 0, count: vectors.rows * vectors.columns) }
    for (index, element) in vectors.elements.enumerated() { sum[index] += Double(picks) * Double(element) }
    count += picks
    rows = vectors.rows
  }

  var vectors: Matrix {
    Matrix(rows: rows, columns: sum.count / max(1, rows), sum.map { Float($0 / Double(max(1, count))) })
  }
}

extension SeenFrame {
  static func json(_ frames: [SeenFrame]) -> JSONValue {
    .array(
      frames.map { .object(["index": .integer($0.index), "time": .number($0.time), "picks": .integer($0.picks)]) })
  }
}
