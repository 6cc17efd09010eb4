import Arrays
import Synchronization

/// What drives the points of a map apart.
package struct PointForces: Sendable {
  /// For each point the sum over all others of the squared kernel (1 + distance²)⁻² times the way from there.
  package let vectors: [SIMD2<Float>]
  /// The kernel's sum over all pairs, both orders.
  package let kernel: Double

  /// - Parameters:
  ///   - points: finite, at least one.
  ///   - angle: a group of points is taken as one when its side is less than this part of its distance. 0: never.
  ///   - threads: that compute; the result is the same by any number.
  package init(_ points: [SIMD2<Float>], angle: Float, threads: Int = 1) {
    let tree = PointTree(points)
    // Pieces of one size by any number of threads, so that sums are the same.
    let size = 32
    let jobs = (tree.leaves.count + size - 1) / size
    let pieces = Mutex([PointTree.Forces?](repeating: nil, count: jobs))
    // Nothing is thrown in it.
    try? inParallel(jobs: jobs, workers: threads) { job in
      let forces = tree.forces(leaves: job * size..<min(tree.leaves.count, (job + 1) * size), angle: angle)
      pieces.withLock { $0[job] = forces }
    }
    var (vectors, kernel, place) = ([SIMD2<Float>](repeating: .zero, count: points.count), 0.0, 0)
    for piece in pieces.withLock(\.self) {
      kernel += piece?.kernel ?? 0
      for vector in piece?.vectors ?? [] {
        vectors[Int(tree.order[place])] = vector
        place += 1
      }
    }
    self.vectors = vectors
    // Each point's kernel with itself is 1.
    self.kernel = max(kernel - Double(points.count), .leastNormalMagnitude)
  }
}

/// Points of a plane in a tree of squares, for forces that grow weak with distance: those far away act as one at their middle
/// (Barnes and Hut, Nature 324, 1986; for t-SNE van der Maaten, JMLR 15, 2014).
struct PointTree: Sendable {
  /// Some points beside each other.
  struct Node: Sendable {
    /// Middle of the points.
    var x: Float
    var y: Float
    /// How many they are.
    var weight: Float
    /// Square of the longer side of the box around them.
    var squaredSide: Float
    /// Places of its points in `order`.
    var first: Int32
    var end: Int32
    /// The node that follows when its parts are left out.
    var next: Int32
    var isLeaf: Bool
  }

  /// A node comes before its parts.
  private(set) var nodes: [Node] = []
  /// Leaves among the nodes, by the places of their points.
  private(set) var leaves: [Int32] = []
  /// The points, those of a node beside each other.
  private(set) var order: [Int32] = []
  /// Coordinates in this order, and a few zeros behind them.
  private(set) var x: [Float] = []
  private(set) var y: [Float] = []

  /// Points of a leaf, unless more are in one place.
  private static let leafPoints = 32
  /// Bits of a place along one axis: as many as a Float has.
  private static let bits = 24

  /// - Parameter points: finite.
  init(_ points: [SIMD2<Float>]) {
    var (least, most) = (points[0], points[0])
    for point in points {
      least = pointwiseMin(least, point)
      most = pointwiseMax(most, point)
    }
    let side = max((most - least).max(), .leastNormalMagnitude)
    let scale = (Float(1 << Self.bits) - 1) / side
    let keys = points.map { point -> UInt64 in
      let place = (point - least) * scale
      return spread(UInt64(place.x)) | spread(UInt64(place.y)) << 1
    }
    order = sorted(keys)
    let ordered = order.map { keys[Int($0)] }
    x = order.map { points[Int($0)].x } + [Float](repeating: 0, count: laneCount)
    y = order.map { points[Int($0)].y } + [Float](repeating: 0, count: laneCount)
    nodes.reserveCapacity(points.count / 4)
    _ = add(0, points.count, ordered)
  }

  private struct Box {
    var least: SIMD2<Float>
    var most: SIMD2<Float>
    var sum: SIMD2<Double>
  }

  /// Adds the node of some points, and its parts.
  private mutating func add(_ first: Int, _ end: Int, _ keys: [UInt64]) -> Box {
    let place = nodes.count
    nodes.append(
      Node(
        x: 0, y: 0, weight: Float(end - first), squaredSide: 0, first: Int32(first), end: Int32(end), next: 0,
        isLeaf: false))
    let differing = keys[first] ^ keys[end - 1]
    var box: Box
    if end - first <= Self.leafPoints || differing == 0 {
      nodes[place].isLeaf = true
      leaves.append(Int32(place))
      box = Box(least: SIMD2(x[first], y[first]), most: SIMD2(x[first], y[first]), sum: .zero)
      for index in first..<end {
        let point = SIMD2(x[index], y[index])
        box.least = pointwiseMin(box.least, point)
        box.most = pointwiseMax(box.most, point)
        box.sum += SIMD2<Double>(Double(point.x), Double(point.y))
      }
    } else {
      // The first pair of bits in which keys differ: up to four parts.
      let shift = UInt64((63 - differing.leadingZeroBitCount) & ~1)
      var (start, found) = (first, Box?.none)
      while start < end {
        let part = keys[start] >> shift
        var (low, high) = (start + 1, end)
        while low < high {
          let middle = (low + high) / 2
          if keys[middle] >> shift == part { low = middle + 1 } else { high = middle }
        }
        let one = add(start, low, keys)
        if let whole = found {
          found = Box(
            least: pointwiseMin(whole.least, one.least), most: pointwiseMax(whole.most, one.most),
            sum: whole.sum + one.sum)
        } else {
          found = one
        }
        start = low
      }
      box = found ?? Box(least: .zero, most: .zero, sum: .zero)
    }
    let side = (box.most - box.least).max()
    let middle = box.sum / Double(end - first)
    nodes[place].x = Float(middle.x)
    nodes[place].y = Float(middle.y)
    nodes[place].squaredSide = side * side
    nodes[place].next = Int32(nodes.count)
    return box
  }

