/// All eigenvalues of a small symmetric matrix and, as columns, its eigenvectors (Golub and Van Loan, 8.5).
package func eigenvectors(ofSymmetric matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
  var a = matrix
  let count = a.count
  var v = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0 } }
  for _ in 0..<60 {
    var off = 0.0
    for p in 0..<count { for q in 0..<p { off += a[p][q] * a[p][q] } }
    let size = (0..<count).reduce(0) { $0 + a[$1][$1] * a[$1][$1] }
    if off <= 1e-30 * size || off == 0 { break }
    for p in 0..<count {
      for q in p + 1..<max(p + 1, count) where a[p][q] != 0 {
        let tau = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let t = (tau < 0 ? -1 : 1) / (abs(tau) + (1 + tau * tau).squareRoot())
        let c = 1 / (1 + t * t).squareRoot()
        let s = t * c
        for k in 0..<count {
          let (x, y) = (a[k][p], a[k][q])
          (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y)
        }
        for k in 0..<count {
          let (x, y) = (a[p][k], a[q][k])
          (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y)
        }
        for k in 0..<count {
          let (x, y) = (v[k][p], v[k][q])
          (v[k][p], v[k][q]) = (c * x - s * y, s * x + c * y)
        }
      }
    }
  }
  return ((0..<count).map { a[$0][$0] }, v)
}
