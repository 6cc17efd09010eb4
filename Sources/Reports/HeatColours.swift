import Arrays

/// Colours of heat from 0 to 1: nothing, then violet, red and yellow, so that it can be told from most pictures and, by
/// its lightness, without colours too.
enum HeatColours {
  /// Where a colour stands, the colour, and how much of the picture it covers.
  private static let stops: [(place: Double, colour: PixelCanvas.Colour, opacity: Double)] = [
    (0, (72, 24, 106), 0), (0.15, (92, 26, 128), 0.45), (0.45, (190, 50, 90), 0.78), (0.75, (244, 126, 40), 0.88),
    (1, (252, 236, 120), 0.94),
  ]

  static func colour(_ heat: Double) -> (colour: PixelCanvas.Colour, opacity: Double) {
    let heat = heat.isFinite ? max(0, min(1, heat)) : 0
    let upper = stops.indices.dropFirst().first { stops[$0].place >= heat } ?? stops.count - 1
    let (a, b) = (stops[upper - 1], stops[upper])
    let part = (heat - a.place) / (b.place - a.place)
    func mixed(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Double(a) + (Double(b) - Double(a)) * part).rounded()) }
    return (
      (
        mixed(a.colour.red, b.colour.red), mixed(a.colour.green, b.colour.green), mixed(a.colour.blue, b.colour.blue)
      ), a.opacity + (b.opacity - a.opacity) * part
    )
  }

  /// For the script of a page: [place, red, green, blue, opacity] of each stop.
  static var json: JSONValue {
    .array(
      stops.map { stop in
        .array([
          .number(stop.place), .integer(Int(stop.colour.red)), .integer(Int(stop.colour.green)),
          .integer(Int(stop.colour.blue)), .number(stop.opacity),
        ])
      })
  }
}
