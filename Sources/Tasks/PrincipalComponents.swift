import Arrays
import Synchronization

/// The directions in which vectors vary most, and where the vectors lie along them.
package struct PrincipalComponents {
  /// Per vector, its place along each component; the vectors' mean is at zero.
  package let places: [[Double]]
  /// Share of the vectors' whole variance along each component.
  package let shares: [Double]

  /// Vectors kept beyond those wanted, so that the iteration soon separates these from the rest.
  private static let further = 8
  private static let mostSteps = 500

  /// Eigenvectors of the covariance matrix, or of the matrix of the vectors' products where that is smaller, found by
  /// subspace iteration with Rayleigh-Ritz (Golub and Van Loan, Matrix Computations, 8.2.4 and 8.1) in double precision.
  /// A component's sign is such that the place that is farthest from zero is positive.
  /// - Parameter vectors: all of one length, finite.
  package init(_ vectors: [[Float]], count: Int = 2) {
    let size = vectors.first?.count ?? 0
    let mean = Self.mean(vectors, size)
    let isSmall = vectors.count <= size
    let matrix = isSmall ? SymmetricMatrix(rows: vectors.map { centred($0, mean) }) : SymmetricMatrix(vectors, mean)
    // The sum of all squares, either way.
    let total = matrix.trace
    let found = matrix.largest(min(count + Self.further, matrix.count), steps: Self.mostSteps)
    var places = [[Double]](repeating: [], count: vectors.count)
    var shares: [Double] = []
    for component in 0..<count {
      guard component < found.count, found[component].value > 1e-14 * max(total, .leastNormalMagnitude) else {
        for row in places.indices { places[row].append(0) }
        shares.append(0)
        continue
      }
      let (value, vector) = found[component]
      // An eigenvector of X Xᵀ has the places along its component as elements, but for the length.
      var along = isSmall ? vector.map { $0 * value.squareRoot() } : vectors.map { dot(centred($0, mean), vector) }
      let farthest = along.max { abs($0) < abs($1) } ?? 0
      if farthest < 0 { along = along.map { -$0 } }
      for row in places.indices { places[row].append(along[row]) }
      shares.append(total > 0 ? value / total : 0)
    }
    self.places = places
    self.shares = shares
  }

  private static func mean(_ vectors: [[Float]], _ size: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: size)
    for vector in vectors { for column in 0..<size { sums[column] += Double(vector[column]) } }
    return sums.map { $0 / Double(max(1, vectors.count)) }
  }
}

private func centred(_ vector: [Float], _ mean: [Double]) -> [Double] {
  var out = mean
  for column in out.indices { out[column] = Double(vector[column]) - mean[column] }
  return out
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in a.indices { sum += a[index] * b[index] }
  return sum
}

/// All products of some rows with each other.
private struct SymmetricMatrix {
  private let rows: [[Double]]

  var count: Int { rows.count }
  var trace: Double { rows.indices.reduce(0) { $0 + rows[$1][$1] } }

  init(rows: [[Double]]) {
    var products = rows.map { _ in [Double](repeating: 0, count: rows.count) }
    for row in rows.indices {
      for column in 0...row {
        let product = dot(rows[row], rows[column])
        products[row][column] = product
        products[column][row] = product
      }
    }
    self.rows = products
  }

  /// The products of columns, of more vectors than they have elements: in a few pieces, by several threads.
  init(_ vectors: [[Float]], _ mean: [Double]) {
    let size = mean.count
    // As many pieces by any number of threads, so that sums are the same; few, as each takes size² numbers.
    let piece = max(256, (vectors.count + 7) / 8)
    let sums = Mutex([[Double]](repeating: [], count: (vectors.count + piece - 1) / piece))
    // Nothing is thrown in it.
    try? inParallel(jobs: (vectors.count + piece - 1) / piece) { job in
      var products = [Double](repeating: 0, count: size * size)
      let end = min(vectors.count, (job + 1) * piece)
      for first in stride(from: job * piece, to: end, by: together) {
        var group: [Double] = []
        for index in first..<min(end, first + together) { group += centred(vectors[index], mean) }
        group += [Double](repeating: 0, count: together * size - group.count)
        addProducts(of: group, size, to: &products)
      }
      sums.withLock { [products] in $0[job] = products }
    }
    var products = [Double](repeating: 0, count: size * size)
    for sum in sums.withLock(\.self) { for index in products.indices { products[index] += sum[index] } }
    rows = (0..<size).map { row in (0..<size).map { products[max(row, $0) * size + min(row, $0)] } }
  }

