import Families
import Nets

/// Layers of a listing that share a line: one, or the same one of blocks that follow each other and are alike.
struct LayerRow {
  /// With the range of the blocks' numbers: `blocks.0…11.norm1`.
  let path: String
  let count: Int
  let record: LayerRecord
  /// Of each.
  let multiplyAdds: Int

  /// - Parameter folds: whether blocks that are alike share lines.
  static func rows(_ net: LayerListing.Net, folds: Bool) -> [LayerRow] {
    let blocks = Block.blocks(net.layers)
    var rows: [LayerRow] = []
    var index = 0
    while index < blocks.count {
      let first = blocks[index]
      var end = index + 1
      while folds, end < blocks.count, blocks[end].isLike(first) { end += 1 }
      for layer in first.layers {
        rows.append(
          LayerRow(
            path: first.path(of: layer.record, to: blocks[end - 1].number), count: end - index, record: layer.record,
            multiplyAdds: layer.multiplyAdds))
      }
      index = end
    }
    return rows
  }
}

/// Layers that follow each other and whose paths are the same up to their first number; one that has none is alone.
private struct Block {
  let prefix: String
  let number: Int?
  var layers: [LayerListing.Layer]

  static func blocks(_ layers: [LayerListing.Layer]) -> [Block] {
    var blocks: [Block] = []
    for layer in layers {
      let (prefix, number) = place(layer.record.path)
      if let number, let last = blocks.last, last.number == number, last.prefix == prefix {
        blocks[blocks.count - 1].layers.append(layer)
      } else {
        blocks.append(Block(prefix: prefix, number: number, layers: [layer]))
      }
    }
    return blocks
  }

  /// What stands before the first number of a path, and that.
  private static func place(_ path: String) -> (prefix: String, number: Int?) {
    var prefix: [Substring] = []
    for word in path.split(separator: ".") {
      if let number = Int(word) { return (prefix.joined(separator: "."), number) }
      prefix.append(word)
    }
    return (path, nil)
  }

  /// What follows the number.
  private func rest(_ record: LayerRecord) -> Substring {
    guard let number else { return record.path[...] }
    return record.path.dropFirst(prefix.count + (prefix.isEmpty ? 0 : 1) + "\(number)".count)
  }

  func path(of record: LayerRecord, to last: Int?) -> String {
    guard let number, let last, last > number else { return record.path }
    return prefix + (prefix.isEmpty ? "" : ".") + "\(number)…\(last)" + rest(record)
  }

  func isLike(_ other: Block) -> Bool {
    guard number != nil, other.number != nil, prefix == other.prefix, layers.count == other.layers.count else {
      return false
    }
    return zip(layers, other.layers).allSatisfy { a, b in
      rest(a.record) == other.rest(b.record) && a.record.type == b.record.type && a.record.input == b.record.input
        && a.record.output == b.record.output && a.record.over == b.record.over
        && a.record.isRun == b.record.isRun && a.record.parameters == b.record.parameters
    }
  }
}
