import Arrays

/// Checks that what a net computes with isn't too much: a small file can state huge dimensions.
/// - Parameters:
///   - elements: that the net of a file holds while it runs.
///   - need: what needs them, nil: the net's own dimensions; the error goes on from there.
/// - Throws: `Failure` of kind `badData` when they are too many.
func checkMemory(_ elements: Double, _ path: String, need: String? = nil) throws(Failure) {
  guard elements <= Double(Limit.netMemory.value / 4) else {
    let needed = Int(exactly: (4 * elements).rounded(.up))
    throw Limit.netMemory.failure(
      file: path, place: need == nil ? "configuration" : nil,
      "\(need ?? "its dimensions need") more than \(Limit.netMemory.value) bytes to compute with",
      needed: needed ?? .max)
  }
}

/// Why there is no answer where numbers have become infinite or none at all.
let notFinite = Failure(
  .badData, "the nets compute numbers that are not finite",
  hint:
    "their weights or their profile are damaged: `ingot verify` checks the files, `ingot inspect --statistics` shows both"
)
