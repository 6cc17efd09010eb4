import Arrays
import Media

/// A picture that is drawn pixel by pixel. What lies outside is left out.
struct PixelCanvas {
  typealias Colour = (red: UInt8, green: UInt8, blue: UInt8)

  static let ink: Colour = (34, 37, 42)
  static let soft: Colour = (102, 107, 115)
  static let paper: Colour = (251, 250, 247)

  let width: Int
  let height: Int
  private var rgb: [UInt8]

  init(width: Int, height: Int) {
    precondition(width > 0 && height > 0)
    self.width = width
    self.height = height
    rgb = [UInt8](repeating: 0, count: width * height * 3)
    fill(0, 0, width, height, Self.paper)
  }

  var picture: Picture { Picture(width: width, height: height, rgb: rgb) }

  /// Puts a colour over a pixel.
  /// - Parameter opacity: 0 ... 1.
  mutating func blend(_ x: Int, _ y: Int, _ colour: Colour, _ opacity: Double = 1) {
    guard x >= 0, x < width, y >= 0, y < height else { return }
    let start = (y * width + x) * 3
    for (index, new) in [colour.red, colour.green, colour.blue].enumerated() {
      let old = Double(rgb[start + index])
      rgb[start + index] = UInt8((old + (Double(new) - old) * opacity).rounded())
    }
  }

  mutating func fill(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ colour: Colour) {
    for row in y..<y + height { for column in x..<x + width { blend(column, row, colour) } }
  }

  mutating func draw(_ picture: Picture, _ x: Int, _ y: Int) {
    for row in 0..<picture.height {
      for column in 0..<picture.width {
        let start = (row * picture.width + column) * 3
        blend(x + column, y + row, (picture.rgb[start], picture.rgb[start + 1], picture.rgb[start + 2]))
      }
    }
  }

  /// A round mark.
  mutating func dot(_ x: Double, _ y: Double, radius: Double, _ colour: Colour) {
    let reach = Int(radius.rounded(.up)) + 1
    for row in Int(y) - reach...Int(y) + reach {
      for column in Int(x) - reach...Int(x) + reach {
        let distance = ((Double(column) - x) * (Double(column) - x) + (Double(row) - y) * (Double(row) - y))
          .squareRoot()
        blend(column, row, colour, max(0, min(1, radius + 0.5 - distance)))
      }
    }
  }

  /// Pixels that a text is wide.
  static func width(of text: String, scale: Int = 2) -> Int {
    max(0, (BitmapFont.width + 1) * scale * text.unicodeScalars.count - scale)
  }

  /// As much of a text as fits into so many pixels; what is cut ends in two dots.
  static func fitting(_ text: String, into width: Int, scale: Int = 2) -> String {
    guard self.width(of: text, scale: scale) > width else { return text }
    let room = max(0, (width + scale) / ((BitmapFont.width + 1) * scale) - 2)
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(room))) + ".."
  }

  /// Writes a line of text whose upper left corner is at a place.
  mutating func write(_ text: String, _ x: Int, _ y: Int, _ colour: Colour = ink, scale: Int = 2) {
    var left = x
    for scalar in text.unicodeScalars {
      for row in 0..<BitmapFont.height {
        for column in 0..<BitmapFont.width where BitmapFont.isSet(scalar, column: column, row: row) {
          fill(left + column * scale, y + row * scale, scale, scale, colour)
        }
      }
      left += (BitmapFont.width + 1) * scale
    }
  }
}
