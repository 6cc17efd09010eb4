import CKernels

/// Elementary functions whose results are the same bits on every machine, unlike those of C libraries: what a net computes
/// is made of these only. Within 2 units in the last place, the tangent within 5; docs/ARITHMETIC.md states how they are computed.
public enum Elementary {
  /// eˣ.
  public static func exp(_ x: Double) -> Double { ck_exp(x) }
  /// The natural logarithm.
  public static func log(_ x: Double) -> Double { ck_log(x) }
  /// The hyperbolic tangent.
  public static func tanh(_ x: Double) -> Double { ck_tanh(x) }
}
