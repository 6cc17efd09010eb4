import Arrays
import Tasks

extension FuzzTarget {
  /// A receipt of results.
  static let receipt = FuzzTarget("receipt") { bytes in
    let receipt = try Receipt(parsing: bytes)
    let again = try sure("a receipt written again") { try Receipt(parsing: Array(receipt.json.compactText.utf8)) }
    try expect(again == receipt, "a receipt written again is another")
  }
}
