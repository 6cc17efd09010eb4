import Arrays
import Tasks

/// Vectors of pictures as a page: the pictures on a map, and which are near each other.
public struct FeaturePage {
  private let map: FeatureMap
  private let net: String

  /// Most bytes of all pictures as they stand in the page.
  private static let mostBytes = 3_200_000
  /// Most pictures as elements of the page, which a browser can hold; more are drawn.
  private static let mostElements = 1000
  /// Most pictures of a page.
  private static let mostPoints = 200_000

  /// - Parameter net: what the vectors are of, e.g. `Release=demo`.
  public init(_ map: FeatureMap, net: String) {
    self.map = map
    self.net = net
  }

  private var noun: String { map.kind.rawValue }

  /// Reads and shrinks the pictures, on all processors.
  /// - Throws: `Failure` of kind `usage` when there are more pictures than a page can show.
  public func page() throws(Failure) -> HTMLPage {
    guard map.points.count <= Self.mostPoints else {
      throw Failure(
        .usage, "a page shows \(Self.mostPoints) \(map.kind.rawValue)s at most, not \(map.points.count)",
        hint: "write a .csv or .safetensors file, or take fewer")
    }
    let many = map.points.count > Self.mostElements ? ManyFeatures(map: map) : nil
    let drawing = FeatureDrawing(map, width: 1000, height: 720)
    let body: HTML = """
      <h1>\(counted(map.points.count, noun)) by what \(map.kind == .image ? "is seen in them" : "they say")</h1>
      <p class="lead">Vectors of \(map.vectors[0].count) elements by <span class="name">\(shortened(net, to: 400))</span></p>
      \(figures)
      \(HTML.section("Map", note: note, many?.drawing ?? self.drawing(drawing)))
      \(classes)
      """
    return HTMLPage(
      title: "\(counted(map.points.count, noun))", body: body, data: many?.data() ?? data(drawing),
      script: many == nil ? PageScript.features : PageScript.manyFeatures,
      style: PageStyle.looking + PageStyle.features + (many == nil ? "" : PageStyle.manyFeatures))
  }

  private var figures: HTML {
    var figures: [(label: String, value: String, note: String)] = []
    if let purity = map.purity {
      figures.append(
        (
          "neighbour of the same class", percent(purity.share, 1),
          "\(grouped(purity.same)) of \(grouped(purity.pictures)) \(noun)s"
        ))
    }
    figures.append(
      ("variance on the PCA map", percent(map.variance.reduce(0, +), 1), "of the first two principal components"))
    if let divergence = map.divergence {
      figures.append(("t-SNE’s KL divergence", significant(divergence), "nats; less is truer"))
    }
    return .figures(figures)
  }

  private var note: HTML {
    let missing: HTML =
      map.divergence == nil ? " There are too few or too many for t-SNE." : ""
    return """
      PCA keeps large distances, t-SNE keeps neighbours near each other; its axes and large distances mean nothing. \
      Neighbours are the nearest by cosine.\(missing)
      """
  }

  private func drawing(_ drawing: FeatureDrawing) -> HTML {
    let start = drawing.places { $0.neighbourhood } ?? drawing.places { $0.components } ?? []
    let pixels = max(24, min(96, Int(drawing.side * 1.6)))
    var left = Self.mostBytes
    let marks = zip(map.points.indices, drawing.thumbnails(side: pixels)).map { index, picture -> HTML in
      let colour = Self.text(drawing.colour(of: map.points[index]))
      let side = drawing.side
      var inner: HTML = "<circle r=\"6\" fill=\"\(colour)\"/>"
      if let picture, let bytes = try? picture.jpeg(quality: 82), bytes.count * 4 / 3 <= left {
        left -= bytes.count * 4 / 3
        let scale = side / Double(max(picture.width, picture.height))
        let (width, height) = (Double(picture.width) * scale, Double(picture.height) * scale)
        inner = """
          <rect x="\(-width / 2 - 2)" y="\(-height / 2 - 2)" width="\(width + 4)" height="\(height + 4)" rx="2" \
          fill="\(colour)"/><image x="\(-width / 2)" y="\(-height / 2)" width="\(width)" height="\(height)" \
          href="data:image/jpeg;base64,\(base64(bytes))"/>
          """
      }
      return """
        <g class="point" data-i="\(index)" transform="translate(\(start[index].x) \(start[index].y))">\(inner)</g>

        """
    }
    return """
      \(Self.choices(map))
      <div class="looking features">
      <figure class="heat"><svg viewBox="0 0 \(drawing.width) \(drawing.height)" tabindex="0" role="img" \
      aria-label="map of the \(noun)s; the arrow keys go through them">
      \(marks)<g id="links"></g></svg>
      \(Self.legend(map))</figure>
      \(Self.aside(map))
      </div>
      """
  }

