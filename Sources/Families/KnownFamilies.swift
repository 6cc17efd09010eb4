import Arrays
import CFamilyFiles

extension Family {
  /// The families whose files are embedded in the program.
  public static let known: [Family] = {
    do {
      var families: [Family] = []
      for file in embeddedFiles { families.append(try Family(json: JSONValue(parsing: file), others: families)) }
      return families
    } catch {
      fatalError("an embedded family file is damaged: \(error)")
    }
  }()

  /// The texts of the embedded family files.
  static var embeddedFiles: [[UInt8]] {
    (0..<ingot_family_file_count()).map { index in
      var count = 0
      let bytes = unsafe ingot_family_file(index, &count)
      return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    }
  }

  /// - Throws: `Failure` of kind `usage` when there is no family of that name.
  public static func named(_ name: String) throws(Failure) -> Family {
    guard let family = (known + [plain]).first(where: { $0.name == name }) else {
      throw Failure(
        .usage, "there is no family \(name)",
        hint: "families: \((known + [plain]).map(\.name).joined(separator: ", "))")
    }
    return family
  }

  /// Whether all of some values are listed ones of their axes, and not merely such as an open axis may have.
  func lists(_ parameters: [Combination.Parameter]) -> Bool {
    parameters.allSatisfy { axis($0.name)?.values.contains($0.value) == true }
  }

  /// The family meant by some parameters: the first that lists all of their values, else the first that has all of their
  /// axes.
  public static func meant(by parameters: [Combination.Parameter]) throws(Failure) -> Family {
    let able = (known + [plain]).filter { family in parameters.allSatisfy { family.axis($0.name) != nil } }
    if let family = able.first(where: { $0.lists(parameters) }) ?? able.first { return family }
    throw Failure(
      .usage, "no family has the parameters \(parameters.map(\.name).joined(separator: ", "))",
      hint: "`ingot list` shows every family's parameters")
  }
}
