#if DEBUG
  import Glibc
  import Synchronization

  extension System.Call {
    fileprivate var movesBytes: Bool { [.pread, .pwrite, .read, .write, .send].contains(self) }
  }

  extension System {
    /// Makes system calls of this process fail, or counts them: in debug builds only, for tools/checks/check_faults.py. The environment
    /// variable `INGOT_FAULT` says what; children don't inherit it.
    ///
    /// - `count`: a table of the calls on standard error when the process ends.
    /// - `CALL:N:FAULT:WHEN`, several with commas between them: from the Nth call of that kind, or of `any`; FAULT is
    ///   `ENOSPC`, `EIO`, `EACCES`, `EINVAL`, `EINTR`, `short` (half of the bytes asked for), `TERM` or `KILL` (the
    ///   signal, before the call is made); WHEN is `once` or `always`, from then on.
    ///
    /// An interrupt for `always` comes 100 times before each call is let through, as one that no call survives would be a
    /// machine that never does anything. Neither counted nor faulty are calls that can't fail, such as for the time, and
    /// those that write to standard error, where faults show.
    final class Faults: Sendable {
      private struct Fault {
        let call: Call?
        let number: Int
        let code: Int32
        let action: Action
        let isLasting: Bool
        /// Calls of the kind so far.
        var seen = 0
        /// Interrupts of the present call.
        var interrupts = 0
      }

      private enum Action {
        case fail, shorten, signal
      }

      private struct State {
        var faults: [Fault]
        var counts: [Call: Int] = [:]
        /// Whether the call at hand gets half of what it asks for, by thread.
        var shortened: Set<UInt> = []
      }

      private let state: Mutex<State>

      private static let shared: Faults? = {
        guard let text = Paths.environment("INGOT_FAULT") else { return nil }
        unsafe unsetenv("INGOT_FAULT")
        if text == "count" { atexit { Faults.printCounts() } }
        return Faults(text)
      }()

      private init(_ text: String) {
        let faults = text == "count" ? [] : text.split(separator: ",").map { Faults.parsed(String($0)) }
        state = Mutex(State(faults: faults))
      }

      private static func parsed(_ text: String) -> Fault {
        let parts = text.split(separator: ":").map(String.init)
        let codes = [
          "ENOSPC": ENOSPC, "EIO": EIO, "EACCES": EACCES, "EINVAL": EINVAL, "EINTR": EINTR, "short": 0,
          "TERM": SIGTERM, "KILL": SIGKILL,
        ]
        guard parts.count == 4, let number = Int(parts[1]), let code = codes[parts[2]],
          parts[0] == "any" || Call(rawValue: parts[0]) != nil, ["once", "always"].contains(parts[3])
        else { fatalError("INGOT_FAULT=\(text) is not CALL:N:FAULT:once or CALL:N:FAULT:always") }
        let action: Action = parts[2] == "short" ? .shorten : ["TERM", "KILL"].contains(parts[2]) ? .signal : .fail
        return Fault(
          call: Call(rawValue: parts[0]), number: number, code: code, action: action, isLasting: parts[3] == "always")
      }

      /// Counts a call; gives the error that it is to fail with, if any.
      static func next(_ kind: Call) -> Int32? {
        guard kind != .tell, let shared else { return nil }
        let (code, signal) = shared.state.withLock { state in
          state.counts[kind, default: 0] += 1
          var result: (code: Int32?, signal: Int32?)
          for index in state.faults.indices where state.faults[index].call == nil || state.faults[index].call == kind {
            state.faults[index].seen += 1
            let fault = state.faults[index]
            guard fault.seen == fault.number || fault.isLasting && fault.seen > fault.number else { continue }
            switch fault.action {
            case .signal: result.signal = fault.code
            case .shorten: if kind.movesBytes { state.shortened.insert(pthread_self()) }
            case .fail where fault.code == EINTR && fault.isLasting:
              state.faults[index].interrupts = (fault.interrupts + 1) % 101
              if state.faults[index].interrupts > 0 { result.code = EINTR }
            case .fail: result.code = fault.code
            }
          }
          return result
        }
        // After SIGTERM this thread goes on, as it would have, until the one that waits for it ends the process.
        if let signal { _ = Glibc.kill(getpid(), signal) }
        return code
      }

      /// How many of so many bytes the call at hand is given.
      static func shortened(_ count: Int) -> Int {
        guard let shared else { return count }
        let isShort = shared.state.withLock { $0.shortened.remove(pthread_self()) != nil }
        return isShort ? max(1, count / 2) : count
      }

      private static func printCounts() {
        guard let counts = shared?.state.withLock({ $0.counts }) else { return }
        var text = "system calls: \(counts.values.reduce(0, +))\n"
        for call in Call.allCases { if let count = counts[call] { text += "  \(call.rawValue) \(count)\n" } }
        Console.printError(text, terminator: "")
      }
    }
  }
#endif
