import Arrays

/// A reader of untrusted bytes, and what must hold whatever the bytes.
public struct FuzzTarget: Sendable, CustomStringConvertible {
  public let name: String
  private let kinds: Set<Failure.Kind>
  private let body: @Sendable ([UInt8]) throws -> Void

  /// - Parameters:
  ///   - kinds: of the failures that the reader may answer with.
  ///   - body: reads the bytes, and throws `Broken` where what was read is not right.
  init(
    _ name: String, kinds: Set<Failure.Kind> = [.badData],
    _ body: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    (self.name, self.kinds, self.body) = (name, kinds, body)
  }

  public var description: String { name }

  /// Reads some bytes.
  /// - Returns: whether the reader took them for what they should be.
  /// - Throws: `Broken` when the reader does not keep its word.
  @discardableResult
  public func run(_ bytes: [UInt8]) throws -> Bool {
    do {
      try body(bytes)
      return true
    } catch let failure as Failure {
      let text = failure.description
      try expect(kinds.contains(failure.kind), "a failure of kind \(failure.kind): \(text)")
      try expect(!failure.reason.isEmpty && text.utf8.count < 20_000, "no sensible reason: \(text)")
      try expect(!text.utf8.contains { $0 < 0x20 }, "more than one line: \(text)")
      return false
    }
  }

  /// All of them.
  public static let all: [FuzzTarget] = [
    json, safetensors, index, torch, hdf5, gguf, numpy, onnx, messagePack, tensorFlow, net, settings, names, tokenizer,
    bytePair,
    questions, answers, journal, video, image, orientation, address, scan, hub, web, signature,
    receipt,
  ]
}

/// What a reader promised and does not keep.
public struct Broken: Error, CustomStringConvertible {
  public let description: String
}

func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
  if !condition { throw Broken(description: what()) }
}

/// The result of what can't fail, as it only handles what was read before.
func sure<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch {
    throw Broken(description: "\(what): \(error)")
  }
}

extension Array where Element == UInt8 {
  /// The first byte, as a choice among `count`, and the rest.
  func choice(of count: Int) -> (choice: Int, rest: [UInt8]) {
    (Int(first ?? 0) % count, Array(dropFirst()))
  }

  /// Parts with a byte between them that is in no UTF-8 text; the last has all that follows.
  func parts(_ count: Int) -> [[UInt8]] {
    var parts = split(separator: 0xff, maxSplits: count - 1, omittingEmptySubsequences: false).map { Array($0) }
    while parts.count < count { parts.append([]) }
    return parts
  }
}
