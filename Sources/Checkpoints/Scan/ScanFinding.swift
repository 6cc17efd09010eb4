/// Something in a file that loading it elsewhere would run, could run, or that could not be looked at.
public struct ScanFinding: Hashable, Sendable {
  /// How bad it is; decides the verdict.
  public enum Severity: String, Comparable, Sendable {
    /// Worth knowing; nothing runs because of it.
    case note
    /// A part that could not be looked at.
    case unreadable
    /// It runs code, or makes code run later, that is not known to be without effects.
    case unknown
    /// It runs what is known to start programs, run code, or read and write files.
    case harmful

    private var rank: Int {
      switch self {
      case .note: 0
      case .unreadable: 1
      case .unknown: 2
      case .harmful: 3
      }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
  }

  /// What sort of thing was found. Its name is stable, for programs.
  public enum Rule: String, CaseIterable, Sendable {
    case pickleCall = "pickle-call"
    case pickleGlobal = "pickle-global"
    case pickleComputed = "pickle-computed"
    case pickleExtension = "pickle-extension"
    case pickleChange = "pickle-change"
    case pickleHidden = "pickle-hidden"
    case pickleBroken = "pickle-broken"
    case kerasLambda = "keras-lambda"
    case kerasObject = "keras-object"
    case torchScript = "torchscript-operation"
    case graphOperation = "graph-operation"
    case outsidePath = "outside-path"
    case template = "template"
    case remoteCode = "remote-code"
    case configurationObject = "configuration-object"
    case archiveDisagreement = "archive-disagreement"
    case unread = "unread"

    /// What it is, for people.
    public var what: String {
      switch self {
      case .pickleCall: "a pickle calls a function or makes an object"
      case .pickleGlobal: "a pickle names a function or class, whose module is imported when it is loaded"
      case .pickleComputed: "a pickle calls or names what is only known while it is loaded"
      case .pickleExtension: "a pickle names a function or class by a number of Python's extension registry"
      case .pickleChange: "a pickle sets attributes that change what functions or classes do"
      case .pickleHidden: "a pickle stands where no reader of this format looks, but another program may"
      case .pickleBroken: "a pickle ends before its end, or has a part that Python refuses"
      case .kerasLambda: "a Keras layer with Python code in it"
      case .kerasObject: "a Keras configuration names what is imported or reads files when the model is loaded"
      case .torchScript: "TorchScript code that reads or writes files, or needs a native library"
      case .graphOperation: "a graph with operations that read or write files, or run native or Python code"
      case .outsidePath: "a path that leads out of the folder"
      case .template: "a chat template, which is run by a template engine"
      case .remoteCode: "Python code beside the weights"
      case .configurationObject: "a configuration that names Python objects to be made"
      case .archiveDisagreement: "an archive that different readers read differently"
      case .unread: "a part that could not be looked at"
      }
    }
  }

  public var severity: Severity
  public var rule: Rule
  /// The entries of archives that lead to it, from the outermost; empty for the file itself.
  public var place: [String]
  /// The byte of the file, or of the unpacked entry, where it stands.
  public var offset: Int
  /// What is named or called, e.g. `os.system`.
  public var subject: String
  public var message: String
  /// How often.
  public var count = 1

  public init(
    _ severity: Severity, _ rule: Rule, place: [String] = [], at offset: Int, _ subject: String, _ message: String
  ) {
    (self.severity, self.rule, self.place, self.offset) = (severity, rule, place, offset)
    (self.subject, self.message) = (subject, message)
  }
}

/// What loading a file elsewhere comes to.
public enum ScanVerdict: String, Comparable, Sendable {
  case nothing
  case cannotTell = "cannot-tell"
  case something

  /// For people.
  public var text: String {
    switch self {
    case .nothing: "nothing in it can run"
    case .cannotTell: "can't tell"
    case .something: "something could run"
    }
  }

  private var rank: Int { self == .nothing ? 0 : self == .cannotTell ? 1 : 2 }

  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// A function or class that pickles of a file name.
public struct ScannedGlobal: Hashable, Sendable {
  public enum Standing: String, Sendable {
    case harmless, unknown, harmful
  }

  public let name: String
  public let standing: Standing
  public var isCalled: Bool
  public var count: Int
}

/// What was found in one file.
public struct ScannedFile: Sendable {
  public let path: String
  /// What sort of file it is, for people.
  public internal(set) var kind: String
  /// Worst first; by place and offset among the same.
  public internal(set) var findings: [ScanFinding] = []
  /// By name.
  public internal(set) var globals: [ScannedGlobal] = []
  /// Pickles that were walked through.
  public internal(set) var pickles = 0

  public var verdict: ScanVerdict {
    switch findings.map(\.severity).max() {
    case .harmful, .unknown: .something
    case .unreadable: .cannotTell
    case .note, nil: .nothing
    }
  }
}