  /// Which map is shown; nothing where there is one only.
  static func choices(_ map: FeatureMap) -> HTML {
    map.divergence == nil
      ? ""
      : """
      <fieldset class="choices picks"><legend>map</legend>\
      <label><input type="radio" name="map" value="tsne" checked>t-SNE</label>\
      <label><input type="radio" name="map" value="pca">PCA</label></fieldset>
      """
  }

  /// Where what is pointed at is told.
  static func aside(_ map: FeatureMap) -> HTML {
    """
    <div class="aside"><div class="detail" aria-live="polite"><p class="note">Point at \(map.kind == .image ? "an image" : "a text"), tap it, or go there by the \
    arrow keys.</p></div></div>
    """
  }

  static func legend(_ map: FeatureMap) -> HTML {
    let shown = map.classes.prefix(60)
    let items = shown.enumerated().map { index, name -> HTML in
      let colour = text(FeatureDrawing.colour(index, of: map.classes.count))
      return """
        <li><svg width="11" height="11" aria-hidden="true"><rect width="11" height="11" rx="2" fill="\(colour)"/></svg>\
        \(shortened(name, to: 80))</li>
        """
    }
    let rest: HTML = map.classes.count > shown.count ? "<li>… \(map.classes.count - shown.count) more</li>" : ""
    return items.isEmpty ? "" : "<ul class=\"legend\">\(items)\(rest)</ul>"
  }

  private var classes: HTML {
    guard map.purity != nil else { return "" }
    var table = HTMLTable([("class", .left), (noun + "s", .right), ("same", .right), ("share", .right)], isTall: true)
    for name in map.classes {
      guard let purity = map.classPurities[name] else { continue }
      table.add([
        .text(name), .count(purity.pictures), .count(purity.same), .number(percent(purity.share, 1), purity.share),
      ])
    }
    return .section(
      "Classes", note: "Those whose nearest neighbour is of their class; classes of a single one are left out.",
      table.html("classes"))
  }

  static func text(_ colour: PixelCanvas.Colour) -> String {
    "rgb(\(colour.red) \(colour.green) \(colour.blue))"
  }

  private func data(_ drawing: FeatureDrawing) -> JSONValue {
    func places(_ places: [(x: Double, y: Double)]?) -> JSONValue? {
      places.map { .array($0.flatMap { [$0.x, $0.y] }.map { .number(($0 * 10).rounded() / 10) }) }
    }
    return .object([
      "points": .array(
        map.points.map { point in
          .object([
            "name": .string(printable(shortened(map.title(of: point), to: 120))),
            "class": point.name.map { .string(printable(shortened($0, to: 80))) },
            "near": .array(
              point.neighbours.map { .array([.integer($0.index), .number(($0.cosine * 1e5).rounded() / 1e5)]) }),
          ])
        }),
      "pca": places(drawing.places { $0.components }), "tsne": places(drawing.places { $0.neighbourhood }),
    ])
  }
}

extension PageStyle {
  /// Of maps of pictures.
  static let features = """

    .features { grid-template-columns: minmax(0, 1fr) 270px; }
    .features svg { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }
    .features .legend svg { border: 0; display: inline-block; width: 11px; margin-right: 6px; border-radius: 2px; }
    .point { cursor: pointer; }
    .point.on rect { stroke: var(--ink); stroke-width: 3; } .point.on circle { stroke: var(--ink); stroke-width: 3; }
    #links line { stroke: var(--ink); stroke-width: 1.6; opacity: .75; pointer-events: none; }
    .near { list-style: none; padding: 0; margin: 10px 0 0; }
    .near li { display: flex; gap: 10px; align-items: center; margin: 4px 0; font-size: 13px; }
    .near img { width: 36px; height: 36px; object-fit: contain; flex: none; } .near span { color: var(--soft); }
    .features .detail > img { width: 96px; height: 96px; object-fit: contain; display: block; margin-bottom: 6px; }
    .features .detail { min-height: 400px; }
    @media print { .features { grid-template-columns: minmax(0, 1fr); } }
    @media (max-width: 640px) {
      .features { grid-template-columns: minmax(0, 1fr); }
      .features .detail { min-height: 150px; position: static; } .features .detail > img { width: 64px; height: 64px; }
    }

    """
}
