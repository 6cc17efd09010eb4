import Arrays
import Families

/// Arrays whose values can't be right: NaN and infinities, and nothing but zeros in an array of floats.
public struct ValueCheck: Sendable {
  public struct Finding: Sendable, Equatable {
    public let name: String
    public let elements: Int
    /// Values that are no number.
    public let notNumbers: Int
    public let infinities: Int
    /// Whether it has several floats, and all are zero. A zero alone may well be meant.
    public let isAllZeros: Bool
  }

  /// How many arrays were looked at.
  public let arrays: Int
  /// In the order of the file.
  public let findings: [Finding]

  public init(_ inspection: Inspection, _ measured: MeasuredArrays) {
    var (arrays, findings): (Int, [Finding]) = (0, [])
    for array in inspection.arrays {
      guard let found = measured[array.name] else { continue }
      arrays += 1
      let isAllZeros =
        (array.elementType.isFloatingPoint || array.elementType.isComplex) && found.elements > 1
        && found.zeros == found.elements
      guard found.notNumbers + found.infinities > 0 || isAllZeros else { continue }
      findings.append(
        Finding(
          name: array.name, elements: found.elements, notNumbers: found.notNumbers, infinities: found.infinities,
          isAllZeros: isAllZeros))
    }
    (self.arrays, self.findings) = (arrays, findings)
  }
}
