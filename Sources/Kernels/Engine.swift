import Arrays
import CKernels
import Synchronization

/// Runs kernels on some threads of this processor. Kernels of one engine run one at a time; it can be used from any
/// thread.
///
/// Weights are float32, float16, bfloat16, or int8 with a scale per row, used where they are. Float16 and bfloat16 are
/// widened to float32 as they are read, and products and sums are float32. See `Activations` for int8.
@safe public final class Engine: Sendable {
  private nonisolated(unsafe) let pool: OpaquePointer
  private let busy = Mutex(())
  public let level: Level
  /// The version of docs/ARITHMETIC.md, which states every bit of what is computed.
  public static let arithmetic = 1
  private let observer: (any LayerObserver)?

  /// - Parameters:
  ///   - threads: that work on a kernel together, the caller included.
  ///   - level: nil: the best that is available.
  ///   - observer: is told of every layer before it runs.
  /// - Throws: `Failure` of kind `usage` when the level isn't available, `io` when memory is short.
  public init(
    threads: Int? = nil, level: Level? = nil, observer: (any LayerObserver)? = nil
  ) throws(Failure) {
    self.observer = observer
    self.level = level ?? .best
    try self.level.check()
    let threads = Int32(clamping: max(1, threads ?? Paths.processors))
    guard let pool = unsafe ck_pool_create(threads, self.level.kernelLevel) else { throw Engine.memoryShort }
    unsafe self.pool = pool
  }

  deinit { unsafe ck_pool_destroy(pool) }

  /// Whether somebody looks on.
  public var isObserved: Bool { observer != nil }

  /// Threads that really work.
  public var threads: Int { Int(unsafe ck_pool_threads(pool)) }

  /// Whether nets may be computed in ways whose results differ in their last bits by what is computed together, or by
  /// processor.
  public var isFast: Bool { level == .fast }

  static let memoryShort = Failure(
    .io, "there is not enough memory", hint: "close other programs, or use fewer threads")

  private func checked(_ run: () -> Int32) throws(Failure) {
    let status = busy.withLock { _ in run() }
    guard status == 0 else { throw Engine.memoryShort }
  }
}

/// One linear map for an engine to run: y = x wᵀ + b.
public struct LinearMap: Sendable {
  /// What is done with the result before it is written.
  public enum Finish: Sendable {
    case plain
    /// GELU by the error function.
    case gelu
    /// z / (1 + exp(-1.702 z)), which is GELU nearly, by the logistic function.
    case quickGELU
    /// Added to what y holds.
    case add
  }

  public let x: Matrix
  let weight: KernelWeight
  let bias: KernelWeight?
  let y: Matrix
  let finish: Finish
  /// Name of the layer that this is the whole of.
  let layer: String?

  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - weight: outputs × inputs.
  ///   - bias: outputs.
  ///   - y: rows × outputs; must not share elements with x.
  ///   - layer: by which observers know it; nil for what is no layer, or a part of one.
  public init(
    _ x: Matrix, _ weight: KernelWeight, bias: KernelWeight?, into y: Matrix, _ finish: Finish = .plain,
    layer: String? = nil
  ) {
    precondition(x.rows == y.rows && weight.elements == x.columns * y.columns, "sizes of a linear map don't fit")
    precondition(bias?.elements ?? y.columns == y.columns, "a bias doesn't fit its linear map")
    self.x = x
    self.weight = weight
    self.bias = bias
    self.y = y
    self.finish = finish
    self.layer = layer
  }

  public var outputs: Int { y.columns }

  /// What comes out before the finish: x wᵀ + b, in memory of its own.
  /// - Parameter other: takes the place of x.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func output(_ engine: Engine, of other: Matrix? = nil) throws(Failure) -> Matrix {
    let x = other ?? x
    let out = Matrix(rows: x.rows, columns: y.columns)
    try engine.run([LinearMap(x, weight, bias: bias, into: out)])
    return out
  }
}

/// Looks on while layers run.
public protocol LayerObserver: Sendable {
  /// A layer is about to run.
  func layer(_ name: String, _ map: LinearMap, _ engine: Engine) throws(Failure)
  /// Something is about to be computed, of a layer or not.
  func step(_ step: EngineStep)
}

extension LayerObserver {
  public func step(_ step: EngineStep) {}
}

/// What an engine is about to compute.
public struct EngineStep: Sendable {
  public enum Kind: Sendable, Equatable {
    case linear(LinearMap.Finish)
    /// Over so many keys and values.
    case attention(keys: Int)
    case layerNorm
  }

