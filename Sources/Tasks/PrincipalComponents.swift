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
    var centred = vectors.map { $0.map(Double.init) }
    for column in 0..<size {
      let mean = centred.reduce(0) { $0 + $1[column] } / Double(max(1, vectors.count))
      for row in centred.indices { centred[row][column] -= mean }
    }
    let total = centred.reduce(0) { $0 + dot($1, $1) }
    let isSmall = vectors.count <= size
    let rows = isSmall ? centred : (0..<size).map { column in centred.map { $0[column] } }
    let matrix = SymmetricMatrix(rows: rows)
    let found = matrix.largest(min(count + Self.further, rows.count), steps: Self.mostSteps)
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
      var along = isSmall ? vector.map { $0 * value.squareRoot() } : centred.map { dot($0, vector) }
      let farthest = along.max { abs($0) < abs($1) } ?? 0
      if farthest < 0 { along = along.map { -$0 } }
      for row in places.indices { places[row].append(along[row]) }
      shares.append(total > 0 ? value / total : 0)
    }
    self.places = places
    self.shares = shares
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in a.indices { sum += a[index] * b[index] }
  return sum
}

/// All products of some rows with each other.
private struct SymmetricMatrix {
  private let rows: [[Double]]

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
