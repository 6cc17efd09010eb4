import Arrays
import Media

/// Matches of files, pictures and videos, with texts.
public struct MatchingRun {
  public let matching: ImageTextMatching
  private let receipt: ReceiptRecord?
  private var files: FileSight
  /// The texts that were read last.
  private var last: [ReadText] = []

  /// - Parameters:
  ///   - receipt: notes each match.
  ///   - frames: how many are taken of a video; where it is given, an animated GIF or WebP counts as one, else as a
  ///     picture.
  ///   - isUpright: whether pictures are turned as the camera noted.
  ///   - progress: is told how many frames of a video were looked at, of how many different ones.
  public init(
    _ matching: ImageTextMatching, receipt: ReceiptRecord? = nil, frames: Int? = nil, isUpright: Bool = false,
    progress: @escaping (_ path: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
  ) {
    self.matching = matching
    self.receipt = receipt
    files = FileSight(matching.sight, frames: frames, isUpright: isUpright, keepsPixels: false, progress: progress)
  }

  /// Pictures that were taken with the camera turned and looked at as they are stored.
  public var turned: [String] { files.turned }

  /// Looks at an image, if it isn't the last one, so that `match` can fail for reasons of its own only.
  /// - Throws: `Failure` as `Picture` and `Video` do.
  public mutating func look(at path: String) throws(Failure) { try files.look(at: path) }

  /// A match per text. Texts that were given the last time aren't read again.
  /// - Throws: `Failure` as `Picture`, `Video` and `ImageTextMatching` do; it names the file where it is about that.
  public mutating func match(_ path: String, _ texts: [String]) throws(Failure) -> [ImageTextMatch] {
    let image = try files.image(path)
    if last.map(\.text) != texts { last = try matching.read(texts) }
    let out = try matching.match(image, last)
    for match in out { try receipt?.add(path, match) }
    return out
  }
}
