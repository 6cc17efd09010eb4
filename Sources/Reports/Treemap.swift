/// Rectangles whose areas are as given amounts, as near to squares as can be had: a squarified treemap (Bruls, Huizing
/// and van Wijk, 2000).
package enum Treemap {
  package struct Rectangle: Equatable, Sendable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double

    package init(x: Double, y: Double, width: Double, height: Double) {
      (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    package var area: Double { width * height }
  }

  /// - Parameters:
  ///   - amounts: not negative, the largest first.
  ///   - whole: what they fill together.
  /// - Returns: one rectangle for each, of no area where the amount is 0.
  package static func rectangles(_ amounts: [Double], in whole: Rectangle) -> [Rectangle] {
    var rest = whole
    var left = amounts.reduce(0, +)
    var out: [Rectangle] = []
    out.reserveCapacity(amounts.count)
    var start = 0
    while start < amounts.count {
      guard left > 0, rest.area > 0, amounts[start] > 0 else {
        out.append(Rectangle(x: rest.x, y: rest.y, width: 0, height: 0))
        start += 1
        continue
      }
      let scale = rest.area / left
      let side = min(rest.width, rest.height)
      // A row along the shorter side takes what makes it less oblong.
      var (end, sum) = (start, 0.0)
      var worst = Double.infinity
      while end < amounts.count, amounts[end] > 0 {
        let next = sum + amounts[end]
        let ratio = oblongness(amounts[start] * scale, amounts[end] * scale, next * scale, side)
        guard ratio <= worst else { break }
        (worst, sum) = (ratio, next)
        end += 1
      }
      // The last row takes all that is left: nothing is lost to rounding.
      let isLast = end == amounts.count
      let depth = isLast ? max(rest.width, rest.height) : sum * scale / side
      out += row(amounts[start..<end], sum, depth, &rest)
      left -= sum
      start = end
    }
    return out
  }

  /// The worst ratio of sides in a row whose largest and smallest areas are these.
  private static func oblongness(_ largest: Double, _ smallest: Double, _ sum: Double, _ side: Double) -> Double {
    let square = side * side
    return max(square * largest / (sum * sum), sum * sum / (square * smallest))
  }

  /// Cuts a row of that depth off the rest.
  private static func row(
    _ amounts: ArraySlice<Double>, _ sum: Double, _ depth: Double, _ rest: inout Rectangle
  ) -> [Rectangle] {
    let isUpright = rest.width >= rest.height
    var place = 0.0
    let side = isUpright ? rest.height : rest.width
    let row = amounts.map { amount -> Rectangle in
      let length = side * amount / sum
      defer { place += length }
      return isUpright
        ? Rectangle(x: rest.x, y: rest.y + place, width: depth, height: length)
        : Rectangle(x: rest.x + place, y: rest.y, width: length, height: depth)
    }
    if isUpright {
      rest.x += depth
      rest.width = max(0, rest.width - depth)
    } else {
      rest.y += depth
      rest.height = max(0, rest.height - depth)
    }
    return row
  }
}
