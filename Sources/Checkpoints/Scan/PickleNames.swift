/// What is known of the functions and classes that pickles name.
///
/// Three answers: harmless, by a list of what was looked at (`HarmlessNames`); harmful, by a list of modules and functions
/// that start programs, run code, open files or reach others that do (`HarmfulNames`); unknown, which is everything else.
/// A verdict rests on the first list alone: what isn't on it could run code, whether or not anybody has found out how.
enum PickleNames {
  enum Standing {
    case harmless(Use)
    case unknown
    /// With what it does.
    case harmful(String)
  }

  /// In which use something on the list is harmless.
  enum Use {
    /// However it is used, called too.
    case value
    /// As the class of an object that is made without its initializer, and gets a state (`copyreg.__newobj__`).
    case instance
    /// `getattr` of a class that is itself on the list.
    case getattr
    /// `functools.partial` of what is itself on the list.
    case partial
    /// `operator.itemgetter`, `attrgetter`: unless what it gives is called.
    case getter
    /// `_codecs.encode` with an encoding of text.
    case encode
    /// Reads a file out of its argument, which is then scanned.
    case nested
    /// `copyreg._reconstructor`, `__newobj__`: makes an object of its first argument.
    case reconstructor
    /// Calls its arguments.
    case caller

    var mayBeCalled: Bool {
      switch self {
      case .value: true
      default: false
      }
    }
  }

  /// What Python 3 calls modules that pickles of protocols 0 to 2 name as Python 2 did (Lib/_compat_pickle.py).
  private static let renamed = [
    "__builtin__": "builtins", "exceptions": "builtins", "copy_reg": "copyreg", "cPickle": "pickle",
    "commands": "subprocess",
    "urllib2": "urllib.request", "httplib": "http.client", "Queue": "queue", "ConfigParser": "configparser",
    "thread": "_thread", "UserDict": "collections", "UserList": "collections", "UserString": "collections",
    "numpy.core": "numpy._core",
  ]

  static func standing(of module: String, _ name: String) -> Standing {
    let module = renamed[module] ?? module
    if let use = HarmlessNames.use(of: module, name) { return .harmless(use) }
    if let reason = HarmfulNames.reason(of: module, name) { return .harmful(reason) }
    return .unknown
  }
}
