import Arrays
import Checkpoints
import Families
import Foundation
import TestSupport
import Testing

/// One bad file of many costs that file only.
@Suite struct FailedInputTests {
  private static let (red, blue) = (
    "weights/demo/pictures/red-circle-0004.png", "weights/demo/pictures/blue-circle-0014.png"
  )
  private static let shape = "what shape is present?"
  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }
  private let broken: String

  init() throws {
    #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0)
    broken = try folder.write(Array(bytes(of: packageFile(Self.red)).prefix(300)), to: "broken.png")
  }

  private func run(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(arguments + ["--set", "Release=demo"], shelf: shelf, input: input)
  }

  @Test func askGoesOn() throws {
    let run = try run("ask", Self.red, Self.shape, "--image", broken, "--image", "none.png", "--image", Self.blue)
    #expect(run.status == 1)
    #expect(
      run.output == """
        \(Self.red)
          what shape is present?  circle
        \(Self.blue)
          what shape is present?  circle

        """)
    let lines = run.errors.split(separator: "\n")
    #expect(lines.count == 5 && lines[0].hasPrefix("ingot: error: \(broken): PNG: ") && lines[1].hasPrefix("hint: "))
    #expect(lines[2] == "ingot: error: none.png: no such file")
    #expect(lines[4] == "ingot: 4 images, 2 could not be read")
    let report = try self.run("ask", broken, Self.shape, "--image", Self.red, "--json")
    #expect(report.status == 1)
    let json = try report.json()
    #expect(try json.member("answers").array().map { $0["image"] } == [.string(Self.red)])
    #expect(try json.member("failed").array().map { $0["image"] } == [.string(broken)])
    #expect(try json.member("failed").array()[0].member("error").member("status") == 65)
    // An image alone is the whole input.
    #expect(try self.run("ask", broken, Self.shape).status == 65)
    // Where a question can't be asked, no image is at fault.
    #expect(try self.run("ask", Self.red, "", "--image", Self.blue).status == 64)
  }

  /// A net that takes pictures as they are takes those of its own size.
  @Test func sizesThatDoNotFitGoOn() throws {
    let checkpoint = folder.file("odd")
    try FileManager.default.copyItem(atPath: packageFile("weights/demo"), toPath: checkpoint)
    try folder.write(Array(#"{"do_resize":false}"#.utf8), to: "odd/preprocessor_config.json")
    #expect(try Run(["convert", checkpoint, "--set", "Release=odd"], shelf: shelf).status == 0)
    let large = "Tests/MediaTests/Fixtures/images/cmyk.jpg"
    let run = try Run(["ask", large, Self.shape, "--image", Self.red, "--set", "Release=odd"], shelf: shelf)
    #expect(run.status == 1 && run.output.hasPrefix(Self.red))
    #expect(run.errors.hasPrefix("ingot: error: \(large): is "))
    #expect(run.errors.contains("when prepared as the net's profile says, and the net takes 64 × 64\n"))
  }

  @Test func classifyGoesOn() throws {
    let plan = try ConversionPlan(
      openCheckpoint(packageFile("Tests/FamiliesTests/Fixtures/tiny-vit")),
      // Its dimensions are no published size's, so it has no name for a shelf.
      ConversionRequest(isForComparing: true))
    let net = try #require(plan.run(on: Shelf(folder.path), replacing: true, compress: false).first).path
    let run = try Run(["classify", Self.red, broken, Self.blue, "--net", net, "--top", "1"])
    #expect(run.status == 1)
    #expect(run.output.split(separator: "\n").filter { !$0.hasPrefix(" ") } == [Self.red[...], Self.blue[...]])
    #expect(run.errors.hasPrefix("ingot: error: \(broken): PNG: "))
    #expect(run.errors.hasSuffix("\ningot: 3 images, 1 could not be read\n"))
    let json = try Run(["classify", broken, "none.png", "--net", net, "--json"])
    #expect(json.status == 1)
    #expect(try json.json().member("images") == [] && json.json().member("failed").array().count == 2)
    #expect(try Run(["classify", "none.png", "--net", net]).status == 66)
    let turned = "Tests/MediaTests/Fixtures/orientation/png-6.png"
    #expect(try Run(["classify", turned, "--net", net]).errors.contains("--upright turns it"))
    #expect(try Run(["classify", turned, "--net", net, "--upright"]).errors == "")
    let lines = [
      "{\"image\": \"\(Self.red)\", \"id\": 1}", "{\"image\": \"\(broken)\"}",
      "{\"image\": \"\(Self.red)\", \"labels\": [\"a\"]}",
    ]
    let answered = try Run(["classify", "--net", net, "--top", "1"], input: lines.joined(separator: "\n"))
    let out = try answered.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    let alone = try Run(["classify", Self.red, "--net", net, "--top", "1", "--json"]).json()
    #expect(answered.status == 1 && answered.errors == "" && out.count == 3 && out[0]["id"] == 1)
    #expect(try out[0]["classes"] == alone.member("images").array()[0]["classes"])
    #expect(try out[1].member("error").member("message").string().hasPrefix("\(broken): PNG: "))
    #expect(out[2][path: "error.message"] == "labels are given, and the net has classes of its own")
  }

  @Test func featuresGoOn() throws {
    let pictures = folder.file("pictures")
    try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: false)
    for (index, path) in [Self.red, Self.blue, Self.red].enumerated() {
      try folder.write(bytes(of: packageFile(path)), to: "pictures/\(index).png")
    }
    try folder.write([], to: "pictures/1a.jpg")
    let run = try run("features", pictures, "none.jpg", "--output", folder.file("x.csv"))
    #expect(run.status == 1 && run.output.hasPrefix("3 images, 128 elements each"), "\(run.errors)")
    #expect(run.errors.hasSuffix("ingot: 5 images, 2 could not be read\n"))
    let rows = String(decoding: try bytes(of: folder.file("x.csv")), as: UTF8.self).split(separator: "\n").dropFirst()
    #expect(rows.map { $0.prefix { $0 != "," } }.map { Paths.name(String($0)) } == ["0.png", "1.png", "2.png"])
    let json = try self.run("features", pictures, "--output", folder.file("y.csv"), "--json").json()
    #expect(json["images"] == 3)
    #expect(try json.member("failed").array().map { $0["image"] } == [.string("\(pictures)/1a.jpg")])
    let none = try self.run("features", "a.jpg", "b.jpg", "--output", folder.file("z.csv"))
    #expect(none.status == 65 && none.errors.contains("none of the images can be read"))
    #expect(try !Paths.exists(folder.file("z.csv")))
  }

  @Test func evaluateGoesOn() throws {
    let red = packageFile(Self.red)
    let questions = try folder.write(
      Array(
        """
        image,question,answer,question_id
        \(red),what shape is present?,circle,11
        \(broken),what shape is present?,circle,12
        \(folder.file("none.png")),what shape is present?,circle,13
        \(broken),is there a circle?,yes,x14
        \(red),is there a triangle?,yes,15

        """.utf8), to: "q.csv")
    let results = folder.file("results.json")
    let run = try run("evaluate", "--questions", questions, "--results", results)
    #expect(run.status == 1)
    #expect(run.output.hasPrefix("5 questions about 3 images\n3 not asked: 2 images could not be read\n"))
    #expect(run.output.contains("accuracy  50.00 %"))
    let lines = run.errors.split(separator: "\n")
    #expect(lines.count == 5 && lines[0].hasPrefix("ingot: error: \(broken): PNG: "))
    #expect(lines[2].hasPrefix("ingot: error: \(questions): line 4: there is no image"))
    #expect(lines[4] == "ingot: 3 images, 2 could not be read: 3 of 5 questions were not asked")
    #expect(
      try JSONValue(parsing: bytes(of: results)).compactText
        == #"[{"question_id":11,"answer":"circle"},{"question_id":15,"answer":"no"}]"#)
    let json = try self.run("evaluate", "--questions", questions, "--json").json()
    #expect(json["failedQuestions"] == 3)
    #expect(try json.member("failed").array().count == 2)
    let all = try folder.write(Array("image,question\n\(broken),what?\n".utf8), to: "all.csv")
    let none = try self.run("evaluate", "--questions", all)
    #expect(none.status == 65 && none.errors.contains("PNG: "))
  }

  /// The questions of a test part have no answers: what counts is the file for the server.
  @Test func answersForAServerAreWritten() throws {
    for (number, path) in [(1, Self.red), (22, Self.blue)] {
      let digits = String(repeating: "0", count: 12 - String(number).count) + String(number)
      try folder.write(bytes(of: packageFile(path)), to: "COCO_test2015_\(digits).jpg")
    }
    let questions = try folder.write(
      Array(
        """
        {"data_subtype": "test2015", "questions": [
          {"question_id": 22000, "image_id": 22, "question": "what is the color of the circle?"},
          {"question_id": 1001, "image_id": 1, "question": "what shape is present?"}]}
        """.utf8), to: "v2_OpenEnded_mscoco_test2015_questions.json")
    let results = folder.file("results.json")
    let run = try run("evaluate", "--questions", questions, "--results", results)
    #expect(run.status == 0 && run.output.contains("accuracy  -"))
    let expected = #"[{"question_id":22000,"answer":"blue"},{"question_id":1001,"answer":"circle"}]"#
    #expect(try JSONValue(parsing: bytes(of: results)).compactText == expected)
    // The same by lines, whose ids come back as they are.
    let lines = """
      \u{feff}{"image": "\(Self.blue)", "question": "what is the color of the circle?", "question_id": 22000}\r
      {"image": "\(Self.red)", "question": "what shape is present?", "question_id": "a1", "id": [1]}\r

      """
    let ask = try self.run("ask", "--results", results, input: lines)
    #expect(ask.status == 0, "\(ask.output)")
    let answers = try ask.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(answers.map { $0["question_id"] } == [22000, "a1"] && answers.map { $0["id"] } == [nil, [1]])
    #expect(
      try JSONValue(parsing: bytes(of: results)).compactText
        == #"[{"question_id":22000,"answer":"blue"},{"question_id":"a1","answer":"circle"}]"#)
    #expect(try self.run("ask", Self.red, "what?", "--results", results).status == 64)
    #expect(try self.run("evaluate", "--questions", questions, "--results", "/proc/nowhere/x").status == 73)
  }

  // MARK: What is given in another way than it is meant

  @Test func aSecondPictureIsNoQuestion() throws {
    for second in [Self.blue, "none.png", "weights/demo/pictures/../pictures/red-circle-0004.png"] {
      let run = try run("ask", Self.red, second, Self.shape)
      #expect(run.status == 64 && run.output == "" && run.errors.contains("is an image, not a question"))
      #expect(run.errors.contains("hint: a further image is given as --image \(second)"))
    }
    // A question may have a full stop, and a name in it.
    #expect(try run("ask", Self.red, "is this a picture called circle.png").status == 0)
  }

  @Test func wordsWithoutQuotesAreToldOf() throws {
    let words = try run("ask", Self.red, "what", "shape")
    #expect(words.status == 0)
    #expect(
      words.errors
        == "ingot: note: these are 2 questions of one word each; a question of several stands in quotes: \"what shape\"\n"
    )
    #expect(try run("ask", Self.red, "shape?").errors == "")
    #expect(try run("ask", Self.red, "shape?", "what color is it?").errors == "")
  }

  @Test func picturesOfStandardInputAndAddresses() throws {
    let process = Process()
    process.executableURL = Run.binary
    process.arguments = ["ask", "-", Self.shape, "--set", "Release=demo", "--shelf", shelf]
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: packageFile(Self.red)))
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && text == "circle\n")
    let address = "data:image/png;base64," + Data(try bytes(of: packageFile(Self.red))).base64EncodedString()
    #expect(try run("ask", address, Self.shape).output == "circle\n")
    let other = try run("ask", "https://example.org/a.jpg", Self.shape)
    #expect(other.status == 66 && other.errors.contains("hint: download it first"))
    #expect(try run("ask", "-", Self.shape).errors.contains("standard input: is empty"))
  }

  /// A picture that was taken with the camera turned: its notes are heeded where that is wanted, and told of where not.
  @Test func turnedPicturesAreToldOf() throws {
    let turned = "Tests/MediaTests/Fixtures/orientation/png-6.png"
    let note = "\(turned) was taken with the camera turned (EXIF orientation)"
    let attention = ["attention", turned, "what?", "--output", folder.file("a.png")]
    for arguments in [["ask", turned, "what?"], ["features", turned, "--output", folder.file("f.csv")], attention] {
      let stored = try Run(arguments + ["--set", "Release=demo"], shelf: shelf)
      #expect(stored.status == 0 && stored.errors.contains(note), "\(stored.errors)")
      let upright = try Run(arguments + ["--set", "Release=demo", "--upright"], shelf: shelf)
      #expect(upright.status == 0 && upright.errors == "")
    }
    // The same pixels as those of the picture that Pillow turned: the same vector.
    let expected = try JSONValue(
      parsing: bytes(of: packageFile("Tests/MediaTests/Fixtures/orientation/expected.json")))
    let pixels = try expected.member("png-6.png").member("upright").array()
    let (width, height, hex) = (try pixels[0].size(), try pixels[1].size(), Array(try pixels[2].string().utf8))
    let rgb = stride(from: 0, to: hex.count, by: 2).map {
      UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
    let portable = try folder.write(Self.bmp(width, height, rgb), to: "turned.bmp")
    func vector(_ path: String, _ further: String...) throws -> [Substring] {
      let file = folder.file("v.csv")
      #expect(
        try Run(["features", path, "--output", file, "--set", "Release=demo"] + further, shelf: shelf).status == 0)
      return Array(
        String(decoding: try bytes(of: file), as: UTF8.self).split(separator: "\n")[1].split(separator: ",").suffix(128)
      )
    }
    let upright = try vector(turned, "--upright")
    #expect(try upright == vector(portable) && upright != vector(turned))
    let questions = try folder.write(Array("image,question\n\(packageFile(turned)),what?\n".utf8), to: "q.csv")
    #expect(try run("evaluate", "--questions", questions).errors.contains("was taken with the camera turned"))
    #expect(try run("evaluate", "--questions", questions, "--upright").errors == "")
  }

  /// A Windows bitmap of 24 bits, from the bottom up.
  private static func bmp(_ width: Int, _ height: Int, _ rgb: [UInt8]) -> [UInt8] {
    let stride = (width * 3 + 3) / 4 * 4
    var out =
      Array("BM".utf8) + UInt32(54 + stride * height).littleEndianBytes + [0, 0, 0, 0] + UInt32(54).littleEndianBytes
    out += UInt32(40).littleEndianBytes + UInt32(width).littleEndianBytes + UInt32(height).littleEndianBytes
    out += [1, 0, 24, 0] + [UInt8](repeating: 0, count: 24)
    for y in (0..<height).reversed() {
      for x in 0..<width { out += (0..<3).reversed().map { rgb[3 * (y * width + x) + $0] } }
      out += [UInt8](repeating: 0, count: stride - 3 * width)
    }
    return out
  }
}
