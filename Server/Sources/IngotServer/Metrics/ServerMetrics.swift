import CoreMetrics
import Glibc
import HTTPTypes
import Ingot
import Synchronization

/// What the server counts. Nothing in it comes from what clients send but the method and the route.
struct ServerMetrics: Sendable {
  private let prometheus: PrometheusText
  private let active = ActiveRequests()

  /// - Parameter prometheus: where libraries' metrics go too.
  init(_ prometheus: PrometheusText) { self.prometheus = prometheus }

  func requestBegan() { active.add(1) }
  func requestEnded() { active.add(-1) }

  func requestAnswered(_ route: String, _ method: HTTPRequest.Method, _ status: Int, _ seconds: Double) {
    // A stranger's method would be a series of its own.
    let known: [HTTPRequest.Method] = [.get, .head, .post, .options]
    let labels = [
      ("route", route), ("method", known.contains(method) ? method.rawValue : "other"), ("status", "\(status)"),
    ]
    prometheus.add(1, to: "ingot_requests_total", labels, help: "Requests, by the status of their answers.")
    prometheus.observe(
      seconds, in: "ingot_request_seconds", [("route", route)],
      help: "Seconds from a request's head to its answer's first byte.")
  }

  func gauge(_ name: String, _ help: String, _ value: Double) { prometheus.set(value, of: name, [], help: help) }
  func total(_ name: String, _ help: String, _ value: Double) {
    prometheus.set(value, of: name, [], help: help, .counter)
  }

  /// All, in Prometheus' text format.
  var text: String {
    gauge("ingot_requests_active", "Requests whose answers have not begun.", Double(active.count))
    return prometheus.text
  }
}

private final class ActiveRequests: Sendable {
  private let number = Atomic(0)

  func add(_ amount: Int) { number.wrappingAdd(amount, ordering: .relaxed) }
  var count: Int { number.load(ordering: .relaxed) }
}

/// What the system knows of this process.
enum ProcessFacts {
  /// 0 where the system doesn't tell.
  static var residentBytes: Int {
    guard let text = text(of: "/proc/self/statm") else { return 0 }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// In seconds since 1970.
  static let start = Double(time(nil))

  private static func text(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer[..<count], as: UTF8.self)
  }
}
