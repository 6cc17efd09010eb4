import Arrays
import CKernels

extension Engine {
  /// What kernels compute with: sets of instructions that they are written for, or a library.
  public enum Level: String, CaseIterable, Sendable {
    case avx512, avx2
    /// Products of float32 matrices by OpenBLAS, which is loaded when this is asked for; all else as at the best of the
    /// processor's other levels. Its sums may differ in their last bits by its release, the processor and the threads.
    case openblas
    /// Of every 64-bit ARM processor; int8 by DotProd where it is there.
    case neon
    /// Plain C, on any processor.
    case portable
    /// The best that is available, and nets may be computed in ways that are faster but not the same bits everywhere:
    /// attention of int8 nets in bfloat16 where the processor has it, and what texts look at in an image computed once
    /// for all that are asked together.
    case fast

    /// The best that is available: the processor's own, or where we have no kernels for it, OpenBLAS if it is installed.
    public static var best: Level { allCases.first { $0.kernelLevel == ck_level_best() } ?? .portable }

    /// Whether the processor has the instructions, or OpenBLAS is installed.
    public var isAvailable: Bool { ck_level_is_available(kernelLevel) != 0 }

    package var kernelLevel: ck_level {
      switch self {
      case .avx512: ck_level_avx512
      case .avx2: ck_level_avx2
      case .openblas: ck_level_openblas
      case .neon: ck_level_neon
      case .portable: ck_level_portable
      case .fast: ck_level_best()
      }
    }

    /// - Throws: `Failure` of kind `usage` when this machine hasn't got it.
    func check() throws(Failure) {
      guard !isAvailable else { return }
      let others = "here there is \(Self.allCases.filter(\.isAvailable).map(\.rawValue).joined(separator: ", "))"
      if self == .openblas {
        let problem = unsafe ck_openblas_problem().map { unsafe String(cString: $0) } ?? "it can't be loaded"
        throw Failure(
          .usage, "there is no OpenBLAS for the kernels: \(problem)",
          hint: "install libopenblas0, or leave --kernels out; \(others)")
      }
      throw Failure(
        .usage, "this processor can't run the kernels for \(rawValue)", hint: "leave --kernels out; \(others)")
    }
  }
}
