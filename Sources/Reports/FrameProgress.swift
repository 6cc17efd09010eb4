/// Shows how far videos are looked at, on a line of the terminal for one after the other.
public final class FrameProgress {
  private var line: ProgressLine?

  public init() {}

  /// - Parameter done: frames of the video that were looked at.
  public func tell(_ path: String, _ done: Int, _ total: Int) {
    if done == 0 {
      finish()
      line = ProgressLine("looking", total: total, unit: .things("frames"))
    } else {
      line?.add(path, 1)
      if done == total { finish() }
    }
  }

  /// Clears the line.
  public func finish() {
    line?.finish()
    line = nil
  }
}
