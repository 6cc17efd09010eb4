import ArgumentParser
import Arrays
import CChild
import Media

/// What this program runs itself as to decode a picture for a server; not for people.
struct PictureChildCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "picture-child", abstract: "Decodes a picture for ingot itself.", shouldDisplay: false)

  @OptionGroup var limits: LimitOptions
  /// The limit on pixels.
  @Argument var pixels: String

  func run() throws {
    guard ingot_child_limit(Limit.pictureMemory.number(), Limit.pictureSeconds.number()) == 0 else {
      throw ExitCode(Failure.Kind.io.exitStatus)
    }
    let picture: Picture
    do throws(Failure) {
      picture = try PictureChild.run(pixels: Limit(rawValue: pixels) ?? .imagePixels) { ingot_child_confine(1) }
    } catch {
      Console.printError(printable(error.reason) + "\t" + printable(error.hint ?? ""))
      throw ExitCode(error.exitStatus)
    }
    try Console.write(PictureChild.head(of: picture))
    try Console.write(picture.rgb)
  }
}
