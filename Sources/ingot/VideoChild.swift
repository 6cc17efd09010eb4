import ArgumentParser
import Arrays
import CVideo

/// What this program runs itself as when it has to use FFmpeg's libraries; not for people.
struct VideoChild: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "video-child", abstract: "Decodes videos for ingot itself.", shouldDisplay: false)

  @Option var memory: UInt64
  @Option var seconds: UInt32
  @Argument var path: String
  @Argument var frames: UInt32

  func run() throws {
    guard ingot_video_limit(memory, seconds) == 0 else { throw ExitCode(Failure.Kind.io.exitStatus) }
    let status = unsafe ingot_video_frames(path, frames, 1)
    if status != 0 { throw ExitCode(status) }
  }
}
