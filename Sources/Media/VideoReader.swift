import Arrays

/// The frames of a video that are taken, in the order of their times, one at a time: through a child process, which
/// alone uses FFmpeg's libraries.
package final class VideoReader {
  private let path: String
  private let child: ChildProcess
  private var stream: VideoStream

  /// Different frames among those that are taken.
  package var count: Int { stream.count }
  /// Of the whole video.
  package var frames: Int { stream.frames }
  /// Of the whole video, in seconds.
  package var length: Double { stream.length }

  /// - Parameters:
  ///   - bytes: the video itself, if it is in no file; its path is for errors then.
  ///   - pixels: a bound on those of a frame, below the limit.
  /// - Throws: `Failure` of kind `badData` when it is no sound video, `io` when it can't be read here.
  package init(_ video: Video, bytes: [UInt8]? = nil, pixels: Int? = nil) throws(Failure) {
    path = video.path
    stream = VideoStream(picks: video.frames)
    var words = ["video-child"]
    for limit in [.videoMemory, .videoSeconds, .videoPixels, .videoFrames, .animationBytes] as [Limit] {
      let bound = limit == .videoPixels ? min(limit.value, pixels ?? limit.value) : limit.value
      words += ["--allow", "\(limit.rawValue)=\(bound)"]
    }
    words += ["--", bytes == nil ? video.path : "", "\(video.frames)"]
    child = try ChildProcess(ChildProcess.ingot, words)
    if let bytes {
      // A child that ends before it has read all says why at the end of its output.
      do throws(Failure) { try child.write(bytes.rawSpan) } catch {}
      child.closeInput()
    }
    _ = try taking { stream, read throws(Failure) in try stream.start(read) }
  }

  /// nil after the last.
  package func next() throws(Failure) -> VideoFrame? {
    let frame = try taking { stream, read throws(Failure) in try stream.next(read) }
    if frame == nil {
      let (ending, message) = child.finish()
      guard ending == .exited(0) else { throw Self.failure(ending, message).inFile(path) }
    }
    return frame
  }

  private func taking<Result>(
    _ body: (inout VideoStream, VideoStream.Read) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    do throws(Failure) {
      return try body(&stream) { count, buffer throws(Failure) in try child.read(count, into: &buffer) }
    } catch {
      // At the end of its output it tells why; before, it may wait for somebody to read that, and is ended.
      guard stream.isAtEnd else { throw error.inFile(path) }
      let (ending, message) = child.finish()
      throw (ending == .exited(0) ? error : Self.failure(ending, message)).inFile(path)
    }
  }

  static func failure(_ ending: ChildProcess.Ending, _ message: String) -> Failure {
    let reason = message.isEmpty ? "can't be read" : message
    switch ending {
    case .killed(let signal):
      let (why, isLimit) = ChildProcess.Ending.explanation(of: signal, "FFmpeg", time: .videoSeconds)
      return Failure(
        .badData, "\(why) when this video is decoded",
        hint: "ask about a shorter part of it, or about fewer frames; "
          + (isLimit ? Limit.videoSeconds.hint() : "or convert it with ffmpeg, if you trust it"))
    case .exited(65):
      return Failure(
        .badData, reason,
        hint: Limit.named(in: reason)?.hint()
          ?? "where players show it, `ffmpeg -i VIDEO NEW.mp4` makes one that can be read")
    case .exited(66): return Failure(.noInput, reason)
    case .exited(69):
      return Failure(
        .io, reason,
        hint: Limit.named(in: reason)?.hint()
          ?? "install it: in Debian, `apt-get install ffmpeg libwebpdemux2` brings it")
    case .exited(let status):
      return Failure(.io, message.isEmpty ? "the reading process failed with status \(status)" : message)
    }
  }
}

/// What the child writes (Sources/CVideo/include/video_child.h). It read hostile bytes, so its own word is checked too.
package struct VideoStream {
  /// Reads up to so many bytes into the front of a buffer as large; fewer only at the end.
  package typealias Read = (_ count: Int, _ buffer: inout [UInt8]) throws(Failure) -> Int

  private static let pieceSize = 1 << 20

  private let picks: Int
  package private(set) var frames = 0
  /// Of the whole video, in seconds.
  package private(set) var length = 0.0
  /// Frames that follow in all.
  package private(set) var count = 0
  private var done = 0
  private var picked = 0
  private var last: (index: Int, time: Double)?
  /// Whether the bytes ended where more were needed.
  private(set) var isAtEnd = false

  package init(picks: Int) { self.picks = picks }

  package mutating func start(_ read: Read) throws(Failure) {
    var head = ByteReader(try take(29, read))
    guard try head.take(9).elementsEqual("INGOTVF\u{1}H".utf8) else { throw malformed("a beginning") }
    frames = try size(UInt64.self, &head)
    length = Double(bitPattern: try head.integer(UInt64.self))
    count = try size(UInt32.self, &head)
    guard frames > 0, length >= 0, length.isFinite, (1...min(picks, frames)).contains(count) else {
      throw malformed("a length")
    }
  }

  /// nil after the last.
  package mutating func next(_ read: Read) throws(Failure) -> VideoFrame? {
    let mark = try take(1, read)[0]
    if mark == UInt8(ascii: "E"), done == count, picked == picks {
      var buffer: [UInt8] = [0]
      guard try read(1, &buffer) == 0 else { throw malformed("an end") }
      return nil
    }
    guard mark == UInt8(ascii: "F"), done < count else { throw malformed("a record") }
    var head = ByteReader(try take(28, read))
    let index = try size(UInt64.self, &head)
    let time = Double(bitPattern: try head.integer(UInt64.self))
    let (times, width) = (try size(UInt32.self, &head), try size(UInt32.self, &head))
    let height = try size(UInt32.self, &head)
    guard index < frames, index > last?.index ?? -1, time >= last?.time ?? 0, time <= length else {
      throw malformed("a time")
    }
    guard times > 0, times <= picks - picked else { throw malformed("a number of picks") }
    guard width > 0, height > 0, width <= Limit.videoPixels.value / height else { throw malformed("a size") }
    last = (index, time)
    done += 1
    picked += times
    let picture = Picture(width: width, height: height, rgb: try take(width * height * 3, read))
    return VideoFrame(index: index, time: time, picks: times, picture: picture)
  }

  private mutating func take(_ count: Int, _ read: Read) throws(Failure) -> [UInt8] {
    // In pieces, so that a child can't make this process take memory for what it never gives.
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: min(count, Self.pieceSize))
    while bytes.count < count {
      let wanted = min(buffer.count, count - bytes.count)
      guard try read(wanted, &buffer) == wanted else {
        isAtEnd = true
        throw malformed("all of what")
      }
      bytes += buffer[..<wanted]
    }
    return bytes
  }

  private func size<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type, _ reader: inout ByteReader
  ) throws(Failure) -> Int {
    guard let size = Int(exactly: try reader.integer(type)), size <= 1 << 40 else { throw malformed("a number") }
    return size
  }

  private func malformed(_ what: String) -> Failure {
    Failure(.badData, "the decoding process does not give \(what) it should", hint: "don't trust this video")
  }
}
