import Arrays
import Kernels
import Media
import Nets

/// Looks at pictures and videos with a BLIP image encoder.
package struct ImageSight: Sendable {
  package let trunk: VisionTrunk
  package let image: VQAProfile.Image
  let engine: Engine

  /// - Throws: `Failure` of kind `badData` when the net takes other images than its profile prepares.
  func check(file: String) throws(Failure) {
    let hint = "are these the nets of one checkpoint? convert it again"
    guard trunk.channels == 3 else {
      throw Failure(
        .badData, file: file, "takes images of \(trunk.channels) channels; pictures have 3", hint: hint)
    }
    guard trunk.imageSide == image.side else {
      throw Failure(
        .badData, file: file,
        "takes images of side \(trunk.imageSide), but its profile has pictures resized to \(image.side)",
        hint: hint)
    }
  }

  /// - Throws: `Failure` of kind `io` when memory is short.
  package func look(at picture: Picture) throws(Failure) -> SeenImage {
    let start = Paths.seconds
    let pixels = try image.pixels(of: picture)
    return try look(at: pixels, since: start)
  }

  /// Looks at a picture that was prepared already: 3 × (side · side) values.
  package func look(at pixels: Matrix, since start: Double = Paths.seconds) throws(Failure) -> SeenImage {
    seen(try trunk(pixels, engine), pixels: [pixels], since: start)
  }

  /// Looks at a video: at its frames one after the other, of which one at a time is in memory. What is seen is the mean of
  /// what the image encoder makes of them, summed up in float64.
  /// - Parameters:
  ///   - keepsPixels: for a trace.
  ///   - progress: is told how many frames were looked at, of how many different ones.
  /// - Throws: `Failure` of kind `badData` when the video can't be decoded, `io` when FFmpeg's libraries or memory can't be
  ///   had.
  func look(
    at video: Video, keepsPixels: Bool, progress: (_ done: Int, _ total: Int) -> Void
  ) throws(Failure) -> SeenImage {
    let start = Paths.seconds
    let reader = try VideoReader(video)
    var (mean, pixels, frames): (FeatureMean, [Matrix], [SeenFrame]) = (FeatureMean(), [], [])
    progress(0, reader.count)
    while let frame = try reader.next() {
      let values = try image.pixels(of: frame.picture)
      mean.add(try trunk(values, engine), frame.picks)
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
    for frame in frames { mean.add(try trunk(frame.pixels, engine), frame.picks) }
    return seen(mean.vectors, pixels: [], since: start)
  }

  /// What was seen, of vectors (1 + patches) × size.
  package func seen(
    _ vectors: Matrix, pixels: [Matrix], frames: [SeenFrame]? = nil, since start: Double = Paths.seconds
  ) -> SeenImage {
    SeenImage(
      pixels: pixels, vectors: vectors, frames: frames, direct: CrossContext.direct(vectors),
      projected: SharedContext(), seconds: Paths.seconds - start)
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
