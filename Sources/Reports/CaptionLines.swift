import Arrays
import Media
import Tasks

/// Images as JSON Lines in, captions as JSON Lines out. A line in is an object of `image`, the path of an image or video,
/// and maybe `prompt`; a line out is a caption as in `ingot caption --json`, or an object with `error`.
public struct CaptionLines {
  private var run: CaptioningRun
  private var lines = ImageLines(
    wanted: "image", command: "caption",
    hint: "each line is one object {\"image\": PATH} or {\"image\": PATH, \"prompt\": TEXT}")

  public init(_ run: CaptioningRun) { self.run = run }

  /// Lines that gave an error.
  public var failed: Int { lines.failed }

  /// Pictures that were taken with the camera turned.
  public var turned: [String] { run.turned }

  /// What to print for a line; nil for an empty one.
  public mutating func caption(_ line: InputLines.Line) -> String? {
    lines.answer(line) { object, image, _ throws(Failure) in
      let prompt = try object["prompt"]?.string()
      try ImageLines.check(image: image)
      return try run.caption(image, prompt: prompt).json(image: PictureSource(image).name)
    }
  }
}
