import Arrays
import Families
import Media
import Remote
import Tasks

// What a program needs that offers nets to others.

/// Net files on a shelf that do something together.
public typealias RunnableNets = Tasks.RunnableNets
/// Nets that can be run.
public typealias OpenNets = Tasks.OpenNets
/// A folder of net files.
public typealias Shelf = Families.Shelf
/// Nets that make vectors of texts, of pictures, or of both in one space.
public typealias Embedder = Tasks.Embedder
/// Says what is in pictures with a Vision Transformer that was trained as a classifier.
public typealias ImageClassification = Tasks.ImageClassification
/// What looks at an image's patches, and how much at each.
public typealias ImageAttention = Tasks.ImageAttention
/// A JSON value (RFC 8259).
public typealias JSONValue = Arrays.JSONValue
/// One member of an object.
public typealias JSONMember = Arrays.JSONMember
/// How much a JSON text may hold, and how strictly it is read.
public typealias JSONRules = Arrays.JSONRules
/// A SHA-256 digest (FIPS 180-4).
public typealias Digest = Arrays.Digest
/// SHA-256 over bytes that come in pieces.
public typealias SHA256 = Arrays.SHA256
/// Standard output and standard error.
public typealias Console = Arrays.Console
/// Questions about paths and the process's surroundings.
public typealias Paths = Arrays.Paths

/// The version of Ingot.
public let version = Families.Ingot.version

/// The bytes of a `data:` address (RFC 2397), or of base64 alone.
/// - Throws: `Failure` of kind `badData` when it is malformed, or longer than the limit `image-bytes` allows.
public func bytes(ofDataAddress address: String) throws(Failure) -> [UInt8] { try PictureSource.data(address).bytes() }

/// The bytes that base64 stands for (RFC 4648, either alphabet; padding may be missing); nil where it is none.
public func bytes(ofBase64 text: String) -> [UInt8]? { base64Decoded(Array(text.utf8)) }

/// Bytes in base64 (RFC 4648, section 4), padded.
public func base64(of bytes: [UInt8]) -> String { base64(bytes) }

/// The text of which another is the percent-encoded form (RFC 3986); nil where it is none, or not of UTF-8.
public func text(ofPercentEncoded text: String) -> String? { percentDecoded(text) }

/// The bytes of a small file.
/// - Throws: `Failure` of kind `noInput` when there is no such file, `badData` when it is longer, `io`.
public func fileContents(of path: String, mostBytes: Int) throws(Failure) -> [UInt8] {
  let file = try InputFile(path)
  guard file.size <= mostBytes else { throw Failure(.badData, file: path, "has more than \(mostBytes) bytes") }
  return try file.bytes(file.size, at: 0)
}

/// A tensor that goes into nets or comes out of them.
public typealias RawTensor = Tasks.RawTensor
/// What nets take and give as tensors.
public typealias RawTensorKind = Tasks.RawTensorKind

/// Fetches what a stranger named by its address, from hosts that were listed and addresses of the world only.
public typealias PublicFetch = Remote.PublicFetch
