import Arrays
import Glibc
import Kernels

extension Linear {
  public var inputs: Int { weight.shape.dimensions[1] }
  public var outputs: Int { weight.shape.dimensions[0] }

  /// This map of x (rows × inputs) into y (rows × outputs), for an engine to run.
  func map(_ x: Matrix, into y: Matrix, _ finish: LinearMap.Finish = .plain) -> LinearMap {
    LinearMap(x, weight.kernel, bias: bias?.kernel, into: y, finish, layer: name)
  }

  /// x (rows × inputs), mapped: rows × outputs.
  func callAsFunction(_ x: Matrix, _ engine: Engine, _ finish: LinearMap.Finish = .plain) throws(Failure) -> Matrix {
    let y = Matrix(rows: x.rows, columns: outputs)
    try engine.run([map(x, into: y, finish)])
    return y
  }
}

extension LayerNorm {
  /// Normalizes the rows of `x` into `y`, which may be `x`.
  func callAsFunction(_ x: Matrix, into y: Matrix, _ engine: Engine) {
    engine.layerNorm(x, weight: weight.kernel, bias: bias.kernel, epsilon: epsilon, into: y, layer: name)
  }
}

extension Embedding {
  /// How many rows there are.
  public var count: Int { weight.shape.dimensions[0] }

  /// A row.
  func row(_ index: Int) -> [Float] {
    let size = weight.shape.dimensions[1]
    return weight.kernel.floats(index * size..<(index + 1) * size)
  }
}

extension PatchConvolution {
  var side: Int { weight.shape.dimensions[3] }
  var channels: Int { weight.shape.dimensions[1] }

  /// Adds each patch's vector to a row of `y`, patches row by row.
  /// - Parameter pixels: channels × (side · side) values of a square image, row by row.
  func add(_ pixels: Matrix, imageSide: Int, to y: Matrix, _ engine: Engine) throws(Failure) {
    let perSide = imageSide / side
    let patches = Matrix(rows: perSide * perSide, columns: channels * side * side)
    for patch in 0..<patches.rows {
      let (top, left) = (patch / perSide * side, patch % perSide * side)
      for channel in 0..<channels {
        for row in 0..<side {
          let start = (top + row) * imageSide + left
          let target = (channel * side + row) * side
          patches.rows(patch..<patch + 1).columns(target..<target + side)
            .copy(pixels.rows(channel..<channel + 1).columns(start..<start + side))
        }
      }
    }
    try engine.run([LinearMap(patches, weight.kernel, bias: bias?.kernel, into: y, .add)])
  }
}

extension ActivationLayer {
  /// The activation as what a linear map's result goes through before it is written.
  var finish: LinearMap.Finish {
    switch function {
    case .gelu: .gelu
    case .quickGELU: .quickGELU
    }
  }
}

extension MLP {
  /// Adds the result for `x` to `y`.
  func add(_ x: Matrix, to y: Matrix, _ engine: Engine) throws(Failure) {
    let inner = try inner(x, Matrix(rows: x.rows, columns: fc1.outputs), engine)
    try engine.run([fc2.map(inner, into: y, .add)])
  }

  /// What the second map gets, for `x`: in `scratch`, which has a column for each output of the first.
  func inner(_ x: Matrix, _ scratch: Matrix, _ engine: Engine) throws(Failure) -> Matrix {
    switch middle {
    case .activation(let activation):
      try engine.run([fc1.map(x, into: scratch, activation.finish)])
      return scratch
    case .gate(let gate):
      try engine.run([fc1.map(x, into: scratch)])
      return gate(scratch)
    }
  }
}

extension GatedUnit {
  /// In place: the first half of the columns of x.
  func callAsFunction(_ x: Matrix) -> Matrix {
    let out = x.columns(0..<size)
    out.combine(x.columns(size..<2 * size)) { gate, value in gate / (1 + Float(Elementary.exp(Double(-gate)))) * value }
    return out
  }
}

extension HyperbolicTangent {
  func callAsFunction(_ x: Matrix) -> Matrix {
    Matrix(rows: x.rows, columns: x.columns, x.elements.map { Float(Elementary.tanh(Double($0))) })
  }
}
