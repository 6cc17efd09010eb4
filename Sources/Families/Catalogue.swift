import Arrays
import Checkpoints
import NetFile

/// What there is of a family: every combination, and whether it is on the shelf, published, or neither.
public struct Catalogue: Sendable {
  public enum Status: Sendable {
    case onShelf(path: String, net: Result<NetFile, Failure>)
    case published(Family.Publication)
    /// Nobody published weights; `ingot create` makes the net.
    case uninitialized

    public var word: String {
      switch self {
      case .onShelf: "on shelf"
      case .published: "published"
      case .uninitialized: "uninitialized"
      }
    }
  }

  public struct Item: Sendable {
    public let combination: Combination
    public let status: Status
  }

  public let family: Family
  /// Of what is published: the folder in the cache of the hub's clients, by repository, where it is there.
  public let cached: [String: String]
  public let items: [Item]
  /// Files in the family's folder of the shelf whose header can't be read.
  public let unreadable: [(path: String, failure: Failure)]

  /// - Throws: `Failure` of kind `noInput` when the shelf is a file, `io` when it can't be listed.
  public init(_ family: Family, shelf: Shelf) throws(Failure) {
    self.family = family
    var onShelf: [Item] = []
    var unreadable: [(path: String, failure: Failure)] = []
    for item in try shelf.items(of: family) {
      do throws(Failure) {
        let combination = try family.combination(ofHeader: item.net.get().header)
        onShelf.append(Item(combination: combination, status: .onShelf(path: item.path, net: item.net)))
      } catch {
        unreadable.append((item.path, error))
      }
    }
    self.unreadable = unreadable
    var cached: [String: String] = [:]
    for publication in family.published where cached[publication.repository] == nil {
      cached[publication.repository] = try RepositoryChoice.cached(
        publication.repository, revision: publication.revision)
    }
    self.cached = cached
    let there = Set(onShelf.map(\.combination))
    items =
      onShelf
      + (family.nets.isEmpty ? [] : family.combinations).filter { !there.contains($0) }.map { combination in
        Item(
          combination: combination,
          status: family.publication(of: combination).map(Status.published) ?? .uninitialized)
      }
  }
}
