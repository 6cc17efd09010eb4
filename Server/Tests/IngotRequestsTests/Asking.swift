import Ingot
import IngotRequests

/// The members of a body that a test has as text.
func body(_ text: String) throws -> Fields { try Fields(parsing: Array(text.utf8)) }

/// What a client is told by a reader that refuses; nil where it doesn't.
func refusal(_ read: () throws -> some Any) -> ServiceError? {
  do {
    _ = try read()
    return nil
  } catch {
    return error as? ServiceError
  }
}
