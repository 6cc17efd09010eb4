import Arrays

/// A file of a repository, as the hub lists it.
package struct HubFile: Hashable, Sendable {
  /// From the repository's top on, by `/`.
  package let path: String
  package let size: Int
  /// Of large files; those that git itself holds have none.
  package let sha256: Digest?
  /// git's name of the blob: SHA-1 of its content with a head.
  package let blob: String?

  /// The name that the hub's clients keep it by: the tag that the hub gives it.
  package var tag: String? {
    guard let tag = sha256?.description ?? blob, RepositoryPath.isComponent(tag) else { return nil }
    return tag
  }
}

/// What the hub answers when it is asked for a revision of a repository: JSON of a stranger.
package struct HubListing: Sendable {
  /// The commit that the revision is at: 40 hexadecimal digits.
  package let commit: String
  /// Those whose paths stay inside the repository's folder.
  package let files: [HubFile]

  /// More are no repository of weights.
  static let mostFiles = 100_000

  /// - Throws: `Failure` of kind `badData`.
  package init(_ body: [UInt8]) throws(Failure) {
    let json = try JSONValue(parsing: body, rules: .lenient)
    commit = try json.member("sha").string()
    guard commit.utf8.count == 40, commit.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { throw Failure(.badData, "\"\(shortened(commit, to: 50))\" is no commit") }
    let listed = try json.member("siblings").array()
    guard listed.count <= Self.mostFiles else {
      throw Failure(.badData, "\(listed.count) files; at most \(Self.mostFiles) are read")
    }
    var (files, seen): ([HubFile], Set<[UInt8]>) = ([], [])
    for item in listed {
      let path = try item.member("rfilename").string()
      let large = item["lfs"]
      guard let size = try (large?["size"] ?? item["size"])?.integer(), size >= 0, size <= Shape.largestTotal else {
        throw Failure(.badData, "\"\(shortened(path, to: 80))\" has no size")
      }
      // What could lead out of a folder, or is there twice, is left where it is.
      guard RepositoryPath.isSafe(path), seen.insert(Array(path.utf8)).inserted else { continue }
      var digest: Digest?
      if case .string(let hex)? = (large?["sha256"] ?? large?["oid"])?.content { digest = Digest(hex: hex) }
      var blob: String?
      if case .string(let name)? = item["blobId"]?.content { blob = name }
      files.append(HubFile(path: path, size: size, sha256: digest, blob: blob))
    }
    // Nor can a file have others in it.
    self.files = files.filter { file in
      let path = Array(file.path.utf8)
      return !path.indices.contains { path[$0] == UInt8(ascii: "/") && seen.contains(Array(path[..<$0])) }
    }
  }
}