  /// Sums over all points for some of them: of Student's t kernel (1 + distance²)⁻¹, and of its square times the way from the
  /// point to this one.
  struct Forces: Sendable {
    /// For the points at `places` of `order`, one after the other.
    var vectors: [SIMD2<Float>] = []
    /// Of all these points, each with itself too.
    var kernel = 0.0
  }

  /// - Parameters:
  ///   - range: of the leaves.
  ///   - angle: as `PointForces` has it.
  func forces(leaves range: Range<Int>, angle: Float) -> Forces {
    var out = Forces()
    for leaf in range {
      let node = nodes[Int(leaves[leaf])]
      let (first, end) = (Int(node.first), Int(node.end))
      var (least, most) = (SIMD2(x[first], y[first]), SIMD2(x[first], y[first]))
      for index in first..<end {
        least = pointwiseMin(least, SIMD2(x[index], y[index]))
        most = pointwiseMax(most, SIMD2(x[index], y[index]))
      }
      let (middle, half) = ((least + most) / 2, (most - least) / 2)
      for start in stride(from: first, to: end, by: laneCount) {
        let lanes = Lanes(self, start, middle, half, angle * angle)
        for lane in 0..<min(laneCount, end - start) {
          out.vectors.append(SIMD2(lanes.forceX[lane], lanes.forceY[lane]))
          out.kernel += Double(lanes.kernel[lane])
        }
      }
    }
    return out
  }

  /// Points that are computed together.
  private struct Lanes {
    let x: SIMD16<Float>
    let y: SIMD16<Float>
    var forceX = SIMD16<Float>()
    var forceY = SIMD16<Float>()
    var kernel = SIMD16<Float>()

    init(_ tree: PointTree, _ start: Int, _ middle: SIMD2<Float>, _ half: SIMD2<Float>, _ squaredAngle: Float) {
      var (ownX, ownY) = (SIMD16<Float>(), SIMD16<Float>())
      for lane in 0..<laneCount {
        ownX[lane] = tree.x[start + lane]
        ownY[lane] = tree.y[start + lane]
      }
      (x, y) = (ownX, ownY)
      var index = 0
      while index < tree.nodes.count {
        let node = tree.nodes[index]
        // From the box around these points, so that it holds for each of them.
        let awayX = max(0, abs(node.x - middle.x) - half.x)
        let awayY = max(0, abs(node.y - middle.y) - half.y)
        if node.squaredSide <= squaredAngle * (awayX * awayX + awayY * awayY) {
          add(node.x, node.y, node.weight)
          index = Int(node.next)
        } else if node.isLeaf {
          for other in Int(node.first)..<Int(node.end) { add(tree.x[other], tree.y[other], 1) }
          index = Int(node.next)
        } else {
          index += 1
        }
      }
    }

    @inline(__always) private mutating func add(_ otherX: Float, _ otherY: Float, _ weight: Float) {
      let (toX, toY) = (x - otherX, y - otherY)
      let value = 1 / (1 + toX * toX + toY * toY)
      let weighted = weight * value
      kernel += weighted
      let squared = weighted * value
      forceX += squared * toX
      forceY += squared * toY
    }
  }
}

private let laneCount = 16

/// The lower 24 bits with a zero after each.
private func spread(_ number: UInt64) -> UInt64 {
  var out = number & 0xff_ffff
  out = (out | out << 16) & 0x0000_ffff_0000_ffff
  out = (out | out << 8) & 0x00ff_00ff_00ff_00ff
  out = (out | out << 4) & 0x0f0f_0f0f_0f0f_0f0f
  out = (out | out << 2) & 0x3333_3333_3333_3333
  return (out | out << 1) & 0x5555_5555_5555_5555
}

/// Indices of keys of 48 bits in ascending order, by counting, 12 bits at a time.
private func sorted(_ keys: [UInt64]) -> [Int32] {
  var order = keys.indices.map(Int32.init)
  var next = order
  for shift in stride(from: UInt64(0), to: 48, by: 12) {
    var counts = [Int](repeating: 0, count: 4097)
    for key in keys { counts[Int(key >> shift & 0xfff) + 1] += 1 }
    for digit in 1..<counts.count { counts[digit] += counts[digit - 1] }
    for index in order {
      let digit = Int(keys[Int(index)] >> shift & 0xfff)
      next[counts[digit]] = index
      counts[digit] += 1
    }
    swap(&order, &next)
  }
  return order
}
