import Arrays

/// Images with people's captions: an item for each image, whose answers are its captions.
public enum CaptionedImages {
  /// Reads COCO's captions (`{"images", "annotations"}`), Karpathy's file (`{"images": [{"filename", "split", "sentences"}]}`,
  /// of which the test split is taken), an array of `{"image", "caption"}` as the original BLIP repository
  /// has it, JSON Lines of the same, or CSV with columns image and caption (Flickr8k's). `caption` is a text or a list, and an
  /// image may be there several times.
  /// - Parameter folder: of the images; nil is the folder of the file.
  /// - Throws: `Failure` of kind `noInput` when the file, or every image, is missing; `badData` when it is malformed or of no
  ///   known form.
  public static func read(_ path: String, images folder: String? = nil) throws(Failure) -> [EvaluationItem] {
    let file = try DataFile(path)
    var list = Collected(images: try ImageFinder(folder: folder ?? Paths.folder(of: path)))
    switch file.ending {
    case "csv", "tsv", "txt": try readTable(file, &list)
    case "jsonl", "ndjson": try readLines(file, &list)
    default:
      let json = LargeJSON(file)
      switch json.shape {
      case .array: _ = try json.forEach(nil) { item throws(Failure) in try list.add(item) }
      case .object(let keys) where keys.contains("annotations") && keys.contains("images"): try readCOCO(json, &list)
      case .object(let keys) where keys.contains("dataset") && keys.contains("images"): try readKarpathy(json, &list)
      case .object(let keys) where keys.contains("image"): try readLines(file, &list)
      default: throw Failure(.badData, file: path, "is no file of captions of a known form", hint: hint)
      }
    }
    guard !list.items.isEmpty else { throw Failure(.badData, file: path, "holds no captions", hint: hint) }
    if let missing = list.items[0].imageProblem, list.items.allSatisfy({ $0.imageProblem != nil }) { throw missing }
    return list.items
  }

  private static let hint =
    "known are COCO's captions, an array or lines of {\"image\", \"caption\"}, and CSV with columns image,caption"

  /// Items in the order of the images' first captions.
  private struct Collected {
    var images: ImageFinder
    var items: [EvaluationItem] = []
    private var places: [String: Int] = [:]

    init(images: ImageFinder) { self.images = images }

    mutating func add(_ image: String, names: [String], id: JSONValue? = nil, _ captions: [String]) throws(Failure) {
      if let place = places[image] {
        items[place].answers += captions
        return
      }
      var item = EvaluationItem(
        id: id.map(\.compactText) ?? String(items.count + 1), givenID: id, image: "", question: "", answers: captions)
      try item.setImage(names, image, in: &images)
      places[image] = items.count
      items.append(item)
    }

    /// `{"image", "caption"}`
    mutating func add(_ item: JSONValue) throws(Failure) {
      let image = try item.member("image")
      let name = try image.string()
      guard !name.isEmpty, !name.utf8.contains(0) else { throw image.failure("is no path") }
      let given = item["caption"] ?? item["captions"]
      let captions = if let given { given } else { try item.member("caption") }
      let texts = if case .array = captions.content { try captions.strings() } else { [try captions.string()] }
      guard !texts.isEmpty, texts.allSatisfy({ !$0.allSatisfy(\.isWhitespace) }) else {
        throw captions.failure("is empty")
      }
      try add(name, names: ImageFinder.names(like: name), texts)
    }
  }

  private static func readCOCO(_ json: LargeJSON, _ list: inout Collected) throws(Failure) {
    var captions: [String: [String]] = [:]
    _ = try json.forEach("annotations") { annotation throws(Failure) in
      let image = try ImageReference(annotation.member("image_id")).description
      captions[image, default: []].append(try annotation.member("caption").string())
    }
    _ = try json.forEach("images") { image throws(Failure) in
      let id = try image.member("id")
      guard let texts = captions[try ImageReference(id).description] else { return }
      let name = try image.member("file_name").string()
      // As they are downloaded, images are in folders called as the names' beginnings: COCO_val2014_….
      let parts = name.split(separator: "_").dropFirst().first.map(String.init)
      try list.add(name, names: ImageFinder.names(like: name, folders: parts.map { [$0] } ?? []), id: id, texts)
    }
  }

  /// dataset_coco.json, dataset_flickr30k.json (Karpathy and Fei-Fei, CVPR 2015).
  private static func readKarpathy(_ json: LargeJSON, _ list: inout Collected) throws(Failure) {
    _ = try json.forEach("images") { image throws(Failure) in
      guard try image.member("split").string() == "test" else { return }
      let name = try image.member("filename").string()
      let folder = try image["filepath"]?.string()
      var captions: [String] = []
      for sentence in try image.member("sentences").array() { captions.append(try sentence.member("raw").string()) }
      try list.add(
        name, names: ImageFinder.names(like: name, folders: folder.map { [$0] } ?? []), id: image["imgid"], captions)
    }
  }

  private static func readLines(_ file: DataFile, _ list: inout Collected) throws(Failure) {
    for (number, line) in file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    {
      if line.allSatisfy({ [0x20, 0x09, 0x0d].contains($0) }) { continue }
      do throws(Failure) {
        try list.add(JSONValue(parsing: [UInt8](line)))
      } catch {
        throw Failure(
          error.kind, file: error.file ?? file.path,
          place: ["line \(number + 1)", error.place].compactMap(\.self).joined(separator: ", "),
          error.reason, hint: error.hint ?? hint)
      }
    }
  }

  private static func readTable(_ file: DataFile, _ list: inout Collected) throws(Failure) {
    for separator in CSVRecords.separators {
      var records = CSVRecords(path: file.path, bytes: file.bytes[...], separator: separator)
      guard let header = try? records.next()?.fields.map({ $0.lowercased() }), header.count > 1 else { continue }
      guard let image = header.firstIndex(where: { ["image", "file", "filename", "file_name"].contains($0) }),
        let caption = header.firstIndex(where: { ["caption", "text", "captions"].contains($0) })
      else { continue }
      while let record = try records.next() {
        if record.fields.allSatisfy(\.isEmpty) { continue }
        guard record.fields.count == header.count else {
          throw records.failure(
            record.line, "has \(record.fields.count) fields, the header \(header.count)",
            hint: "a caption with commas or quotes stands in quotes")
        }
        let (name, text) = (record.fields[image], record.fields[caption])
        guard !name.isEmpty, !name.utf8.contains(0), !text.allSatisfy(\.isWhitespace) else {
          throw records.failure(record.line, "the image or the caption is empty", hint: hint)
        }
        try list.add(name, names: ImageFinder.names(like: name), [text])
      }
      return
    }
    throw Failure(
      .badData, file: file.path, place: "line 1", "there are no columns \"image\" and \"caption\"", hint: hint)
  }
}
