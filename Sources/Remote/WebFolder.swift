import Arrays

/// What stands beside a file at an address. It can't be listed: files of it are asked for by name.
struct WebFolder: SourceFolder {
  private let address: WebAddress
  private let client: FetchClient
  /// Name of the file that was asked for.
  private let own: String
  let isRemote = true
  var fetched: FetchTally? { client.tally }
  var path: String { address.origin + Paths.folder(of: address.path) }
  var parent: (any SourceFolder)? { nil }

  init(of address: WebAddress, _ client: FetchClient) {
    (self.address, self.client) = (address, client)
    own = percentDecoded(Paths.name(address.path)) ?? Paths.name(address.path)
  }

  func names() throws(Failure) -> [String] { [own] }

  func folder(_ name: String) throws(Failure) -> (any SourceFolder)? { nil }

  func file(_ name: String) throws(Failure) -> (any Source)? {
    let other = name.isSameBytes(as: own) ? address : try address.following(percentEncoded(name, keeping: "/"))
    return try open(other)
  }

  /// - Returns: nil where there is no such file.
  private func open(_ address: WebAddress) throws(Failure) -> RemoteFile? {
    let path = RemoteFailure.told(address)
    let resource = FetchedResource(name: path)
    let first = 0..<RemoteBytes.leastFetched
    let answer = try client.get(
      FetchRequest(address: address, range: first), resource, most: RemoteBytes.mostAhead, accepting: [404, 410, 416])
    let head = answer.head
    if head.status == 404 || head.status == 410 { return nil }
    if head.status == 416 {
      // Of an empty file there are no ranges.
      return RemoteFile(
        bytes: RemoteBytes(RangeFetcher(path, size: 0, at: address, client, resource)), folder: self)
    }
    var size = answer.body.count
    if head.status == 206 {
      guard let told = ContentRange(head["content-range"] ?? ""), let whole = told.size,
        told.range == 0..<answer.body.count, told.range.count == min(whole, first.count)
      else { throw RemoteFailure.malformed(address, "gives other bytes than were asked for") }
      size = whole
    }
    let fetcher = RangeFetcher(path, size: size, at: address, client, resource, tag: head["etag"])
    return RemoteFile(bytes: RemoteBytes(fetcher, front: answer.body), folder: self)
  }
}

/// What an address names.
public enum RemotePlace {
  case folder(any SourceFolder)
  case file(any Source)

  /// Asks what is there.
  /// - Throws: `Failure` of kind `usage` when the address is malformed, `noInput` when there is no such thing, `unavailable`.
  public init(_ text: String) throws(Failure) {
    switch try RemoteAddress(text) {
    case .hub(let name, let revision, let path):
      // What most repositories have, and what is looked at first.
      let guesses = path == nil ? ["config.json", "model.safetensors"] : []
      let repository = try HubRepository(name, revision: revision, guesses: guesses)
      let top = HubFolder(repository)
      guard let path else {
        self = .folder(top)
        return
      }
      if let file = try top.file(path) {
        self = .file(file)
      } else if let folder = try top.folder(path) {
        self = .folder(folder)
      } else {
        let names = try top.names().prefix(12).map { shortened($0, to: 60) }.joined(separator: ", ")
        throw Failure(
          .noInput, file: "\(repository.path)/\(path)", "there is no such file in the repository",
          hint: "it has \(names)")
      }
    case .web(let text):
      let address = try WebAddress(text)
      if try HubSettings().isOffline { throw RemoteFailure.offline(address) }
      let client = FetchClient()
      let folder = WebFolder(of: address, client)
      guard let file = try folder.file(try folder.names()[0]) else {
        throw Failure(.noInput, file: RemoteFailure.told(address), "there is no such file", hint: "check the address")
      }
      self = .file(file)
    }
  }
}
