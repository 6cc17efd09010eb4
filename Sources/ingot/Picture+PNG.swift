import Arrays
import Media

extension Picture {
  /// Writes the picture as PNG.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`.
  func writePNG(to output: OutputFile) throws(Failure) {
    let bytes = try png()
    try output.write(bytes.rawSpan, at: 0)
    try output.flush()
    try output.commit()
  }
}
