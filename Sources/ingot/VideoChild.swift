import ArgumentParser
import Arrays
import CChild
import CVideo

/// What this program runs itself as when it has to use FFmpeg's libraries; not for people.
struct VideoChild: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "video-child", abstract: "Decodes videos for ingot itself.", shouldDisplay: false)

  @OptionGroup var limits: LimitOptions
  /// Empty: the video comes on standard input.
  @Argument var path: String
  @Argument var frames: UInt32

  func run() throws {
    guard ingot_child_limit(Limit.videoMemory.number(), Limit.videoSeconds.number()) == 0 else {
      throw ExitCode(Failure.Kind.io.exitStatus)
    }
    ingot_video_set_limits(
      ingot_video_limits(
        frames: Limit.videoFrames.number(), pixels: Limit.videoPixels.number(),
        animation: Limit.animationBytes.number()))
    let status = unsafe ingot_video_frames(path, frames, 1)
    if status != 0 { throw ExitCode(status) }
  }
}
