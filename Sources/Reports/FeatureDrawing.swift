import Arrays
import Media
import Tasks
import Synchronization

/// Where pictures stand on a drawing of a map, and their colours.
struct FeatureDrawing {
  let map: FeatureMap
  let width: Double
  let height: Double
  /// Side of a picture's square.
  let side: Double

  /// As much of the drawing is covered by pictures, if none overlap.
  private static let covered = 0.16

  init(_ map: FeatureMap, width: Double, height: Double) {
    self.map = map
    self.width = width
    self.height = height
    side = max(12, min(64, (Self.covered * width * height / Double(map.points.count)).squareRoot()))
  }

  /// Middles of the pictures. One scale for both directions, so that distances can be compared.
  func places(_ of: (FeatureMap.Point) -> [Double]?) -> [(x: Double, y: Double)]? {
    let places = map.points.compactMap(of)
    guard places.count == map.points.count else { return nil }
    let (xs, ys) = (places.map { $0[0] }, places.map { $0[1] })
    let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
    let (bottom, top) = (ys.min() ?? 0, ys.max() ?? 0)
    let room = side / 2 + 8
    let (wide, high) = (right - left, top - bottom)
    let scales = [(width - 2 * room, wide), (height - 2 * room, high)].filter { $0.1 > 0 }.map { $0.0 / $0.1 }
    // All in one place: in the middle.
    let scale = scales.min().flatMap { $0.isFinite ? $0 : nil } ?? 0
    return places.map { place in
      (
        width / 2 + (place[0] - (left + right) / 2) * scale,
        // Up is more, as in any chart.
        height / 2 - (place[1] - (bottom + top) / 2) * scale
      )
    }
  }

  /// A class's colour: hues are spread evenly, every second one is darker.
  static func colour(_ index: Int, of count: Int) -> PixelCanvas.Colour {
    let hue = Double(index) / Double(max(1, count)) * 6
    let lightness = count > 6 && !index.isMultiple(of: 2) ? 0.42 : 0.55
    let chroma = 0.62 * (1 - abs(2 * lightness - 1))
    let middle = chroma * (1 - abs(hue.truncatingRemainder(dividingBy: 2) - 1))
    let parts: [(Double, Double, Double)] = [
      (chroma, middle, 0), (middle, chroma, 0), (0, chroma, middle), (0, middle, chroma), (middle, 0, chroma),
      (chroma, 0, middle),
    ]
    let (red, green, blue) = parts[min(5, Int(hue))]
    func byte(_ part: Double) -> UInt8 { UInt8((255 * (part + lightness - chroma / 2)).rounded()) }
    return (byte(red), byte(green), byte(blue))
  }

  func colour(of point: FeatureMap.Point) -> PixelCanvas.Colour {
    guard let name = point.name, let index = map.classes.firstIndex(of: name) else { return PixelCanvas.soft }
    return Self.colour(index, of: map.classes.count)
  }

  /// The pictures, small; nil for one that can't be read any more.
  /// - Parameters:
  ///   - side: of the square that each fits in, in pixels.
  ///   - points: whose pictures; nil: those of all.
  func thumbnails(side: Int, of points: [Int]? = nil) -> [Picture?] {
    guard map.kind == .image else {
      return [Picture?](repeating: nil, count: (points ?? Array(map.points.indices)).count)
    }
    let found = Mutex([Int: Picture]())
    let paths = (points ?? Array(map.points.indices)).map { map.points[$0].path }
    // Nothing is thrown in it.
    try? inParallel(jobs: paths.count) { index in
      guard let small = try? Picture(paths[index]).scaled(longerSide: side) else { return }
      found.withLock { $0[index] = small }
    }
    let pictures = found.withLock(\.self)
    return paths.indices.map { pictures[$0] }
  }
}

extension FeatureMap {
  /// A point's name in a drawing: of a picture its file's, or the text.
  func title(of point: Point) -> String { kind == .image ? Paths.name(point.path) : point.path }
}

/// The map as a picture: t-SNE, or the principal components where there is none.
public struct FeaturePicture {
  private let map: FeatureMap

  private static let line = 22
  private static let gap = 16

  public init(_ map: FeatureMap) { self.map = map }

  /// - Throws: `Failure` of kind `io` when memory is short.
  public func picture() throws(Failure) -> Picture {
    let (width, height) = (1200, 900)
    let drawing = FeatureDrawing(map, width: Double(width), height: Double(height))
    // As many names of classes as there is room for below the map.
    let columns = 4
    let named = map.classes.prefix(40)
    let rows = (named.count + columns - 1) / columns
    var canvas = PixelCanvas(width: width, height: height + 2 * Self.line + rows * Self.line + Self.gap)
    let isMapped = map.divergence != nil
    canvas.write(
      "\(isMapped ? "t-SNE" : "principal components") of \(counted(map.points.count, map.kind.rawValue))",
      Self.gap, Self.gap)
    let top = Self.gap + Self.line
    let places = drawing.places(isMapped ? { $0.neighbourhood } : { $0.components }) ?? []
    let side = Int(drawing.side)
    for (index, picture) in drawing.thumbnails(side: side).enumerated() {
      let colour = drawing.colour(of: map.points[index])
      let (x, y) = (Int(places[index].x), Int(places[index].y) + top)
      guard let picture else {
        canvas.dot(Double(x), Double(y), radius: 5, colour)
        continue
      }
      let (left, upper) = (x - picture.width / 2, y - picture.height / 2)
      canvas.fill(left - 3, upper - 3, picture.width + 6, picture.height + 6, colour)
      canvas.draw(picture, left, upper)
    }
    let cell = (width - 2 * Self.gap) / columns
    for (index, name) in named.enumerated() {
      let (x, y) = (Self.gap + index % columns * cell, top + height + index / columns * Self.line)
      canvas.fill(x, y, 14, 14, FeatureDrawing.colour(index, of: map.classes.count))
      canvas.write(PixelCanvas.fitting(printable(name), into: cell - 30), x + 22, y)
    }
    return canvas.picture
  }
}