  public let kind: Kind
  /// Name of the layer that it is the whole of; nil: none is known.
  public let layer: String?
  public let rows, inputs, outputs: Int
}

/// One product for an engine to run: y = x w.
public struct ProductMap {
  let x: Matrix
  let weight: KernelWeight
  let y: Matrix

  /// - Parameters:
  ///   - x: rows × inputs.
  ///   - weight: inputs × outputs.
  ///   - y: rows × outputs; must not share elements with x.
  public init(_ x: Matrix, _ weight: KernelWeight, into y: Matrix) {
    precondition(x.rows == y.rows && weight.elements == x.columns * y.columns, "sizes of a product don't fit")
    precondition(weight.hasScalesOf(rows: x.columns), "scales of a product are other than its rows'")
    self.x = x
    self.weight = weight
    self.y = y
  }
}

/// Attention of some queries over some keys and values, all heads beside each other in the columns.
public struct AttentionMap {
  let queries, keys, values, output: Matrix
  let weights: Matrix?
  let heads: Int
  let isCausal: Bool
  let rounds: Bool
  let layer: String?

  /// - Parameters:
  ///   - queries: rows × (heads · head size).
  ///   - keys: other rows × (heads · head size), as `values`.
  ///   - output: as `queries`.
  ///   - weights: (heads · rows) × other rows: where to write softmax(q kᵀ / √(head size)); nil: nowhere.
  ///   - isCausal: whether the i-th last query sees all but the last i keys.
  ///   - rounds: whether queries, keys, values and weights may be rounded to bfloat16 by a `fast` engine; sums are
  ///     float32 all the same. For nets whose other layers are rounded more coarsely. Without effect on a causal one, and
  ///     where weights are written.
  ///   - layer: by which observers know it.
  public init(
    queries: Matrix, keys: Matrix, values: Matrix, into output: Matrix, weights: Matrix? = nil, heads: Int,
    isCausal: Bool = false, rounds: Bool = false, layer: String? = nil
  ) {
    precondition(queries.columns.isMultiple(of: heads), "heads don't divide the width")
    precondition(
      keys.columns == queries.columns && values.columns == queries.columns && output.columns == queries.columns
        && keys.rows == values.rows && output.rows == queries.rows, "sizes of an attention don't fit")
    precondition(keys.rows > 0 && (!isCausal || keys.rows >= queries.rows), "an attention has too few keys")
    if let weights {
      precondition(
        weights.rows == heads * queries.rows && weights.columns == keys.rows && weights.stride == keys.rows,
        "weights of an attention don't fit")
    }
    self.queries = queries
    self.keys = keys
    self.values = values
    self.output = output
    self.weights = weights
    self.heads = heads
    self.isCausal = isCausal
    self.rounds = rounds
    self.layer = layer
  }
}

