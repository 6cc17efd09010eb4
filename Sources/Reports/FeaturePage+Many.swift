import Arrays
import Media
import Tasks

/// The map of a page with more pictures than elements of a page bear: it is drawn on a canvas, and pictures are shown
/// where one is near them.
struct ManyFeatures {
  let map: FeatureMap

  /// Most bytes of all pictures as they stand in the page.
  private static let mostBytes = 8_000_000
  /// A picture's longer side in the page, in pixels.
  private static let side = 40
  /// Pictures that are read at a time, until there is no room for more.
  private static let batch = 1000
  private static let size = (width: 1000.0, height: 720.0)

  var drawing: HTML {
    """
    \(FeaturePage.choices(map))
    <p class="note">Drag to move. Zoom by the buttons, by + and −, by two fingers, or by the wheel once the map was clicked; 0 shows all. \
    Arrow keys go from one to the next.</p>
    <div class="looking features">
    <figure class="heat"><div class="zoom"><button type="button" aria-label="nearer">+</button>\
    <button type="button" aria-label="farther">−</button><button type="button" aria-label="all">⤢</button></div>\
    <canvas tabindex="0" role="img" aria-label="map of \(grouped(map.points.count)) \(map.kind.rawValue)s"></canvas>
    \(FeaturePage.legend(map))</figure>
    \(FeaturePage.aside(map))
    </div>
    """
  }

  /// Lists with an element for each picture, and the pictures there is room for, evenly chosen.
  func data() -> JSONValue {
    let drawing = FeatureDrawing(map, width: Self.size.width, height: Self.size.height)
    func places(_ places: [(x: Double, y: Double)]?) -> JSONValue? {
      places.map { .array($0.flatMap { [$0.x, $0.y] }.map { .number(($0 * 100).rounded() / 100) }) }
    }
    let indices = [String: Int](
      zip(map.classes, map.classes.indices), uniquingKeysWith: { first, _ in first })
    let pictures = self.pictures(drawing)
    return .object([
      "width": .number(Self.size.width), "height": .number(Self.size.height),
      "names": .strings(map.points.map { printable(shortened(map.title(of: $0), to: map.kind == .image ? 60 : 120)) }),
      "classes": .strings(map.classes.map { printable(shortened($0, to: 80)) }),
      "colours": .strings(
        map.classes.indices.map { FeaturePage.text(FeatureDrawing.colour($0, of: map.classes.count)) }),
      "of": map.classes.isEmpty
        ? nil : .array(map.points.map { .integer($0.name.flatMap { indices[$0] } ?? -1) }),
      "near": .array(map.points.map { .array($0.neighbours.map { .integer($0.index) }) }),
      "cosines": .array(
        map.points.map { .array($0.neighbours.map { .number(($0.cosine * 1e4).rounded() / 1e4) }) }),
      "pca": places(drawing.places { $0.components }), "tsne": places(drawing.places { $0.neighbourhood }),
      "pictured": .array(pictures.map { .integer($0.index) }), "pictures": .strings(pictures.map(\.text)),
    ])
  }

  private func pictures(_ drawing: FeatureDrawing) -> [(index: Int, text: String)] {
    var random = RandomNumbers(seed: 1)
    var order = Array(map.points.indices)
    for index in order.indices.reversed() {
      order.swapAt(index, min(index, Int(random.fraction() * Double(index + 1))))
    }
    var (found, left, start) = ([(index: Int, text: String)](), Self.mostBytes, 0)
    while start < order.count, left > 0 {
      let batch = Array(order[start..<min(order.count, start + Self.batch)])
      start += Self.batch
      for (index, picture) in zip(batch, drawing.thumbnails(side: Self.side, of: batch)) {
        guard let picture, let bytes = try? picture.jpeg(quality: 78) else { continue }
        let text = base64(bytes)
        left -= text.utf8.count
        if left < 0 { break }
        found.append((index, text))
      }
    }
    return found.sorted { $0.index < $1.index }
  }
}

extension PageStyle {
  /// Of maps on a canvas.
  static let manyFeatures = """

    .features canvas { width: 100%; aspect-ratio: 1000 / 720; display: block; touch-action: none; cursor: grab; }
    .features canvas { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }
    .features .heat { position: relative; }
    .zoom { position: absolute; right: 10px; top: 10px; display: flex; flex-direction: column; gap: 4px; }
    .zoom button { width: 30px; height: 30px; border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
    .zoom button { background: var(--raised); color: var(--ink); font-size: 16px; line-height: 1; padding: 0; }
    .near button { border: 0; background: none; color: inherit; font: inherit; text-align: left; padding: 0; cursor: pointer; }
    .near button:hover { text-decoration: underline; }
    @media print { .zoom { display: none; } }

    """
}
