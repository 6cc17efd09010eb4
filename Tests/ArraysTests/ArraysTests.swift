import Arrays
import TestSupport
import Testing

@Suite struct ShapeTests {
  @Test func multipliesDimensions() throws {
    #expect(try Shape([768, 3, 16, 16]).elements == 589_824)
    #expect(try Shape([]).elements == 1)
    #expect(try Shape([5, 0, 7]).elements == 0)
    #expect(try Shape([30524, 768]).bytes(of: .float32) == 93_769_728)
  }

  @Test func refusesWhatCannotBeCounted() throws {
    #expect(
      failure { _ = try Shape([1 << 32, 1 << 32]) }?.reason
        == "shape [4294967296, 4294967296] has more elements than 63 bits can count")
    #expect(failure { _ = try Shape([2, -1]) }?.reason == "shape [2, -1] has a negative dimension")
    #expect(
      failure { _ = try Shape([1, 1, 1, 1, 1, 1, 1, 1, 1]) }?.reason
        == "shape has 9 dimensions; at most 8 are supported")
    let large = try Shape([1 << 61])
    #expect(
      failure { _ = try large.bytes(of: .float64) }?.reason.hasSuffix("more bytes than 63 bits can count") == true)
  }
}

@Suite struct SHA256Tests {
  /// FIPS 180-4 examples, as NIST publishes them.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func givesPublishedDigests(text: String, digest: String) {
    #expect(SHA256.digest(Array(text.utf8)).description == digest)
  }

  @Test func digestsInPieces() {
    var hash = SHA256()
    for _ in 0..<1000 { hash.update([UInt8](repeating: UInt8(ascii: "a"), count: 1000).rawSpan) }
    #expect(hash.finish().description == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    hash.update(Array("abc".utf8).rawSpan)
    #expect(hash.finish() == SHA256.digest(Array("abc".utf8)))
  }

  /// Two at once: NIST's digests, and libcrypto's of pieces whose ends fall anywhere in a block.
  @Test(arguments: [true, false])
  func digestsTwoAtOnce(isTogether: Bool) {
    var hash = TwinSHA256(isTogether: isTogether)
    let (abc, none) = (Array("abc".utf8), [UInt8]())
    let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(hash.update(abc.rawSpan, digesting: abc.rawSpan).description == wanted)
    #expect(hash.finish().description == wanted)
    #expect(hash.update(none.rawSpan, digesting: abc.rawSpan).description == wanted)
    #expect(hash.finish() == SHA256.digest([]))
    var bytes: [UInt8] = []
    for number in 0..<5000 { bytes.append(UInt8(truncatingIfNeeded: number &* number >> 5 &+ number)) }
    for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000] {
      for others in [0, 1, 64, 65, 640, 1003] {
        var own = none
        for start in [0, 7, 1000] {
          own += bytes[start..<start + length]
          let (mine, theirs) = (Array(bytes[start..<start + length]), Array(bytes[2000..<2000 + others]))
          #expect(hash.update(mine.rawSpan, digesting: theirs.rawSpan) == SHA256.digest(theirs), "\(length), \(others)")
        }
        hash.update(abc.rawSpan)
        #expect(hash.finish() == SHA256.digest(own + abc), "\(length), \(others)")
      }
    }
  }

  @Test func readsHexadecimal() {
    let digest = SHA256.digest([])
    #expect(Digest(hex: digest.description) == digest)
    #expect(Digest(hex: digest.description.uppercased()) == nil)
    #expect(Digest(hex: String(digest.description.dropLast())) == nil)
  }
}

@Suite struct FloatConversionTests {
  private func convert(_ value: Float, to type: ElementType) -> UInt16 {
    let bytes = FloatConversion.convert(value.bitPattern.littleEndianBytes.rawSpan, from: .float32, to: type)
    return UInt16(bytes[0]) | UInt16(bytes[1]) << 8
  }

  /// Bit patterns from IEEE 754: halfway cases go to the even neighbour.
  static let halves: [(Float, UInt16)] = [
    (1, 0x3c00), (-2, 0xc000), (65504, 0x7bff), (65520, 0x7c00), (5.960_464_5e-8, 0x0001), (2.980_232_2e-8, 0x0000),
    (1.000_488_281_25, 0x3c00), (1.001_464_843_75, 0x3c02), (-0.0, 0x8000), (.infinity, 0x7c00),
  ]

  @Test(arguments: halves)
  func roundsToFloat16(value: Float, bits: UInt16) {
    #expect(convert(value, to: .float16) == bits)
  }

  static let brainFloats: [(Float, UInt16)] = [
    (1, 0x3f80), (-2, 0xc000), (1.003_906_25, 0x3f80), (1.011_718_75, 0x3f82), (3.4e38, 0x7f80), (-0.0, 0x8000),
  ]

