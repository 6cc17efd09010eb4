import Arrays
import Media
import Tasks

/// What of an attention is shown.
public struct AttentionChoice: Sendable {
  /// Of the net whose tokens look.
  public let block: Int
  /// nil: the mean over all heads.
  public let head: Int?
  /// Indices into the tokens, in their order.
  public let tokens: [Int]

  /// - Parameters:
  ///   - block: nil: the usual one.
  ///   - tokens: nil: all.
  /// - Throws: `Failure` of kind `usage` when there is no such block, head or token.
  public init(_ attention: ImageAttention, block: Int?, head: Int?, tokens: [Int]?) throws(Failure) {
    func check(_ number: Int?, _ what: String, _ count: Int) throws(Failure) {
      guard let number, !(0..<count).contains(number) else { return }
      throw Failure(
        .usage, "there is no \(what) \(number)", hint: "\(what)s are numbered from 0 to \(count - 1)")
    }
    try check(block, "block", attention.image.blocks)
    try check(head, "head", attention.image.heads)
    for token in tokens ?? [] { try check(token, "token", attention.tokens.count) }
    self.block = block ?? attention.usualBlock
    self.head = head
    self.tokens = tokens ?? Array(attention.tokens.indices)
  }

  /// `block 1, mean of 4 heads`.
  func name(_ attention: ImageAttention) -> String {
    "block \(block), " + (head.map { "head \($0)" } ?? "mean of \(attention.image.heads) heads")
  }
}

/// Heat over a picture: a panel per token, the token below it, and what the colours mean.
public struct AttentionPicture {
  private let attention: ImageAttention
  private let choice: AttentionChoice
  private let source: Picture

  /// Longer side of a panel in pixels.
  private static let side = 224
  private static let gap = 16
  /// Of a line of text.
  private static let line = 22
  /// Panels beside each other.
  private static let mostColumns = 5

  public init(_ attention: ImageAttention, _ choice: AttentionChoice, over picture: Picture) {
    self.attention = attention
    self.choice = choice
    source = picture
  }

  /// The picture. One scale of colours is used for all tokens.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func picture() throws(Failure) -> Picture {
    let panel = try source.scaled(longerSide: Self.side)
    let columns = min(Self.mostColumns, choice.tokens.count)
    let rows = (choice.tokens.count + columns - 1) / columns
    let cell = max(panel.width, 96)
    let height = Self.gap + 3 * Self.line + rows * (panel.height + Self.line + Self.gap) + 2 * Self.line
    let width = max(Self.gap + columns * (cell + Self.gap), 480)
    guard max(width, height) <= 65500 else {
      throw Failure(.usage, "there are too many tokens for one picture", hint: "choose some by --tokens")
    }
    var canvas = PixelCanvas(width: width, height: height)
    func write(_ text: String, _ y: Int, _ colour: PixelCanvas.Colour) {
      canvas.write(PixelCanvas.fitting(printable(text), into: width - 2 * Self.gap), Self.gap, y, colour)
    }
    write(attention.title, Self.gap, PixelCanvas.ink)
    if case .question(_, let answer) = attention.subject {
      write("answer: " + answer, Self.gap + Self.line, PixelCanvas.ink)
    }
    write(choice.name(attention), Self.gap + 2 * Self.line, PixelCanvas.soft)
    let heat = attention.heat(block: choice.block, head: choice.head)
    let most = choice.tokens.map { heat[$0].max() ?? 0 }.max() ?? 0
    for (place, token) in choice.tokens.enumerated() {
      let x = Self.gap + place % columns * (cell + Self.gap)
      let y = Self.gap + 3 * Self.line + place / columns * (panel.height + Self.line + Self.gap)
      canvas.draw(panel, x, y)
      draw(heat[token], most, panel, x, y, on: &canvas)
      canvas.write(
        PixelCanvas.fitting(printable(attention.tokens[token].text), into: cell), x, y + panel.height + 6)
    }
    legend(most, height - 2 * Self.line, on: &canvas)
    return canvas.picture
  }

  /// Heat between the middles of patches is interpolated.
  private func draw(
    _ heat: [Double], _ most: Double, _ panel: Picture, _ left: Int, _ top: Int, on canvas: inout PixelCanvas
  ) {
    let grid = attention.grid
    func neighbours(_ pixel: Int, _ length: Int) -> (first: Int, second: Int, part: Double) {
      let place = max(0, min(Double(grid - 1), (Double(pixel) + 0.5) / Double(length) * Double(grid) - 0.5))
      let first = min(grid - 1, Int(place))
      return (first, min(grid - 1, first + 1), place - Double(first))
    }
    for y in 0..<panel.height {
      let row = neighbours(y, panel.height)
      for x in 0..<panel.width {
        let column = neighbours(x, panel.width)
        func mixed(_ row: Int) -> Double {
          heat[row * grid + column.first] * (1 - column.part) + heat[row * grid + column.second] * column.part
        }
        let value = mixed(row.first) * (1 - row.part) + mixed(row.second) * row.part
        let shown = HeatColours.colour(most > 0 ? value / most : 0)
        canvas.blend(left + x, top + y, shown.colour, shown.opacity)
      }
    }
  }

  private func legend(_ most: Double, _ y: Int, on canvas: inout PixelCanvas) {
    let (x, width, height) = (Self.gap + 24, 160, 14)
    canvas.write("0", Self.gap, y)
    canvas.fill(x, y, width, height, (255, 255, 255))
    for column in 0..<width {
      let shown = HeatColours.colour(Double(column) / Double(width - 1))
      for row in 0..<height { canvas.blend(x + column, y + row, shown.colour, shown.opacity) }
    }
    canvas.write(percent(most, 1) + (attention.comparesTokens ? " more than least" : ""), x + width + 10, y)
  }
}

extension Picture {
  /// The picture enlarged or reduced; its proportions are kept.
  /// - Throws: `Failure` of kind `io` when memory is short.
  func scaled(longerSide side: Int) throws(Failure) -> Picture {
    let factor = Double(side) / Double(max(width, height))
    func scaled(_ length: Int) -> Int { max(1, min(side, Int((Double(length) * factor).rounded()))) }
    return try resized(width: scaled(width), height: scaled(height))
  }
}
