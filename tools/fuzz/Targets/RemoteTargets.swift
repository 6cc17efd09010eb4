import Arrays
import Remote

extension FuzzTarget {
  /// The list of a repository, as a hub gives it.
  static let hub = FuzzTarget("hub") { bytes in
    let list = try HubListing(bytes)
    try expect(list.commit.utf8.count == 40, "a commit of another length")
    for file in list.files {
      let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
      try expect(!parts.contains { ["", ".", ".."].contains($0) } && parts[0] != ".git", "leads out: \(file.path)")
      try expect(!file.path.utf8.contains { $0 < 0x20 || $0 == 0x5c }, "a name with characters that none has")
      try expect(file.size >= 0, "a size below nothing")
      try expect(file.tag.map { !$0.contains("/") && $0 != ".." } ?? true, "a tag that leads out")
    }
  }

  /// An address that a user gave, and headers of a server, a line each.
  static let web = FuzzTarget("web", kinds: [.usage]) { bytes in
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map {
      String($0)
    }
    for line in lines.dropFirst() {
      if let range = ContentRange(line) {
        try expect(
          !range.range.isEmpty && range.size ?? range.range.upperBound >= range.range.upperBound, "an odd range")
      }
      try expect(RetryAfter.seconds(line, now: 0) ?? 0 >= 0, "a wait that is over")
    }
    switch try RemoteAddress(lines[0]) {
    case .hub(let name, let revision, let path):
      try expect((1...2).contains(name.split(separator: "/").count) && !name.contains(".."), "no repository: \(name)")
      try expect(revision.map { !$0.isEmpty && !$0.contains("\n") } ?? true, "no revision")
      try expect(path.map { !$0.split(separator: "/").contains("..") } ?? true, "leads out")
    case .web(let address):
      try expect(try sure("the same address again") { try RemoteAddress(address) } == .web(address), "another address")
    }
  }
}