extension Engine {
  /// Runs independent linear maps as one piece of work.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func run(_ maps: [LinearMap]) throws(Failure) {
    if let observer {
      for map in maps {
        if let layer = map.layer { try observer.layer(layer, map, self) }
        observer.step(
          EngineStep(
            kind: .linear(map.finish), layer: map.layer, rows: map.x.rows, inputs: map.x.columns, outputs: map.outputs))
      }
    }
    let biases = maps.map { FloatsInMemory($0.bias) }
    let kernels = unsafe zip(maps, biases).map { map, bias in
      unsafe ck_linear(
        x: map.x.base, x_stride: map.x.stride, weight: map.weight.address, type: map.weight.type,
        scales: map.weight.scalesAddress, keeps_floats: map.weight.activations == .float32 ? 1 : 0, bias: bias.address,
        y: map.y.base, y_stride: map.y.stride, rows: map.x.rows, inputs: map.x.columns, outputs: map.y.columns,
        finish: map.finish.kernelFinish)
    }
    // The kernels point into what these hold.
    try withExtendedLifetime((maps, biases)) { () throws(Failure) in
      try checked { unsafe ck_linear_run(pool, kernels, kernels.count) }
    }
  }

  /// Runs independent attentions as one piece of work.
  /// - Throws: `Failure` of kind `io` when memory is short.
  public func run(_ attentions: [AttentionMap]) throws(Failure) {
    if let observer {
      for map in attentions {
        let size = map.queries.columns
        observer.step(
          EngineStep(
            kind: .attention(keys: map.keys.rows), layer: map.layer, rows: map.queries.rows, inputs: size, outputs: size
          ))
      }
    }
    let kernels = unsafe attentions.map { map in
      let headSize = map.queries.columns / map.heads
      return unsafe ck_attention(
        q: map.queries.base, k: map.keys.base, v: map.values.base, q_stride: map.queries.stride,
        k_stride: map.keys.stride, v_stride: map.values.stride, out: map.output.base, out_stride: map.output.stride,
        weights: map.weights?.base, q_rows: map.queries.rows, k_rows: map.keys.rows, heads: map.heads,
        head_size: headSize, scale: 1 / Float(headSize).squareRoot(), causal: map.isCausal ? 1 : 0,
        rounds: map.rounds && isFast ? 1 : 0)
    }
    try withExtendedLifetime(attentions) { () throws(Failure) in
      try checked { unsafe ck_attention_run(pool, kernels, kernels.count) }
    }
  }

  /// Runs independent products of few rows each as one piece of work.
  public func run(_ products: [ProductMap]) {
    let weights = products.map { $0.weight.type == ck_int8 ? nil : FloatsInMemory($0.weight) }
    let kernels = unsafe zip(products, weights).map { map, floats in
      // Of floats there is always an address.
      unsafe ck_product(
        x: map.x.base, x_stride: map.x.stride,
        w: floats.flatMap { unsafe $0.address }.map { unsafe .init($0) }
          ?? map.weight.address, scales: map.weight.scalesAddress, w_stride: map.y.columns, y: map.y.base,
        y_stride: map.y.stride, rows: map.x.rows, inputs: map.x.columns, outputs: map.y.columns)
    }
    withExtendedLifetime((products, weights)) {
      busy.withLock { _ in unsafe ck_product_run(pool, kernels, kernels.count) }
    }
  }

  /// Each row becomes its softmax.
  public func softmax(_ x: Matrix) {
    busy.withLock { _ in unsafe ck_softmax(pool, x.base, x.rows, x.columns, x.stride) }
  }

  /// Normalizes each row of `x`, whose rows are adjacent, into `y`, which may be `x`.
  /// - Parameter layer: by which observers know it.
  public func layerNorm(
    _ x: Matrix, weight: KernelWeight, bias: KernelWeight, epsilon: Double, into y: Matrix, layer: String? = nil
  ) {
    observer?.step(
      EngineStep(kind: .layerNorm, layer: layer, rows: x.rows, inputs: x.columns, outputs: x.columns))
    precondition(x.stride == x.columns && y.stride == y.columns, "a norm needs adjacent rows")
    precondition(x.rows == y.rows && x.columns == y.columns, "sizes of a norm don't fit")
    precondition(weight.elements == x.columns && bias.elements == x.columns, "weights of a norm don't fit")
    let (gain, shift) = (FloatsInMemory(weight), FloatsInMemory(bias))
    withExtendedLifetime((gain, shift)) {
      busy.withLock { _ in
        unsafe ck_layer_norm(
          pool, x.base, x.rows, x.columns, gain.address, shift.address, Float(epsilon), y.base)
      }
    }
  }
}

/// Float32 elements of some weights: in place where they are of this type, else a copy.
private struct FloatsInMemory {
  private let weight: KernelWeight?
  private let copy: Matrix?

  init(_ weight: KernelWeight?) {
    self.weight = weight
    copy = weight.flatMap { $0.type == ck_float32 ? nil : Matrix(rows: 1, columns: $0.elements, $0.floats) }
  }

  /// Valid for as long as this value is held; nil without weights.
  @unsafe var address: UnsafePointer<Float>? {
    if let copy { return unsafe UnsafePointer(copy.base) }
    return unsafe (weight?.address).map { unsafe $0.assumingMemoryBound(to: Float.self) }
  }
}

extension LinearMap.Finish {
  fileprivate var kernelFinish: ck_finish {
    switch self {
    case .plain: ck_finish_plain
    case .gelu: ck_finish_gelu
    case .quickGELU: ck_finish_quick_gelu
    case .add: ck_finish_add
    }
  }
}

/// Logarithm of the sum of the exponentials of a row's elements.
public func logSumExp(_ matrix: Matrix, row: Int) -> Double {
  precondition(row >= 0 && row < matrix.rows, "row outside the matrix")
  return unsafe ck_log_sum_exp(matrix.base + row * matrix.stride, matrix.columns)
}
