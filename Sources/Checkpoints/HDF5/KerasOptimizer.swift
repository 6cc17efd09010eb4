import Arrays

/// What Keras saves of an optimizer beside a model's weights.
///
/// In HDF5 files of whole models (`model.save("x.h5")`): the group `optimizer_weights` beside `model_weights`. In
/// .weights.h5 files and .keras archives (keras/src/saving/saving_lib.py): the variables of each object that a model
/// has, in groups `vars` below its attribute's name; an optimizer is `optimizer`, one inside another
/// `optimizer/inner_optimizer`, and those of models that train themselves have names such as `critic_optimizer`.
enum KerasOptimizer {
  /// The arrays of each group that is an optimizer's, groups in their order; none if there would be no others.
  static func indices(of arrays: [CheckpointArray]) -> [(group: String, indices: [Int])] {
    var found: [(group: String, indices: [Int])] = []
    var places: [String: Int] = [:]
    for (index, array) in arrays.enumerated() {
      guard let group = group(of: array.name) else { continue }
      if let place = places[group] {
        found[place].indices.append(index)
      } else {
        places[group] = found.count
        found.append((group, [index]))
      }
    }
    return found.reduce(0, { $0 + $1.indices.count }) == arrays.count ? [] : found
  }

  /// The outermost group of an array's path, if it is an optimizer's.
  private static func group(of name: String) -> String? {
    let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count > 1 else { return nil }
    let group = String(decoding: first, as: UTF8.self)
    if group == "optimizer_weights" { return group }
    let isOptimizer = group == "optimizer" || group.hasSuffix("_optimizer")
    return isOptimizer && parts[1..<(parts.count - 1)].contains { $0.elementsEqual("vars".utf8) } ? group : nil
  }

  static func leftover(_ group: String, _ arrays: [CheckpointArray]) -> Leftover {
    let bytes = arrays.reduce(0) { $0 &+ $1.bytes }
    return Leftover(name: group, what: "optimizer state: \(counted(arrays: arrays.count, bytes: bytes))")
  }
}