  /// The largest eigenvalues, largest first, and their eigenvectors of length 1.
  func largest(_ count: Int, steps: Int) -> [(value: Double, vector: [Double])] {
    var random = RandomNumbers(seed: 1)
    var basis = (0..<count).map { _ in rows.map { _ in random.fraction() - 0.5 } }
    var values: [Double] = []
    for _ in 0..<steps {
      Self.orthonormalize(&basis)
      let images = basis.map { vector in rows.map { dot($0, vector) } }
      // The matrix as the basis sees it.
      let small = basis.map { vector in images.map { dot(vector, $0) } }
      let (found, rotation) = eigenvectors(ofSymmetric: small)
      let order = found.indices.sorted { found[$0] > found[$1] }
      func rotated(_ vectors: [[Double]]) -> [[Double]] {
        order.map { column in
          var out = [Double](repeating: 0, count: rows.count)
          for (row, vector) in vectors.enumerated() {
            let factor = rotation[row][column]
            for index in out.indices { out[index] += factor * vector[index] }
          }
          return out
        }
      }
      values = order.map { found[$0] }
      let vectors = rotated(basis)
      basis = rotated(images)
      // How far the first two are from being eigenvectors.
      let rest = (0..<min(2, count)).map { index -> Double in
        var sum = 0.0
        for place in rows.indices {
          let error = basis[index][place] - values[index] * vectors[index][place]
          sum += error * error
        }
        return sum.squareRoot()
      }
      if (rest.max() ?? 0) <= 1e-12 * max(values.first ?? 0, .leastNormalMagnitude) {
        basis = vectors
        break
      }
    }
    Self.orthonormalize(&basis)
    return zip(values, basis).map { ($0, $1) }
  }

  /// Gram-Schmidt, twice, as once leaves errors; what depends on the others becomes zero.
  private static func orthonormalize(_ vectors: inout [[Double]]) {
    for index in vectors.indices {
      let start = dot(vectors[index], vectors[index]).squareRoot()
      for _ in 0..<2 {
        for other in 0..<index {
          let product = dot(vectors[index], vectors[other])
          for place in vectors[index].indices { vectors[index][place] -= product * vectors[other][place] }
        }
      }
      let length = dot(vectors[index], vectors[index]).squareRoot()
      let factor = length > 1e-13 * start && length > 0 ? 1 / length : 0
      for place in vectors[index].indices { vectors[index][place] *= factor }
    }
  }
}

/// Vectors whose products are added at once: each number of the matrix is then read and written a fourth as often.
private let together = 4

/// Adds the products of columns with those before them, and themselves.
/// - Parameter group: `together` vectors, one after the other.
private func addProducts(of group: [Double], _ size: Int, to products: inout [Double]) {
  precondition(group.count == together * size && products.count == size * size)
  unsafe group.withUnsafeBufferPointer { group in
    unsafe products.withUnsafeMutableBufferPointer { products in
      for row in 0..<size {
        let (a, b, c, d) = unsafe (group[row], group[size + row], group[2 * size + row], group[3 * size + row])
        for column in 0...row {
          let first = unsafe a * group[column] + b * group[size + column]
          let second = unsafe c * group[2 * size + column] + d * group[3 * size + column]
          unsafe products[row * size + column] += first + second
        }
      }
    }
  }
}