  @Test(arguments: brainFloats)
  func roundsToBfloat16(value: Float, bits: UInt16) {
    #expect(convert(value, to: .bfloat16) == bits)
  }

  @Test func everyHalfSurvivesWidening() {
    for type in [ElementType.float16, .bfloat16] {
      for bits in UInt16.min...UInt16.max {
        let wide = FloatConversion.convert(bits.littleEndianBytes.rawSpan, from: type, to: .float32)
        let back = FloatConversion.convert(wide.rawSpan, from: .float32, to: type)
        let isNaN = type == .float16 ? Float16(bitPattern: bits).isNaN : Float(bitPattern: UInt32(bits) << 16).isNaN
        if !isNaN, back != bits.littleEndianBytes { Issue.record("\(type) \(bits)") }
      }
    }
  }

  @Test func nanStaysNaN() {
    // Its payload is in the half that bfloat16 drops.
    #expect(convert(Float(bitPattern: 0x7f80_0001), to: .bfloat16) & 0x7fff > 0x7f80)
  }
}

@Suite struct BytePlanesTests {
  @Test(arguments: [(0, 4), (4, 4), (1000, 2), (BytePlanes.blockSize, 4), (2 * BytePlanes.blockSize + 8, 8), (17, 1)])
  func unpacksWhatItPacked(count: Int, elementSize: Int) throws {
    var generator = SystemRandomNumberGenerator()
    let data = (0..<count).map { $0 % elementSize == 0 ? UInt8.random(in: 0...255, using: &generator) : 3 }
    var stored: [UInt8] = []
    for start in stride(from: 0, to: count, by: BytePlanes.blockSize) {
      let block = Array(data[start..<min(start + BytePlanes.blockSize, count)])
      stored += BytePlanes.compress(block.rawSpan, elementSize: elementSize)
    }
    var unpacked: [UInt8] = []
    try BytePlanes.forEachBlock(of: stored, count: count, elementSize: elementSize) { unpacked.append(contentsOf: $0) }
    #expect(unpacked == data)
    #expect(stored.count <= BytePlanes.bound(count))
  }

  @Test func refusesDamagedFrames() {
    let data = [UInt8](repeating: 5, count: 64)
    let frame = BytePlanes.compress(data.rawSpan, elementSize: 4)
    func message(_ stored: [UInt8], _ count: Int) -> String? {
      failure { try BytePlanes.forEachBlock(of: stored, count: count, elementSize: 4) { _ in } }?.description
    }
    #expect(message(frame, 64) == nil)
    #expect(message(frame, 60) == "compressed byte 0: no zstd frame of 60 bytes where one is needed")
    #expect(message([], 64) == "compressed byte 0: no zstd frame of 64 bytes where one is needed")
    #expect(message(frame + [0], 64) == "compressed byte \(frame.count): bytes after the last zstd frame")
    #expect(message(Array(frame.dropLast()), 64) == "compressed byte 0: no zstd frame of 64 bytes where one is needed")
  }
}

@Suite struct ByteReaderTests {
  @Test func readsLittleEndianAndStopsAtTheEnd() throws {
    var reader = ByteReader([1, 2, 3, 4, 5])
    #expect(try reader.integer(UInt16.self) == 0x0201)
    #expect(failure { _ = try reader.integer(UInt64.self) }?.description == "byte 2: 8 bytes expected, 3 left")
    #expect(try Array(reader.take(3)) == [3, 4, 5])
  }
}

@Suite struct PrintableTests {
  @Test func escapesWhatCouldForgeALine() {
    #expect(printable("a\nb\u{1b}[31m\u{202e}é😀") == "a\\u{a}b\\u{1b}[31m\\u{202e}é😀")
  }
}

@Suite struct ParallelTests {
  @Test func doesEveryJobOnce() throws {
    let counts = Counter()
    try inParallel(jobs: 1000, workers: 4) { counts.add($0) }
    #expect(counts.values == Array(0..<1000))
  }

  @Test func stopsAfterAnError() {
    let counts = Counter()
    let error = failure {
      try inParallel(jobs: 1000, workers: 1) { job in
        counts.add(job)
        if job == 3 { throw Failure(.io, "stop") }
      }
    }
    #expect(error?.reason == "stop")
    #expect(counts.values == [0, 1, 2, 3])
  }

  /// Whichever thread is faster.
  @Test func throwsTheFirstError() {
    for _ in 0..<50 {
      let error = failure {
        try inParallel(jobs: 1000, workers: 4) { job in
          if job >= 3 { throw Failure(.io, "\(job)") }
        }
      }
      #expect(error?.reason == "3")
    }
  }
}
