import Arrays
import Foundation
import TestSupport
import Testing

@Suite struct AskVideoTests {
  private static let video = "weights/demo/videos/circles.mp4"
  private static let fixtures = "Tests/MediaTests/Fixtures/videos"

  private let folder = TemporaryFolder()
  private var shelf: String { folder.file("shelf") }

  init() throws { #expect(try Run(["convert", "weights/demo"], shelf: folder.file("shelf")).status == 0) }

  private func ask(_ arguments: String..., input: String? = nil) throws -> Run {
    try Run(["ask", "--set", "Release=demo"] + arguments, shelf: shelf, input: input)
  }

  @Test func aVideoIsAnswered() throws {
    let run = try ask(Self.video, "what shape is present?", "--frames", "8")
    #expect(run.status == 0 && run.output == "circle\n" && run.errors == "")
  }

  @Test func jsonTellsTheFrames() throws {
    let answers = try ask(Self.video, "what shape is present?", "is there a circle?", "--frames", "4", "--json")
      .json().member("answers").array()
    #expect(answers.count == 2)
    for answer in answers {
      let frames = try answer.member("frames").array()
      #expect(try frames.map { try $0.member("index").size() } == [2, 6, 10, 14])
      #expect(try frames.map { try $0.member("time").number() } == [0.25, 0.75, 1.25, 1.75])
    }
    #expect(
      try ask(Self.video, "what?", "--json").json().member("answers").array()[0].member("frames").array().count == 16)
  }

  @Test func anAnimationIsAPictureUnlessFramesAreGiven() throws {
    for name in ["animation.gif", "animation.webp"] {
      let path = "\(Self.fixtures)/\(name)"
      #expect(try ask(path, "what?", "--json").json().member("answers").array()[0]["frames"] == nil)
      let frames = try ask(path, "what?", "--json", "--frames", "3").json().member("answers").array()[0].member(
        "frames")
      #expect(try frames.array().map { try $0.member("index").size() } == [2, 6, 10])
    }
    // What has one frame only is a picture all the same.
    let picture = "weights/demo/pictures/red-circle-0004.png"
    #expect(try ask(picture, "what?", "--json", "--frames", "3").json().member("answers").array()[0]["frames"] == nil)
  }

  @Test func linesMayNameVideos() throws {
    let run = try ask(
      input: """
        {"image": "\(Self.video)", "question": "what shape is present?"}
        {"image": "\(Self.video)", "question": "is there a circle?"}
        {"image": "\(Self.fixtures)/playlist.m3u8", "question": "what?"}
        {"image": "\(Self.fixtures)/sound.mp4", "question": "what?"}
        {"image": "weights/demo/pictures/red-circle-0004.png", "question": "what shape is present?"}
        """)
    #expect(run.status == 1 && run.errors == "")
    let answers = try run.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(answers.map { $0["answer"] } == ["circle", "yes", nil, nil, "circle"])
    #expect(answers.map { $0["error"]?["status"] } == [nil, nil, 65, 65, nil])
    #expect(answers.map { $0["frames"] != nil } == [true, true, false, false, false])
    // The second question is about a video that was looked at already.
    #expect(try answers[1].member("seconds").member("image").number() == 0)
  }

  @Test func aTraceIsComparedWithItself() throws {
    let trace = folder.file("trace.safetensors")
    // More frames are taken than there are: some count several times.
    #expect(try ask("\(Self.fixtures)/variable.mp4", "what shape?", "--frames", "32", "--trace", trace).status == 0)
    let verify = try Run(["verify", "--set", "Release=demo", "--reference", trace], shelf: shelf)
    #expect(verify.status == 0 && verify.output.contains("image_embeds"), "\(verify.errors)")
    var damaged = try bytes(of: trace)
    let range = try #require(Data(damaged).range(of: Data("\\\"picks\\\":".utf8)))
    damaged[range.upperBound] = UInt8(ascii: "0")
    let refused = try Run(
      ["verify", "--set", "Release=demo", "--reference", folder.write(damaged, to: "damaged.safetensors")], shelf: shelf
    )
    #expect(refused.status == 65 && refused.errors.contains("metadata: images.0.frames"), "\(refused.errors)")
  }

  @Test func wrongInputsSayWhatIsWrong() throws {
    let garbage = try folder.write([UInt8](repeating: 0x2a, count: 5000), to: "garbage.mp4")
    let start = try folder.write(Array("0000ftypisom".utf8) + [UInt8](repeating: 0x2a, count: 5000), to: "start.mp4")
    let cut = try folder.write(Array(bytes(of: packageFile("\(Self.fixtures)/h264.mp4")).prefix(3000)), to: "cut.mp4")
    let empty = try folder.write([], to: "empty.mp4")
    let cases: [(arguments: [String], status: Int32, error: String)] = [
      ([garbage, "what?"], 65, "is not an image of a known format, nor a video"),
      ([empty, "what?"], 65, "empty.mp4: is empty"),
      ([start, "what?"], 65, "start.mp4: is "), ([cut, "what?"], 65, "is damaged"),
      (["\(Self.fixtures)/list.ffconcat", "what?"], 65, "nor a video"),
      (["\(Self.fixtures)/sound.mp4", "what?"], 65, "holds no video"),
      ([Self.video, "what?", "--frames", "0"], 64, "--frames is a number from 1 to 1024"),
      ([Self.video, "what?", "--frames", "1025"], 64, "--frames is a number from 1 to 1024"),
      (["none.mp4", "what?"], 66, "none.mp4: no such file"),
    ]
    for (arguments, status, error) in cases {
      let run = try Run(["ask", "--set", "Release=demo"] + arguments, shelf: shelf)
      #expect(run.status == status, "\(arguments): \(run.errors)")
      let lines = run.errors.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].contains(error) && lines[1].hasPrefix("hint: "), "\(run.errors)")
    }
  }

  /// Neither the parent nor, should one get that far, the child opens what a playlist names.
  @Test func playlistsOpenNothing() throws {
    for name in ["playlist.m3u8", "list.ffconcat"] {
      let child = try Run(
        ["video-child", "--allow", "video-seconds=60", "--", "\(Self.fixtures)/\(name)", "8"])
      // FFmpeg 7 doesn't even take the first for what it is.
      let words = ["not among the videos that are read", "is not a video of a known format"]
      #expect(child.status == 65 && child.output == "" && words.contains(where: child.errors.contains))
    }
  }

  @Test func limitsAreKept() throws {
    // Too little memory to load the libraries.
    let memory = try Run(
      ["video-child", "--allow", "video-memory=40000000", "--", "\(Self.fixtures)/h264.mp4", "8"])
    #expect(memory.status != 0 && !memory.output.hasSuffix("E"))
  }
}
