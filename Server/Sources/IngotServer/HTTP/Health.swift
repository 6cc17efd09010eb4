import HTTPTypes
import Hummingbird
import Ingot
import IngotRequests

/// Whether the server lives, and whether it can answer.
struct Health: Sendable {
  let services: Services

  func live(_ call: Call) async throws -> Response { .bytes("ok\n", "text/plain; charset=utf-8") }

  /// Ready is who has nets; a queue that is full is told to those who ask for something.
  func ready(_ call: Call) async throws -> Response {
    guard try !services.store.list().isEmpty else {
      throw ServiceError(.serviceUnavailable, "there are no nets on the shelf", retryAfter: 5)
    }
    return .bytes("ok\n", "text/plain; charset=utf-8")
  }

  func metrics(_ call: Call) async throws -> Response {
    let looks = services.looks.counts
    services.metrics.gauge("ingot_connections", "Open connections.", Double(ConnectionTable.shared.count))
    services.metrics.gauge(
      "ingot_queue_requests", "Requests that wait to be computed, or are.", Double(services.queue.requests))
    services.metrics.gauge("ingot_body_bytes", "Bytes of requests' bodies that are held.", Double(services.room.bytes))
    services.metrics.gauge("ingot_looks_kept", "Pictures whose looks are kept.", Double(looks.kept))
    services.metrics.total("ingot_look_hits_total", "Pictures that were known already.", Double(looks.hits))
    services.metrics.total("ingot_look_misses_total", "Pictures that had to be looked at.", Double(looks.misses))
    services.metrics.gauge("ingot_nets_open", "Nets that are open.", Double(services.store.open.count))
    services.metrics.gauge(
      "process_resident_memory_bytes", "Resident memory size in bytes.", Double(ProcessFacts.residentBytes))
    services.metrics.gauge(
      "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", ProcessFacts.start)
    return .bytes(services.metrics.text, "text/plain; version=0.0.4; charset=utf-8")
  }
}
