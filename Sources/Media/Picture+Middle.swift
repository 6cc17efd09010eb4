extension Picture {
  /// The middle of a picture, with black around where it is smaller. Where as much is missing on two sides but for one
  /// pixel, NumPy's code has that pixel before, torchvision's behind.
  package func middle(width: Int, height: Int, backend: Backend) -> Picture {
    func start(_ length: Int, _ wanted: Int) -> Int {
      if length >= wanted { return (length - wanted) / 2 }
      let missing = wanted - length
      return -(backend == .pillow ? (missing + 1) / 2 : missing / 2)
    }
    let (left, top) = (start(self.width, width), start(self.height, height))
    var out = [UInt8](repeating: 0, count: width * height * 3)
    for y in max(0, -top)..<min(height, self.height - top) {
      for x in max(0, -left)..<min(width, self.width - left) {
        let (from, to) = (((y + top) * self.width + x + left) * 3, (y * width + x) * 3)
        for channel in 0..<3 { out[to + channel] = rgb[from + channel] }
      }
    }
    return Picture(width: width, height: height, rgb: out)
  }
}
