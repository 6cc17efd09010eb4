/// Files of one folder that are put in place together: all of them or none.
///
/// Each new file changes places with the one that is there, which so keeps existing under the new one's temporary name
/// until all are in place. Before the first step, a journal in the folder says what is going to be done; the replacement is
/// done when that is gone again. When a step fails, all former files are put back. When the process is killed, or the
/// machine stops, between the first step and the last, every file is still a whole one, former or new, and the next
/// `FolderLock` in that folder, of whatever process, finds the journal and puts the former ones back.
///
/// Where the file system can neither exchange files nor give them second names (FAT), former files can't be kept: then a
/// step that fails, or a kill, leaves the steps before it done.
struct Replacement {
  /// A file that is to be put in place.
  struct Step {
    /// Name in the folder.
    let name: String
    /// Its temporary name; then that of the former file.
    let temporary: String
    /// By which the new file is known again, whatever its name.
    let number: UInt64
    let size: Int
    let changed: Int
    /// Whether there is a former file.
    let replaces: Bool

    fileprivate func isDone(in folder: String) throws(Failure) -> Bool {
      guard let there = try System.status(Paths.join(folder, name)) else { return false }
      return there.number == number && there.size == size && there.changed == changed
    }
  }

  static func journal(in folder: String) -> String { Paths.join(folder, ".ingot-replacing") }

  /// Name of a former file while the new one takes its place, where they can't just change.
  private static func aside(_ temporary: String) -> String {
    "\(temporary.dropLast(OutputFile.suffix.count))-former\(OutputFile.suffix)"
  }

  let lock: FolderLock
  let steps: [Step]

  private var folder: String { lock.path }

  /// Puts the files in place.
  /// - Throws: `Failure` of kind `cannotCreate` or `io`; the folder is then as it was, unless the reason says otherwise.
  func run() throws(Failure) {
    guard steps.count > 1 else { return try putAlone() }
    let journal = try writeJournal()
    // Others see by its lock that this process lives.
    defer { System.close(journal) }
    do throws(Failure) {
      for step in steps { try put(step) }
      try lock.flush()
      // From here on the new files stay.
      guard System.remove(Self.journal(in: folder)) else {
        throw Failure(.cannotCreate, file: folder, "new files can't be put in place: their journal can't be removed")
      }
    } catch {
      do throws(Failure) {
        try Self.undo(steps, in: folder) { () throws(Failure) in try lock.flush() }
      } catch let second {
        throw Failure(
          error.kind, file: error.file, place: error.place,
          "\(error.reason); and what was there can't be put back yet: \(second.reason)",
          hint: "mend the disk; the next run that writes into \(folder) puts it back")
      }
      throw error
    }
    do throws(Failure) { try lock.flush() } catch { throw told(error) }
  }

  private func putAlone() throws(Failure) {
    for step in steps { try System.rename(Paths.join(folder, step.temporary), to: Paths.join(folder, step.name)) }
    do throws(Failure) { try lock.flush() } catch { throw told(error) }
  }

  /// A failure when all is done.
  private func told(_ failure: Failure) -> Failure {
    Failure(
      failure.kind, file: failure.file, "\(failure.reason); what is new is in place, but a power cut may undo that",
      hint: "check the disk")
  }

  private func put(_ step: Step) throws(Failure) {
    let (temporary, final) = (Paths.join(folder, step.temporary), Paths.join(folder, step.name))
    guard step.replaces else { return try System.rename(temporary, to: final) }
    if try System.exchange(temporary, with: final) { return }
    let aside = Paths.join(folder, Self.aside(step.temporary))
    let isKept = System.link(final, as: aside)
    do throws(Failure) {
      try System.rename(temporary, to: final)
    } catch {
      if isKept { System.remove(aside) }
      throw error
    }
    if isKept { try System.rename(aside, to: temporary) }
  }

  // MARK: The journal: a digest, a line feed, and what it is of

