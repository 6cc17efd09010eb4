/// Why something could not be done: one line that names the file, the place in it and the reason, and a hint that says
/// what to do about it. Every error of the libraries and of the command has this form.
public struct Failure: Error, Hashable, Sendable {
  /// What sort of failure it is; decides the exit status of the command.
  public enum Kind: Int, Hashable, Sendable {
    /// It ran and the answer is no: a mismatch, a difference, a budget exceeded.
    case mismatch = 1
    /// The command line makes no sense.
    case usage = 64
    /// The input's bytes are not what they should be.
    case badData = 65
    /// There is no such input.
    case noInput = 66
    /// Another machine doesn't give what it was asked for, or a library that is needed isn't here.
    case unavailable = 69
    /// The output can't be created.
    case cannotCreate = 73
    /// Reading or writing failed.
    case io = 74

    /// Exit status of the command, after BSD's sysexits.h.
    public var exitStatus: Int32 { Int32(rawValue) }

    /// As reports tell it.
    public var name: String {
      switch self {
      case .mismatch: "mismatch"
      case .usage: "usage"
      case .badData: "bad-data"
      case .noInput: "no-input"
      case .unavailable: "unavailable"
      case .cannotCreate: "cannot-create"
      case .io: "io"
      }
    }

    /// What can be done where a failure says nothing better.
    public var usualHint: String {
      switch self {
      case .mismatch: "see what differs above"
      case .usage: "`ingot help` shows the commands, `ingot help COMMAND` one of them"
      case .badData: "the file is malformed or damaged: fetch it again, or ask its author"
      case .noInput: "check the path's spelling"
      case .unavailable: "try again later"
      case .cannotCreate: "choose another place, or see what is there"
      case .io: "check the disk, the permissions and the length of the path"
      }
    }
  }

  public var kind: Kind
  /// Path of the file concerned.
  public var file: String?
  /// Where in the file: a byte offset, an array's name.
  public var place: String?
  public var reason: String
  /// What the reader of the message can do.
  public var hint: String?
  /// Whether a system call failed that should not have.
  var isOfSystem = false
  /// Whether this tells of the machine, or of another, and nothing of what is in the file.
  package var isOfMachine: Bool { isOfSystem || kind == .io || kind == .unavailable }

  public init(_ kind: Kind, file: String? = nil, place: String? = nil, _ reason: String, hint: String? = nil) {
    self.kind = kind
    self.file = file
    self.place = place
    self.reason = reason
    self.hint = hint
  }

  /// The failure of a sound input that can't be used here, with a hint of its own: nothing is to be fetched again.
  public static func unsupported(
    file: String? = nil, place: String? = nil, _ reason: String, hint: String? = nil
  ) -> Failure {
    Failure(.badData, file: file, place: place, reason, hint: hint ?? unsupportedHint)
  }

  /// What can be done about an input that isn't supported, where a failure says nothing better.
  public static let unsupportedHint =
    "the file isn't damaged, but this can't be run here: `ingot inspect` shows what is in it, `ingot list` what can be run"

  /// What to do about a file that ends where more is needed.
  package static let truncationHint = "the download may be incomplete: fetch the file again"

  /// Exit status of the command.
  public var exitStatus: Int32 { kind.exitStatus }

  /// The same failure, located in `file` unless it already names one.
  public func inFile(_ file: String) -> Failure {
    var copy = self
    copy.file = copy.file ?? file
    return copy
  }

  /// The same failure, of a file whose stand-in it was about.
  package func of(_ file: String) -> Failure {
    var copy = self
    copy.file = file
    return copy
  }

  /// An error of any sort as a failure.
  public static func wrapping(_ error: any Error, file: String) -> Failure {
    error as? Failure ?? Failure(.io, file: file, "\(error)")
  }

  /// The same failure with a hint unless it already has one.
  public func hinting(_ hint: String) -> Failure {
    var copy = self
    copy.hint = copy.hint ?? hint
    return copy
  }
}

/// What `body` finds, or nil where what it reads is not of the form for that.
/// - Throws: `Failure` where the machine failed to read it: nothing is known of the file then, and what would be told
///   without it might be wrong.
package func ifFound<Found>(_ body: () throws(Failure) -> Found?) throws(Failure) -> Found? {
  do { return try body() } catch {
    if error.isOfMachine { throw error }
    return nil
  }
}

extension Failure: CustomStringConvertible {
  /// `file: place: reason`, with control characters escaped so that a hostile name can't forge a second line, and cut
  /// where one is endless.
  public var description: String {
    [file, place, reason].compactMap(\.self).map { printable(shortened($0)) }.joined(separator: ": ")
  }
}

/// `text`, or its beginning and an ellipsis where it is longer than anybody reads.
public func shortened(_ text: String, to length: Int = 600) -> String {
  text.utf8.count <= length ? text : String(decoding: text.utf8.prefix(length), as: UTF8.self) + "…"
}

/// `1 byte`, `2 bytes`.
public func byteCount(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }

/// JSON text with such characters of its strings as `printable` escapes, escaped as JSON does it.
public func printableJSON(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 < 0x7f }) { return text }
  var out = ""
  for scalar in text.unicodeScalars {
    guard scalar != "\n", isUnprintable(scalar) else {
      out.unicodeScalars.append(scalar)
      continue
    }
    for unit in String(scalar).utf16 {
      let digits = String(unit, radix: 16)
      out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
  }
  return out
}

/// `text` with control characters, line and paragraph separators and direction overrides escaped: fit for one line of a
/// terminal, whatever a file's author put into a name.
public func printable(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
  var out = ""
  for scalar in text.unicodeScalars {
    if isUnprintable(scalar) {
      out += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      out.unicodeScalars.append(scalar)
    }
  }
  return out
}

private func isUnprintable(_ scalar: UnicodeScalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
  default: false
  }
}
