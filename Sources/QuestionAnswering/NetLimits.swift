import Arrays

/// Most elements that a net may compute with at once, 2 GB of them: a small file can state huge dimensions.
private let mostElements = Double(1 << 29)

/// - Parameter elements: that the net of a file holds while it runs.
/// - Throws: `Failure` of kind `badData` when they are too many.
func checkMemory(_ elements: Double, _ path: String) throws(Failure) {
  guard elements <= mostElements else {
    throw Failure(
      .badData, file: path, place: "configuration", "its dimensions need more than 2 GB to compute with",
      hint: "is the file damaged? `ingot inspect` shows its dimensions")
  }
}

/// Why there is no answer where numbers have become infinite or none at all.
let notFinite = Failure(
  .badData, "the nets compute numbers that are not finite",
  hint: "their weights or their profile are damaged: `ingot verify` checks them, `ingot inspect` shows the profile")
