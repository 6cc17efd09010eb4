import Arrays
import Media

/// Images whose right class is known: a folder with a folder for each class, or a table.
public enum LabelledImages {
  /// - Parameters:
  ///   - path: a folder of folders, each called as a class, or a CSV file with columns `image` and `label`, whose paths start
  ///     at `images` or, without one, at the file's folder.
  ///   - labels: of the net's classes, in their order.
  ///   - isByOrder: whether folders, sorted by name, are the classes in their order, as in torchvision's ImageFolder.
  /// - Throws: `Failure` of kind `noInput` when there is nothing; `badData` when a class isn't the net's, or the table is
  ///   malformed; `usage` when options don't go with what is there.
  public static func read(
    _ path: String, images folder: String? = nil, labels: [String], isByOrder: Bool = false
  ) throws(Failure) -> [EvaluationItem] {
    if try Paths.isFolder(path) {
      guard folder == nil else {
        throw Failure(.usage, "--images goes with a table: \(path) is a folder of images itself")
      }
      return try read(folder: path, labels, isByOrder: isByOrder)
    }
    guard !isByOrder else {
      throw Failure(.usage, "--by-order goes with a folder for each class: \(path) is a file")
    }
    return try read(table: DataFile(path), images: folder ?? Paths.folder(of: path), labels)
  }

  // MARK: Folders

  private static func read(
    folder: String, _ labels: [String], isByOrder: Bool
  ) throws(Failure) -> [EvaluationItem] {
    var folders: [String] = []
    // By bytes, as Python sorts.
    for name in try Paths.names(in: folder).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    where name.utf8.first != UInt8(ascii: ".") {
      if try Paths.isFolder(Paths.join(folder, name)) { folders.append(name) }
    }
    guard !folders.isEmpty else {
      throw Failure(
        .noInput, file: folder, "has no folder in it",
        hint: "each class has a folder of that name, with its images in it; or give a CSV file with columns image,label"
      )
    }
    if isByOrder, folders.count != labels.count {
      throw Failure(
        .badData, file: folder, "has \(folders.count) folders, but the net has \(labels.count) classes",
        hint: "by order there must be a folder for each class; without --by-order folders are called as classes")
    }
    let names = ClassNames(labels)
    var out: [EvaluationItem] = []
    for (place, name) in folders.enumerated() {
      let index: Int
      do throws(Failure) {
        index = isByOrder ? place : try names.index(of: name)
      } catch {
        throw error.inFile(Paths.join(folder, name))
      }
      for path in try pictures(in: Paths.join(folder, name)) {
        out.append(item(path, index, labels, id: String(out.count + 1)))
      }
    }
    guard !out.isEmpty else {
      throw Failure(
        .noInput, file: folder, "has no images in its folders", hint: "they are known by their endings: .jpg, .png, …")
    }
    return out
  }

  /// None of a class is no mistake.
  private static func pictures(in folder: String) throws(Failure) -> [String] {
    do throws(Failure) {
      return try PictureFiles.find([folder])
    } catch {
      guard error.kind == .noInput else { throw error }
      return []
    }
  }

  private static func item(_ path: String, _ index: Int, _ labels: [String], id: String) -> EvaluationItem {
    var item = EvaluationItem(id: id, image: path, question: "", answers: [labels[index]], answerType: labels[index])
    item.classIndex = index
    return item
  }

  // MARK: Tables

  private static let hint = "the first line names the columns: image,label"

  private static let imageColumns: Set = ["image", "file", "filename", "file_name", "path"]
  private static let labelColumns: Set = ["label", "class", "target", "answer"]

  private static func read(
    table file: DataFile, images folder: String, _ labels: [String]
  ) throws(Failure) -> [EvaluationItem] {
    var images = try ImageFinder(folder: folder)
    let names = ClassNames(labels)
    guard !file.bytes.isEmpty else { throw Failure(.badData, file: file.path, "is empty", hint: hint) }
    var (records, columns) = try header(of: file)
    var out: [EvaluationItem] = []
    var missing: Failure?
    while let record = try records.next() {
      if record.fields.allSatisfy(\.isEmpty) { continue }
      guard record.fields.count == columns.count else {
        throw records.failure(
          record.line,
          "has \(record.fields.count) \(record.fields.count == 1 ? "field" : "fields"), the header \(columns.count)",
          hint: "a text with commas or quotes stands in quotes")
      }
      let (image, label) = (record.fields[columns.image], record.fields[columns.label])
      guard !image.isEmpty, !image.utf8.contains(0) else {
        throw records.failure(record.line, "the image is no path", hint: hint)
      }
      do throws(Failure) {
        var item = item(image, try names.index(of: label), labels, id: String(record.line))
        try item.setImage([image], image, in: &images)
        item.imageProblem?.place = "line \(record.line)"
        missing = missing ?? item.imageProblem
        out.append(item)
      } catch {
        throw error.kind == .badData ? records.failure(record.line, error.reason, hint: error.hint ?? hint) : error
      }
    }
    guard !out.isEmpty else { throw Failure(.badData, file: file.path, "has a header only", hint: hint) }
    if let missing, out.allSatisfy({ $0.imageProblem != nil }) { throw missing }
    return out
  }

  private static func header(
    of file: DataFile
  ) throws(Failure) -> (CSVRecords, (image: Int, label: Int, count: Int)) {
    var first: [String] = []
    for separator in CSVRecords.separators {
      var records = CSVRecords(path: file.path, bytes: file.bytes[...], separator: separator)
      guard let record = try? records.next() else { continue }
      let names = record.fields.map { $0.lowercased() }
      let image = names.indices.filter { imageColumns.contains(names[$0]) }
      let label = names.indices.filter { labelColumns.contains(names[$0]) }
      if image.count == 1, label.count == 1 { return (records, (image[0], label[0], names.count)) }
      if first.isEmpty { first = record.fields }
      if image.count + label.count > 2 {
        throw Failure(
          .badData, file: file.path, place: "line 1", "has several columns of images or of labels", hint: hint)
      }
    }
    let told = first.prefix(8).map { "\"\(shortened($0, to: 40))\"" }.joined(separator: ", ")
    throw Failure(
      .badData, file: file.path, place: "line 1", "there are no columns \"image\" and \"label\" among \(told)",
      hint: hint)
  }
}
