import CEnding

/// How the command ends when a signal ends it. A library has no say in that, so nothing happens in a program that doesn't
/// call `takeSignals`.
public enum Ending {
  /// From now on Ctrl-C (SIGINT), SIGTERM and SIGHUP end the process as they do by default, but unfinished files are
  /// removed first, and children end with it. A mapped file that becomes shorter, or whose disk fails, while it is used
  /// (SIGBUS) ends it with an error line and the status of `Failure.Kind.io`. Files that grow beyond the limit of
  /// `ulimit -f` are an error (SIGXFSZ). A reader of standard output that is gone (SIGPIPE) ends it as ever.
  ///
  /// To be called before any other thread is started: threads inherit which signals they take.
  /// - Throws: `Failure` of kind `io`.
  public static func takeSignals() throws(Failure) {
    let code = ingot_ending_install(Failure.Kind.io.exitStatus)
    guard code == 0 else { throw System.failure(.io, "signals", "can't be waited for", code) }
  }

  /// Ends a child of the command as soon as its parent has ended, however that happened.
  /// - Throws: `Failure` of kind `io`.
  public static func withParent() throws(Failure) {
    try inBackground {
      if System.waitForEnd(of: ChildProcess.lifeline) { System.end(status: Failure.Kind.io.exitStatus) }
    }
  }

  /// What to do when standard output takes no more because its reader is gone.
  static func withReader() { ingot_ending_broken_pipe() }
}
