import Arrays
import Media
import Tasks

/// Whether an argument that may be an image or a text is an image: a file of a picture or a video, a name like a
/// picture's, a `data:` address, or - for standard input.
func isLookedAt(_ argument: String) -> Bool {
  if case .file = PictureSource(argument) { return isImage(argument) }
  return true
}

/// - Throws: `Failure` of kind `usage` when what is to be a text could be a file that isn't there.
func checkIsText(_ argument: String) throws(Failure) {
  guard isCalledLikeAFile(argument) else { return }
  throw Failure(
    .usage, "\(shortened(argument, to: 200)) is called like a file, and there is no image or video of that name",
    hint: "check the path's spelling; a text is given as --text \(shortened(argument, to: 200))")
}

/// film.mp4, frames/7
private func isCalledLikeAFile(_ text: String) -> Bool {
  guard !text.contains(where: \.isWhitespace) else { return false }
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  let ending = parts.count > 1 ? parts[parts.count - 1] : ""
  return text.contains("/") || (2...5).contains(ending.count) && ending.allSatisfy { $0.isLetter || $0.isNumber }
}