  /// - Returns: the journal, open and locked.
  private func writeJournal() throws(Failure) -> System.Descriptor {
    let files = steps.map { step -> JSONValue in
      .object([
        "name": .string(step.name), "temporary": .string(step.temporary), "number": .string(String(step.number)),
        "size": .integer(step.size), "changed": .integer(step.changed), "replaces": .boolean(step.replaces),
      ])
    }
    let text = Array(JSONValue.object(["files": .array(files)]).compactText.utf8)
    let bytes = Array("\(SHA256.digest(text))\n".utf8) + text
    let path = Self.journal(in: folder)
    let descriptor = try System.create(path)
    do throws(Failure) {
      if case .failed(let code) = System.lock(descriptor) {
        throw System.failure(.io, path, "can't be locked", code)
      }
      try System.write(descriptor, bytes.rawSpan, at: 0, path)
      try System.sync(descriptor, path)
      try lock.flush()
    } catch {
      System.close(descriptor)
      System.remove(path)
      throw error
    }
    return descriptor
  }

  /// Puts back what a journal says whose process is gone. One that is not whole was never acted upon.
  /// - Throws: `Failure` of kind `cannotCreate` when files can't be put back, `io`.
  static func undo(in folder: String, flush: () throws(Failure) -> Void) throws(Failure) {
    let file: InputFile
    do {
      file = try InputFile(journal(in: folder))
    } catch {
      // Somebody else undid it meanwhile.
      if error.kind == .noInput { return }
      throw error
    }
    if case .heldElsewhere = System.lock(file.descriptor) { return }
    do throws(Failure) {
      guard file.size <= 1 << 20 else { throw Failure(.badData, "its journal is too large") }
      try undo(steps(file.bytes(file.size, at: 0)) ?? [], in: folder, flush: flush)
    } catch {
      throw Failure(
        .cannotCreate, file: folder,
        "a process was killed while it replaced files here, and they can't be put back: \(error.reason)",
        hint: error.kind == .badData
          ? "no `ingot` wrote \(journal(in: folder)): remove it"
          : "run any `ingot` command that writes here as somebody who may write into that folder")
    }
  }

  private static func undo(
    _ steps: [Step], in folder: String, flush: () throws(Failure) -> Void
  ) throws(Failure) {
    var done: [Step] = []
    for step in steps where try step.isDone(in: folder) { done.append(step) }
    if done.isEmpty {
      // A journal that says nothing true does no harm where it can't be removed.
      System.remove(journal(in: folder))
      return
    }
    for step in done.reversed() {
      let final = Paths.join(folder, step.name)
      if step.replaces {
        for name in [aside(step.temporary), step.temporary] {
          let former = Paths.join(folder, name)
          guard try System.status(former) != nil else { continue }
          try System.rename(former, to: final)
          break
        }
      } else if !System.remove(final) {
        throw Failure(.cannotCreate, file: final, "can't be removed")
      }
    }
    try flush()
    guard System.remove(journal(in: folder)) else {
      throw Failure(.cannotCreate, file: journal(in: folder), "can't be removed")
    }
    try flush()
  }

  private static func steps(_ bytes: [UInt8]) throws(Failure) -> [Step]? {
    guard let end = bytes.firstIndex(of: 0x0a) else { return nil }
    let text = Array(bytes[(end + 1)...])
    guard Array(SHA256.digest(text).description.utf8) == Array(bytes[..<end]) else { return nil }
    var steps: [Step] = []
    for file in try JSONValue(parsing: text).member("files").array() {
      let (name, temporary) = (try file.member("name").string(), try file.member("temporary").string())
      // Whoever wrote it: nothing outside the folder is touched.
      guard
        [name, temporary].allSatisfy({ !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "/")) && $0 != "." && $0 != ".." }
        ),
        temporary.hasSuffix(OutputFile.suffix)
      else { throw Failure(.badData, "its journal names files elsewhere") }
      steps.append(
        Step(
          name: name, temporary: temporary, number: UInt64(try file.member("number").string()) ?? 0,
          size: try file.member("size").integer(), changed: try file.member("changed").integer(),
          replaces: try file.member("replaces").boolean()))
    }
    return steps
  }
}
